package import HealthChecking

/// What the balancer has counted since it started, and what it has open.
package struct StreamReport: Sendable {
    package let connections: UInt64
    package let open: UInt64
    /// Accepting was put off, or failed for want of a descriptor.
    package let delayed: UInt64
    /// Reset at once: from where nobody may come, to where nobody is served, or more than a client may have.
    package let refused: UInt64
    package let limited: UInt64
    package let connects: UInt64
    package let connectFailures: UInt64
    /// Clients for whom no endpoint was left to try.
    package let unserved: UInt64
    package let timeouts: UInt64
    /// Of connections that have ended.
    package let bytesToEndpoints: UInt64
    package let bytesToClients: UInt64
    package let pipes: UInt64
    /// Of UDP: now, and since the start.
    package let sessions: UInt64
    package let datagrams: DatagramCounters
    package let health: HealthReport

    init(_ counters: StreamCounters, health: HealthReport) {
        self.connections = counters.connections
        self.open = counters.open
        self.delayed = counters.delayed &+ counters.acceptFailures &+ counters.lacks
        self.refused = counters.refused
        self.limited = counters.limited
        self.connects = counters.connects
        self.connectFailures = counters.connectFailures
        self.unserved = counters.unserved
        self.timeouts = counters.helloTimeouts &+ counters.idleTimeouts
        self.bytesToEndpoints = counters.bytesToEndpoints
        self.bytesToClients = counters.bytesToClients
        self.pipes = counters.pipes
        self.sessions = counters.sessions
        self.datagrams = counters.datagrams
        self.health = health
    }
}
