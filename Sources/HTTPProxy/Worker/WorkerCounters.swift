internal import Synchronization

/// What a worker has counted since it started, and what it has open.
struct WorkerCounters: BitwiseCopyable, Sendable {
    var connections: UInt64 = 0
    /// The limit on connections was met and accepting was put off.
    var connectionsDelayed: UInt64 = 0
    /// Their address had as many as it may.
    var connectionsRefused: UInt64 = 0
    /// No descriptor or memory for a connection.
    var acceptFailures: UInt64 = 0
    var handshakes: UInt64 = 0
    var handshakeFailures: UInt64 = 0
    var handshakeTimeouts: UInt64 = 0
    var resumptions: UInt64 = 0
    var introductionsRefused: UInt64 = 0

    var requests: UInt64 = 0
    /// Of those, how many were no HTTP, or not such as we pass on.
    var requestsRefused: UInt64 = 0
    /// What was answered.
    var tally = RequestTally()
    /// Of those, how many were our own.
    var localAnswers: UInt64 = 0
    var answersBrokenOff: UInt64 = 0
    var clientsLost: UInt64 = 0
    /// Cut because they moved less than they have to.
    var slowClients: UInt64 = 0
    /// Cut because draining took too long.
    var clientsCut: UInt64 = 0
    var tunnels: UInt64 = 0
    var http2Connections: UInt64 = 0
    /// Ended because the client broke a rule; of those, how many because it sent too much of something.
    var http2Failures: UInt64 = 0
    var http2Floods: UInt64 = 0

    var upstreamConnects: UInt64 = 0
    var upstreamReuses: UInt64 = 0
    var upstreamFailures: UInt64 = 0
    /// Requests that were sent again, to another endpoint.
    var retries: UInt64 = 0
    /// Requests that were sent again because the endpoint had closed the idle connection.
    var staleConnections: UInt64 = 0
    var ejections: UInt64 = 0

    var bytesFromClients: UInt64 = 0
    var bytesToClients: UInt64 = 0
    var bytesFromUpstreams: UInt64 = 0
    var bytesToUpstreams: UInt64 = 0

    var openConnections: UInt64 = 0
    var openUpstreams: UInt64 = 0
}

/// Where a worker puts its counters for others to read.
final class CounterBoard: Sendable {
    private let counters = Mutex(WorkerCounters())

    func publish(_ counters: WorkerCounters) { self.counters.withLock { $0 = counters } }

    var latest: WorkerCounters { self.counters.withLock { $0 } }
}
