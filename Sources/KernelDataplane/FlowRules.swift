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
        /// Anywhere, unless the connection is still being made and goes nowhere: its first segment came when
        /// there were no rules for it, and all that are sent again would follow it.
        case established
    }

    /// By frontend, for the protocols that are looked after.
    package private(set) var targets: [Frontend: Targets] = [:]
    /// The node's addresses on which NodePorts answer.
    package var nodeAddresses: Set<IPAddress>
    /// Addresses on which they answered until now.
    package var formerNodeAddresses: Set<IPAddress>

    package init(nodeAddresses: Set<IPAddress> = [], formerNodeAddresses: Set<IPAddress> = []) {
        self.nodeAddresses = nodeAddresses
        self.formerNodeAddresses = formerNodeAddresses.subtracting(nodeAddresses)
    }

    package var isEmpty: Bool { self.targets.isEmpty }

    package mutating func set(_ frontend: Frontend, _ targets: Targets) { self.targets[frontend] = targets }

    /// Takes over newer rules.
    package mutating func merge(_ newer: FlowRules) {
        guard !newer.isEmpty else { return }
        self.targets.merge(newer.targets) { $1 }
        self.nodeAddresses = newer.nodeAddresses
        self.formerNodeAddresses = self.formerNodeAddresses.union(newer.formerNodeAddresses)
            .subtracting(newer.nodeAddresses)
    }

    /// Which tables of connections there is something to look for in.
    package var scopes: Set<Scope> {
        Set(self.targets.keys.map { Scope(transport: $0.transport, family: $0.family) })
    }

    package struct Scope: Hashable, Sendable {
        package let transport: TransportProtocol
        package let family: AddressFamily
    }

    /// SYN_SENT and SYN_SENT2 of `enum tcp_conntrack`, and not translated.
    private static func isHalfOpen(_ flow: ConntrackFlow) -> Bool {
        !flow.isDestinationTranslated && (flow.tcpState == 1 || flow.tcpState == 9)
    }

    func isStale(_ flow: ConntrackFlow) -> Bool { self.judge(flow) ?? false }

    /// Whether a connection goes, or went untranslated, where it would not go now.
    ///
    /// UDP: anywhere but to an endpoint that serves. Packets that were let pass before there was a Service, or
    /// before it had endpoints, count: the entry would keep them from being looked at again. TCP: only to
    /// endpoints that are gone; a connection that never was a Service's is not touched once it is made. Where a frontend is
    /// gone, what was translated goes with it; what was not never was its business. nil: these rules do not say.
    func judge(_ flow: ConntrackFlow) -> Bool? {
        let original = flow.original
        let frontend = Frontend(.address(original.destination), flow.transport, original.destinationPort)
        var targets = self.targets[frontend]
        if targets == nil {
            let family = original.destination.family
            let nodePort = self.targets[Frontend(.node(family), flow.transport, original.destinationPort)]
            if self.nodeAddresses.contains(original.destination) {
                targets = nodePort
            } else if nodePort != nil, self.formerNodeAddresses.contains(original.destination) {
                targets = .removed
            }
        }
        switch targets {
        case nil: return nil
        // Nobody would tell a TCP client that its connection has ended.
        case .removed: return flow.transport == .udp && flow.isDestinationTranslated
        case .established: return Self.isHalfOpen(flow)
        case .endpoints(let endpoints):
            guard flow.transport == .udp || flow.isDestinationTranslated else { return Self.isHalfOpen(flow) }
            return !endpoints.contains(Backend(flow.reply.source, flow.reply.sourcePort))
        }
    }
}
