internal import Synchronization

/// What a worker has counted since it started, and what it has open.
struct StreamCounters: BitwiseCopyable, Sendable {
    var connections: UInt64 = 0
    /// Accepting was put off: there were as many as may be.
    var delayed: UInt64 = 0
    /// No descriptor or memory for a connection.
    var acceptFailures: UInt64 = 0
    /// Came from where nobody may come from, or where nobody is served.
    var refused: UInt64 = 0
    /// Their client had as many as it may.
    var limited: UInt64 = 0
    var connects: UInt64 = 0
    var connectFailures: UInt64 = 0
    /// No endpoint was left to try.
    var unserved: UInt64 = 0
    /// No descriptor or port for a connection to an endpoint.
    var lacks: UInt64 = 0
    var helloTimeouts: UInt64 = 0
    var idleTimeouts: UInt64 = 0
    /// Of connections that have ended.
    var bytesToEndpoints: UInt64 = 0
    var bytesToClients: UInt64 = 0
    /// Now.
    var open: UInt64 = 0
    var pipes: UInt64 = 0
    var sessions: UInt64 = 0
    var datagrams = DatagramCounters()

    mutating func add(_ other: StreamCounters) {
        self.connections &+= other.connections
        self.delayed &+= other.delayed
        self.acceptFailures &+= other.acceptFailures
        self.refused &+= other.refused
        self.limited &+= other.limited
        self.connects &+= other.connects
        self.connectFailures &+= other.connectFailures
        self.unserved &+= other.unserved
        self.lacks &+= other.lacks
        self.helloTimeouts &+= other.helloTimeouts
        self.idleTimeouts &+= other.idleTimeouts
        self.bytesToEndpoints &+= other.bytesToEndpoints
        self.bytesToClients &+= other.bytesToClients
        self.open &+= other.open
        self.pipes &+= other.pipes
        self.sessions &+= other.sessions
        self.datagrams.add(other.datagrams)
    }
}

/// Where a worker lays its counters down for others, some times a second.
final class StreamCounterBoard: Sendable {
    private let counters = Mutex(StreamCounters())

    func publish(_ counters: StreamCounters) { self.counters.withLock { $0 = counters } }

    var latest: StreamCounters { self.counters.withLock { $0 } }
}
