internal import ClusterState
internal import FoundationEssentials
package import KubernetesAPI
internal import KubernetesWire

/// Where something is reached, as a status says it: an IP address or a name.
package enum PublishedAddress: Hashable, Sendable {
    case ip(String)
    case hostname(String)
}

/// Writes where Ingresses and Services of type LoadBalancer are reached into their status.
package struct StatusWriter: Sendable {
    /// The kinds that have `status.loadBalancer`.
    package enum Kind: String, Hashable, Sendable {
        case ingress = "ingresses"
        case service = "services"

        fileprivate var group: String { self == .ingress ? "networking.k8s.io" : "" }
        fileprivate var root: String { self == .ingress ? "/apis/networking.k8s.io/v1" : "/api/v1" }
    }

    package enum Outcome: Hashable, Sendable {
        case written
        /// It said so already.
        case unchanged
        /// The object is gone.
        case gone
    }

    /// How often it is tried again when others write the same object meanwhile.
    private static let attempts = 10

    private let client: APIClient

    package init(_ client: APIClient) {
        self.client = client
    }

    /// Makes the status of an object say these addresses and no others.
    ///
    /// It reads the object first and writes only if no one else has in between: a status that somebody else sees to at
    /// the same time is never overwritten by an older thought.
    package func publish(
        _ addresses: [PublishedAddress],
        to kind: Kind,
        _ name: ObjectName
    ) async throws(APIError) -> Outcome {
        let wanted = addresses.map(Entry.init)
        return try await self.change(kind, name) { _ in wanted }
    }

    /// Takes these addresses out of the status of an object; others stay as they are.
    package func withdraw(
        _ addresses: Set<PublishedAddress>,
        from kind: Kind,
        _ name: ObjectName
    ) async throws(APIError) -> Outcome {
        let unwanted = Set(addresses.map(Entry.init))
        return try await self.change(kind, name) { entries in entries.filter { !unwanted.contains($0.place) } }
    }

    private func change(
        _ kind: Kind,
        _ name: ObjectName,
        _ edit: ([Entry]) -> [Entry]
    ) async throws(APIError) -> Outcome {
        let path = "\(kind.root)/namespaces/\(name.namespace)/\(kind.rawValue)/\(name.name)"
        var backoff = Backoff(first: .milliseconds(20), longest: .seconds(1))
        var random = SystemRandomNumberGenerator()
        var attempt = 1
        while true {
            guard let object = try await self.read(path, kind) else { return .gone }
            let entries = object.status?.loadBalancer?.ingress ?? []
            let wanted = edit(entries)
            if wanted.map(\.place) == entries.map(\.place) { return .unchanged }
            let change = Object(
                metadata: .init(resourceVersion: object.metadata.resourceVersion),
                status: .init(loadBalancer: .init(ingress: wanted)))
            do throws(APIError) {
                try await self.write(change, path, kind)
                return .written
            } catch  where error.status?.isConflict == true && attempt < Self.attempts {
                attempt += 1
                // Cut short by cancellation alone; the next request says so.
                try? await Task.sleep(for: backoff.pause(&random))
            } catch  where error.status?.code == 404 {
                return .gone
            }
        }
    }

    // MARK: - Requests

    /// As much of the object as matters, in JSON as it goes over the wire.
    private struct Object: Codable, Sendable {
        struct Metadata: Codable, Sendable {
            var resourceVersion: String
        }

        struct Status: Codable, Sendable {
            struct LoadBalancer: Codable, Sendable {
                var ingress: [Entry]?
            }

            var loadBalancer: LoadBalancer?
        }

        var metadata: Metadata
        var status: Status?
    }

    private struct Entry: Codable, Hashable, Sendable {
        struct Port: Codable, Hashable, Sendable {
            var port: Int
            var `protocol`: String
            var error: String?
        }

        var ip: String?
        var hostname: String?
        /// These two are others' business, and are kept.
        var ipMode: String?
        var ports: [Port]?

        /// What it is compared by.
        var place: Entry {
            var place = self
            (place.ipMode, place.ports) = (nil, nil)
            return place
        }

        init(_ address: PublishedAddress) {
            switch address {
            case .ip(let ip): self.ip = ip
            case .hostname(let name): self.hostname = name
            }
        }
    }

    private func read(_ path: String, _ kind: Kind) async throws(APIError) -> Object? {
        let request = APIRequest(.get, path, accept: WireFormat.json.accept, summary: "get \(kind.rawValue)")
        do throws(APIError) {
            return try await self.client.send(request) { response throws(APIError) in
                let bytes = try await response.readAll(limit: 4 << 20)
                do {
                    return try JSONDecoder().decode(Object.self, from: Data(bytes))
                } catch {
                    throw APIError(.malformed, request: request.summary, message: "\(error)")
                }
            }
        } catch  where error.status?.code == 404 {
            return nil
        }
    }

    /// A merge patch (RFC 7386) of the status alone; with the version that was read, so that the server refuses it if
    /// it is no longer that one.
    private func write(_ change: Object, _ path: String, _ kind: Kind) async throws(APIError) {
        var request = APIRequest(
            .patch, "\(path)/status", accept: WireFormat.json.accept, summary: "patch \(kind.rawValue)/status")
        do {
            request.body = ([UInt8](try JSONEncoder().encode(change)), "application/merge-patch+json")
        } catch {
            throw APIError(.malformed, request: request.summary, message: "\(error)")
        }
        try await self.client.send(request) { response throws(APIError) in
            _ = try await response.readAll(limit: 4 << 20)
        }
    }

    /// The RBAC rules that this takes.
    package static func neededRules(_ kind: Kind) -> String {
        #"apiGroups: ["\#(kind.group)"], resources: ["\#(kind.rawValue)"], verbs: ["get"]; "#
            + #"resources: ["\#(kind.rawValue)/status"], verbs: ["patch"]"#
    }
}
