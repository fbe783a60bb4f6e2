package import KubernetesAPI
package import KubernetesClient
internal import Networking

/// Where the addresses come from under which Ingresses are said to be reached (S2).
package enum AddressSource: Hashable, Sendable {
    /// `--publish-status-address`.
    case fixed([PublishedAddress])
    /// `--publish-service`.
    case service(ObjectName)
    /// Those of the nodes that replicas run on; this host's own where there is no cluster.
    case nodes
}

/// Addresses in the form in which they are published: each once, addresses before names, in an order of their own.
enum PublishedAddresses {
    static func sorted(_ addresses: some Sequence<PublishedAddress>) -> [PublishedAddress] {
        Set(addresses).sorted { left, right in
            switch (left, right) {
            case (.ip(let left), .ip(let right)): Self.key(left) < Self.key(right)
            case (.hostname(let left), .hostname(let right)): left < right
            case (.ip, .hostname): true
            case (.hostname, .ip): false
            }
        }
    }

    private static func key(_ text: String) -> IPAddress { IPAddress(text) ?? IPAddress(ipv4: 0) }

    /// As an object's status has them.
    static func list(_ addresses: [LoadBalancerAddress]) -> [PublishedAddress] {
        addresses.flatMap { entry in
            [
                entry.ip.map { PublishedAddress.ip($0.description) },
                entry.hostname.map { PublishedAddress.hostname($0) },
            ].compactMap(\.self)
        }
    }

    /// Where a Service is reached, by its type, as ingress-nginx reads it.
    static func list(_ service: KubernetesAPI.Service) -> [PublishedAddress] {
        let external = service.externalIPs.map { PublishedAddress.ip($0.description) }
        return switch service.type {
        case .externalName: service.externalName.map { [.hostname($0)] } ?? []
        case .clusterIP: service.clusterIPs.map { .ip($0.description) }
        case .nodePort: external.isEmpty ? service.clusterIPs.map { .ip($0.description) } : external
        case .loadBalancer: self.list(service.loadBalancer) + external
        }
    }
}

extension PublishedAddress {
    /// An address, or a name; nil if it is neither.
    package init?(_ text: String) {
        if let address = IPAddress(text) {
            self = .ip(address.description)
            return
        }
        guard !text.isEmpty, NameRules.subdomain(text) == nil else { return nil }
        self = .hostname(text)
    }

    /// As it is written.
    package var text: String {
        switch self {
        case .ip(let text), .hostname(let text): text
        }
    }
}
