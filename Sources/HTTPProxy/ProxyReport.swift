package import HealthChecking

/// Counters of all workers since the start, and what is open now.
package struct ProxyReport: Sendable, Hashable {
    package var connections: UInt64 = 0
    package var connectionsDelayed: UInt64 = 0
    package var connectionsRefused: UInt64 = 0
    package var acceptFailures: UInt64 = 0
    package var handshakes: UInt64 = 0
    package var handshakeFailures: UInt64 = 0
    package var handshakeTimeouts: UInt64 = 0
    package var resumptions: UInt64 = 0
    package var introductionsRefused: UInt64 = 0
    package var requests: UInt64 = 0
    package var requestsRefused: UInt64 = 0
    /// What was answered.
    package var answered = RequestReport()
    package var localAnswers: UInt64 = 0
    package var answersBrokenOff: UInt64 = 0
    package var clientsLost: UInt64 = 0
    package var slowClients: UInt64 = 0
    package var clientsCut: UInt64 = 0
    package var tunnels: UInt64 = 0
    package var http2Connections: UInt64 = 0
    package var http2Failures: UInt64 = 0
    package var http2Floods: UInt64 = 0
    package var upstreamConnects: UInt64 = 0
    package var upstreamReuses: UInt64 = 0
    package var upstreamFailures: UInt64 = 0
    package var retries: UInt64 = 0
    package var staleConnections: UInt64 = 0
    package var ejections: UInt64 = 0
    package var bytesFromClients: UInt64 = 0
    package var bytesToClients: UInt64 = 0
    package var bytesFromUpstreams: UInt64 = 0
    package var bytesToUpstreams: UInt64 = 0
    package var openConnections: UInt64 = 0
    package var openUpstreams: UInt64 = 0
    package var health = HealthReport()

    package init() {}

    mutating func add(_ worker: WorkerCounters) {
        self.connections += worker.connections
        self.connectionsDelayed += worker.connectionsDelayed
        self.connectionsRefused += worker.connectionsRefused
        self.acceptFailures += worker.acceptFailures
        self.handshakes += worker.handshakes
        self.handshakeFailures += worker.handshakeFailures
        self.handshakeTimeouts += worker.handshakeTimeouts
        self.resumptions += worker.resumptions
        self.introductionsRefused += worker.introductionsRefused
        self.requests += worker.requests
        self.requestsRefused += worker.requestsRefused
        self.answered.add(worker.tally)
        self.localAnswers += worker.localAnswers
        self.answersBrokenOff += worker.answersBrokenOff
        self.clientsLost += worker.clientsLost
        self.slowClients += worker.slowClients
        self.clientsCut += worker.clientsCut
        self.tunnels += worker.tunnels
        self.http2Connections += worker.http2Connections
        self.http2Failures += worker.http2Failures
        self.http2Floods += worker.http2Floods
        self.upstreamConnects += worker.upstreamConnects
        self.upstreamReuses += worker.upstreamReuses
        self.upstreamFailures += worker.upstreamFailures
        self.retries += worker.retries
        self.staleConnections += worker.staleConnections
        self.ejections += worker.ejections
        self.bytesFromClients += worker.bytesFromClients
        self.bytesToClients += worker.bytesToClients
        self.bytesFromUpstreams += worker.bytesFromUpstreams
        self.bytesToUpstreams += worker.bytesToUpstreams
        self.openConnections += worker.openConnections
        self.openUpstreams += worker.openUpstreams
    }
}
