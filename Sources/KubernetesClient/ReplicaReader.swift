internal import ClusterState
internal import FoundationEssentials
package import KubernetesAPI
internal import KubernetesWire

/// A pod that does what this one does.
package struct Replica: Hashable, Sendable {
    package var name: String
    /// The node it runs on; empty if none yet.
    package var node: String
    /// Of that node, as the pod's status has them.
    package var hostIPs: [String]
    package var isReady: Bool
    /// It is being deleted.
    package var isEnding: Bool

    package init(name: String, node: String, hostIPs: [String] = [], isReady: Bool = true, isEnding: Bool = false) {
        self.name = name
        self.node = node
        self.hostIPs = hostIPs
        self.isReady = isReady
        self.isEnding = isEnding
    }
}

/// Looks for the pods that have the labels of this process's own pod, as ingress-nginx tells its replicas.
package struct ReplicaReader: Sendable {
    /// What tells pods of one workload from each other, and not workloads.
    private static let passing: Set<String> = [
        "pod-template-hash", "controller-revision-hash", "pod-template-generation",
        "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
    ]

    private let client: APIClient
    private let pod: ObjectName

    /// - Parameter pod: the one that this process runs in.
    package init(_ client: APIClient, pod: ObjectName) {
        self.client = client
        self.pod = pod
    }

    /// All of them, this one included, by name.
    package func replicas() async throws(APIError) -> [Replica] {
        let own: Pod = try await self.get(self.path + "/\(self.pod.name)", summary: "get pods")
        let labels = (own.metadata.labels ?? [:]).filter { !Self.passing.contains($0.key) }
        // No label at all selects everybody.
        guard !labels.isEmpty else { return [own.replica] }
        let selector = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        let list: List = try await self.get(self.path, query: [("labelSelector", selector)], summary: "list pods")
        return list.items.filter(\.isRunning).map(\.replica).sorted { $0.name < $1.name }
    }

    /// Where a node is reached from outside: its ExternalIPs, or its InternalIPs if it has none.
    package func addresses(ofNode name: String) async throws(APIError) -> [String] {
        let node: Node = try await self.get("/api/v1/nodes/\(name)", summary: "get nodes")
        let addresses = node.status?.addresses ?? []
        let external = addresses.filter { $0.type == "ExternalIP" }
        return (external.isEmpty ? addresses.filter { $0.type == "InternalIP" } : external).map(\.address)
    }

    /// The RBAC rules that this takes.
    package static let neededRules =
        #"apiGroups: [""], resources: ["pods"], verbs: ["get", "list"]; resources: ["nodes"], verbs: ["get"]"#

    private var path: String { "/api/v1/namespaces/\(self.pod.namespace)/pods" }

    private func get<Result: Decodable & Sendable>(
        _ path: String, query: [(name: String, value: String)] = [], summary: String
    ) async throws(APIError) -> Result {
        let request = APIRequest(.get, path, query: query, accept: WireFormat.json.accept, summary: summary)
        return try await self.client.send(request) { response throws(APIError) in
            let bytes = try await response.readAll(limit: 16 << 20)
            do {
                return try JSONDecoder().decode(Result.self, from: Data(bytes))
            } catch {
                throw APIError(.malformed, request: request.summary, message: "\(error)")
            }
        }
    }

    // MARK: - As they go over the wire

    private struct List: Decodable, Sendable {
        var items: [Pod]
    }

    private struct Pod: Decodable, Sendable {
        struct Metadata: Decodable, Sendable {
            var name: String
            var labels: [String: String]?
            var deletionTimestamp: String?
        }

        struct Spec: Decodable, Sendable {
            var nodeName: String?
        }

        struct Status: Decodable, Sendable {
            struct Condition: Decodable, Sendable {
                var type: String
                var status: String
            }

            struct HostIP: Decodable, Sendable {
                var ip: String
            }

            var phase: String?
            var hostIP: String?
            var hostIPs: [HostIP]?
            var conditions: [Condition]?
        }

        var metadata: Metadata
        var spec: Spec?
        var status: Status?

        var isRunning: Bool { self.status?.phase == "Running" || self.status?.phase == "Pending" }

        var replica: Replica {
            let ready = self.status?.conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false
            return Replica(
                name: self.metadata.name, node: self.spec?.nodeName ?? "",
                hostIPs: self.status?.hostIPs?.map(\.ip) ?? [self.status?.hostIP].compactMap(\.self),
                isReady: ready, isEnding: self.metadata.deletionTimestamp != nil)
        }
    }

    private struct Node: Decodable, Sendable {
        struct Status: Decodable, Sendable {
            struct Address: Decodable, Sendable {
                var type: String
                var address: String
            }

            var addresses: [Address]?
        }

        var status: Status?
    }
}
