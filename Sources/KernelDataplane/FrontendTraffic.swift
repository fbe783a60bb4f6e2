package import Conntrack
package import Networking
package import ServiceModel

/// What goes through frontends now, as the kernel's connection tracking has it. A value: flows in, counts out.
package struct FrontendTraffic: Sendable {
    package struct Count: Hashable, Sendable {
        /// Of TCP those that are not over; of others those that have not timed out.
        package fileprivate(set) var connections = 0
        /// Both ways, of those connections; nil where the kernel does not account (`net.netfilter.nf_conntrack_acct`).
        package fileprivate(set) var bytes: UInt64?
    }

    /// A dump that was interrupted shows connections once more, in another state.
    private struct Connection: Hashable {
        let transport: TransportProtocol
        let original: ConntrackFlow.Tuple
        let identifier: UInt32?
    }

    private let frontends: [Frontend: ProgrammedFrontend]
    /// nil: all.
    private let selected: Set<Frontend>?
    private let nodeAddresses: Set<IPAddress>
    private let isAccounted: Bool
    private var connections: [Connection: (frontend: Frontend, bytes: UInt64)] = [:]

    /// - Parameters:
    ///   - frontends: all that there are: which of them a connection belongs to is for all to decide.
    ///   - selected: those whose connections are asked for; nil: all.
    ///   - nodeAddresses: where NodePorts answer.
    ///   - isAccounted: whether flows have bytes.
    package init(
        of frontends: [Frontend: ProgrammedFrontend], selected: [Frontend]? = nil, nodeAddresses: Set<IPAddress>,
        isAccounted: Bool
    ) {
        self.frontends = frontends
        self.selected = selected.map { Set($0) }
        self.nodeAddresses = nodeAddresses
        self.isAccounted = isAccounted
    }

    /// What has to be listed.
    package var scopes: Set<FlowRules.Scope> {
        var scopes: Set<FlowRules.Scope> = []
        func note(_ frontend: Frontend) {
            scopes.insert(FlowRules.Scope(transport: frontend.transport, family: frontend.family))
        }
        if let selected { selected.forEach(note) } else { self.frontends.keys.forEach(note) }
        return scopes
    }

    /// Takes one of the connections that there are.
    package mutating func note(_ flow: ConntrackFlow) {
        guard flow.isDestinationTranslated, let frontend = self.frontend(of: flow),
            self.selected?.contains(frontend) ?? true
        else { return }
        let connection = Connection(transport: flow.transport, original: flow.original, identifier: flow.identifier)
        self.connections[connection] = flow.isOver ? nil : (frontend, flow.bytes ?? 0)
    }

    private func frontend(of flow: ConntrackFlow) -> Frontend? {
        let (address, port) = (flow.original.destination, flow.original.destinationPort)
        let own = Frontend(.address(address), flow.transport, port)
        if self.frontends[own] != nil { return own }
        guard self.nodeAddresses.contains(address) else { return nil }
        let nodePort = Frontend(.node(address.family), flow.transport, port)
        return self.frontends[nodePort] != nil ? nodePort : nil
    }

    /// Of each frontend that has any; see ``none`` for the others.
    package func counts() -> [Frontend: Count] {
        var counts: [Frontend: Count] = [:]
        for (frontend, bytes) in self.connections.values {
            var count = counts[frontend] ?? self.none
            count.connections += 1
            count.bytes = count.bytes.map { $0 &+ bytes }
            counts[frontend] = count
        }
        return counts
    }

    /// Nobody is connected.
    package var none: Count { Count(connections: 0, bytes: self.isAccounted ? 0 : nil) }
}
