// StreamBalancer: L4 in userspace, for what the kernel cannot do. TCP by splice(2), UDP by a table of sessions.
//
// A worker is a thread and a value on its stack, as in HTTPProxy. What it serves comes by its mailbox; listening sockets come with it,
// so that whoever asked for them knows when clients may come.

/// What the balancer allows itself and others. Times in milliseconds, sizes in bytes.
package struct StreamLimits: Hashable, Sendable {
    /// Open connections of a worker; more wait in the kernel's queue.
    package var maximumConnections = 100_000
    package var listenBacklog = 4_096
    /// For one endpoint to be connected to.
    package var connectTimeout = 3_000
    /// Endpoints that are tried for one connection.
    package var connectTries = 3
    /// Without a byte in either direction. As long as the kernel's table of connections would keep it: a day.
    package var idleTimeout = 86_400_000
    /// The same of a connection of which one direction has ended.
    package var halfClosedTimeout = 3_600_000
    /// For the ClientHello, where connections are routed by its name.
    package var helloTimeout = 10_000
    /// Pipes that are kept for splicing, of a worker; each takes two descriptors.
    package var pooledPipes = 256
    /// F_SETPIPE_SZ of each.
    package var pipeSize = 256 << 10
    /// UDP sessions of a worker: the oldest idle one makes room for a new one.
    package var maximumSessions = 65_536
    /// Without a datagram in either direction, after an answer came; and before one came.
    package var sessionTimeout = 120_000
    package var unansweredSessionTimeout = 30_000
    /// For what is open when the process is asked to end.
    package var drainTimeout = 10_000
    /// Health checks under way at once.
    package var healthChecks = 1_024
    /// Client addresses that affinity, and limits of each client, are remembered for.
    package var rememberedClients = 100_000

    /// The balancer takes no descriptor with this number, or a higher one. The kernel gives the lowest that is free, so the number says
    /// how many are in use, by whatever part of the process.
    package private(set) var descriptorCeiling = Int.max
    /// The same for the connection to the endpoint of a client who has been let in.
    package private(set) var endpointCeiling = Int.max

    package init() {}

    /// Leaves some of the descriptors that the process may have (`RLIMIT_NOFILE`) to what else it does: manifests or the API server, netlink,
    /// pages. Otherwise clients could keep a node from following its cluster.
    package mutating func leaveDescriptors(of limit: Int) {
        let reserve = min(Self.reservedDescriptors, limit / 4)
        self.descriptorCeiling = limit - reserve
        self.endpointCeiling = limit - reserve / 2
    }

    private static let reservedDescriptors = 256
}
