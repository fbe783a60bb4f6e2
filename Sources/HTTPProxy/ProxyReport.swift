/// What all workers have counted since the start, and what is open now. Numbers only grow, but for those that are open.
package struct ProxyReport: Sendable, Hashable {
    // MARK: Clients

    package var connections: UInt64 = 0
    /// The limit on connections was met, and accepting was put off.
    package var connectionsDelayed: UInt64 = 0
    /// No descriptor or memory for a connection.
    package var acceptFailures: UInt64 = 0
    /// TLS handshakes that came to a connection, the resumed ones among them.
    package var handshakes: UInt64 = 0
    package var handshakeFailures: UInt64 = 0
    package var handshakeTimeouts: UInt64 = 0
    package var resumptions: UInt64 = 0
    /// PROXY protocol headers that were none, or came from somebody who may not send them.
    package var introductionsRefused: UInt64 = 0

    // MARK: Requests

    package var requests: UInt64 = 0
    /// Of those, how many were no HTTP, or not such as is passed on.
    package var requestsRefused: UInt64 = 0
    /// Answers by the first digit of their status, 1 to 5; at 0 exchanges that ended without one.
    package var answers: [UInt64] = [0, 0, 0, 0, 0, 0]
    /// Of those, how many were the proxy's own.
    package var localAnswers: UInt64 = 0
    /// Answers that ended before they were whole.
    package var answersBrokenOff: UInt64 = 0
    /// Clients that went away while something was on its way to them.
    package var clientsLost: UInt64 = 0
    /// Cut because they moved less than they have to.
    package var slowClients: UInt64 = 0
    /// Cut because draining took too long.
    package var clientsCut: UInt64 = 0
    package var tunnels: UInt64 = 0

    // MARK: Endpoints

    package var upstreamConnects: UInt64 = 0
    /// Requests over a connection that was there already.
    package var upstreamReuses: UInt64 = 0
    package var upstreamFailures: UInt64 = 0
    package var retries: UInt64 = 0
    package var ejections: UInt64 = 0

    // MARK: Bytes

    package var bytesFromClients: UInt64 = 0
    package var bytesToClients: UInt64 = 0
    package var bytesFromUpstreams: UInt64 = 0
    package var bytesToUpstreams: UInt64 = 0

    // MARK: Open now

    package var openConnections: UInt64 = 0
    package var openUpstreams: UInt64 = 0

    package init() {}
}
