internal import Conntrack
package import Networking
package import ServiceModel

/// Where connections that conntrack knows may still go, for some frontends; decides which are stale.
package struct FlowRules: Sendable {
    package enum Targets: Sendable, Hashable {
        /// The frontend is no Service's any more.
        case removed
        /// These endpoints, and nothing else.
        case endpoints(Set<Backend>)
    }

    /// By frontend, for the protocols that are looked after.
    package private(set) var targets: [Frontend: Targets] = [:]
    /// The node's addresses on which NodePorts answer.
    package var nodeAddresses: Set<IPAddress>

    package init(nodeAddresses: Set<IPAddress> = []) {
        self.nodeAddresses = nodeAddresses
    }

    package var isEmpty: Bool { self.targets.isEmpty }

    package mutating func set(_ frontend: Frontend, _ targets: Targets) { self.targets[frontend] = targets }

    /// Takes over newer rules.
    package mutating func merge(_ newer: FlowRules) {
        self.targets.merge(newer.targets) { $1 }
        self.nodeAddresses = newer.nodeAddresses
    }

    /// Which tables of connections there is something to look for in.
    package var scopes: Set<Scope> {
        Set(self.targets.keys.map { Scope(transport: $0.transport, family: $0.family) })
    }

    package struct Scope: Hashable, Sendable {
        package let transport: TransportProtocol
        package let family: AddressFamily
    }

    /// Whether a connection goes, or went untranslated, where it would not go now.
    ///
    /// UDP: anywhere but to an endpoint that serves. Packets that were let pass before there was a Service, or
    /// before it had endpoints, count: the entry would keep them from being looked at again. TCP: only to
    /// endpoints that are gone; a connection that never was a Service's is not touched. Where a frontend is
    /// gone, what was translated goes with it; what was not never was its business.
    func isStale(_ flow: ConntrackFlow) -> Bool {
        let original = flow.original
        let frontend = Frontend(.address(original.destination), flow.transport, original.destinationPort)
        var targets = self.targets[frontend]
        if targets == nil, self.nodeAddresses.contains(original.destination) {
            let family = original.destination.family
            targets = self.targets[Frontend(.node(family), flow.transport, original.destinationPort)]
        }
        switch targets {
        case nil: return false
        case .removed: return flow.isDestinationTranslated
        case .endpoints(let endpoints):
            guard flow.transport == .udp || flow.isDestinationTranslated else { return false }
            return !endpoints.contains(Backend(flow.reply.source, flow.reply.sourcePort))
        }
    }
}
