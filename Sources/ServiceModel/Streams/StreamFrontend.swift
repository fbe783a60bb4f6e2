package import Networking

/// An address at which the userspace balancer takes connections or datagrams. This host has it on an interface or by a local route;
/// for the latter a socket of IPv6 is bound with `IP_FREEBIND` (ip(7)).
package struct StreamAddress: Hashable, Sendable, CustomStringConvertible {
    package let transport: TransportProtocol
    package let address: IPAddress
    package let port: UInt16

    package init(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16) {
        self.transport = transport
        self.address = address
        self.port = port
    }

    package var description: String { "\(Frontend(.address(self.address), self.transport, self.port))" }
}

/// What the userspace balancer does with what comes to an address.
package struct StreamFrontend: Hashable, Sendable {
    package let plan: FrontendPlan
    package let policy: StreamPolicy

    package init(_ plan: FrontendPlan, _ policy: StreamPolicy = StreamPolicy()) {
        self.plan = plan
        self.policy = policy
    }
}

package enum StreamChange: Hashable, Sendable {
    /// From now on this is what is served there.
    case serve(StreamAddress, StreamFrontend)
    /// It is nobody else's, and what comes there is dropped: clients try again, and meet whoever serves it then.
    case reserve(StreamAddress)
    /// Nothing is taken there any more. What was taken goes on to its end.
    case withdraw(StreamAddress)
}

/// An address that could not be taken.
package struct StreamProblem: Hashable, Sendable, CustomStringConvertible {
    package let address: StreamAddress
    package let port: ServicePortIdentity
    package let reason: String

    package init(_ address: StreamAddress, _ port: ServicePortIdentity, reason: String) {
        self.address = address
        self.port = port
        self.reason = reason
    }

    package var description: String { "Service \(self.port): \(self.address): \(self.reason)" }
}

/// Who a client is, as traffic policies see it.
package struct ClientDetection: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case thisNode
        case pod
        case outside
    }

    package var podBlocks: [CIDR]
    package var nodeAddresses: Set<IPAddress>

    package init(podBlocks: [CIDR] = [], nodeAddresses: Set<IPAddress> = []) {
        self.podBlocks = podBlocks
        self.nodeAddresses = nodeAddresses
    }

    package func kind(of client: IPAddress) -> Kind {
        if client.isLoopback || self.nodeAddresses.contains(client) { return .thisNode }
        return self.podBlocks.contains { $0.contains(client) } ? .pod : .outside
    }
}

/// The userspace balancer, as whoever plans sees it.
package protocol StreamServing: Sendable {
    /// Takes over what is to be served. When it returns, each address that is not among the problems takes connections: whoever
    /// leads clients to it may do so at once. An address that cannot be reserved is no problem before it is to be served. From any
    /// thread.
    ///
    /// - Parameter changes: one of an address at most.
    func apply(_ changes: [StreamChange], clients: ClientDetection) -> [StreamProblem]

    /// Connections that are open, and UDP sessions that are remembered, on the clients' side of an address, whether it is still
    /// served or not. An address is taken off the host when there are none left. From any thread, a few times a second at most.
    func openConnections(at address: IPAddress) -> Int
}
