package import KubernetesAPI
package import KubernetesClient
internal import KubernetesWire
internal import Linux
package import Logging
internal import Networking

/// Finds out where Ingresses are reached.
package struct AddressResolver: Sendable {
    /// Where the pods are that do what this process does.
    package struct Workload: Sendable {
        package let reader: ReplicaReader
        /// The name of the pod that this process runs in.
        package let pod: String

        package init(_ client: APIClient, pod: ObjectName) {
            self.reader = ReplicaReader(client, pod: pod)
            self.pod = pod.name
        }
    }

    let source: AddressSource
    /// nil where this runs in no pod.
    let workload: Workload?
    /// Whether it may be taken for the only one where that cannot be looked up.
    private let isAlone: Bool
    private let logger: Logger

    package init(_ source: AddressSource, workload: Workload? = nil, isAlone: Bool = true, logger: Logger) {
        self.source = source
        self.workload = workload
        self.isAlone = isAlone
        self.logger = logger
    }

    /// nil where it cannot be told.
    ///
    /// - Parameter service: the one whose addresses are published, if it is there.
    func resolve(service: KubernetesAPI.Service?, _ trouble: inout String?) async -> [PublishedAddress]? {
        let reason: String
        switch self.source {
        case .fixed(let addresses): return addresses
        case .service(let name):
            if let service {
                trouble = nil
                return PublishedAddresses.list(service)
            }
            reason = "there is no Service \(name)"
        case .nodes:
            do throws(APIError) {
                let addresses = try await self.nodeAddresses()
                trouble = nil
                return addresses
            } catch {
                let missing = error.status?.isForbidden == true ? "; missing: \(ReplicaReader.neededRules)" : ""
                reason = "\(error)\(missing)"
            }
        }
        if reason != trouble {
            self.logger.warning(
                "it cannot be told where Ingresses are reached; their status stays as it is",
                metadata: ["reason": "\(reason)", "mend": "--publish-service or --publish-status-address"])
        }
        trouble = reason
        return nil
    }

    private func nodeAddresses() async throws(APIError) -> [PublishedAddress] {
        guard let workload else { return HostAddresses.primary().map { .ip($0.description) } }
        var addresses: [PublishedAddress] = []
        for replica in try await workload.reader.replicas() where replica.isReady && !replica.isEnding {
            addresses += try await self.addresses(of: replica, workload.reader)
        }
        return addresses
    }

    private func addresses(of replica: Replica, _ reader: ReplicaReader) async throws(APIError) -> [PublishedAddress] {
        var texts = replica.hostIPs
        do throws(APIError) {
            let node = try await reader.addresses(ofNode: replica.node)
            if !node.isEmpty { texts = node }
        } catch  where error.status.map({ $0.isForbidden || $0.code == 404 }) ?? false {
            // The pod's status knows one of them.
        }
        return texts.compactMap { PublishedAddress($0) }
    }

    /// Whether nobody goes on when this process ends.
    func isLastReplica() async throws(APIError) -> Bool {
        guard let workload else { return self.isAlone }
        return try await workload.reader.replicas().allSatisfy { $0.name == workload.pod || $0.isEnding }
    }
}
