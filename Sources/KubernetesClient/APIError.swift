package import KubernetesWire

/// Why a request to the API server brought nothing.
package struct APIError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// No connection: nobody there, no route, no name.
        case unreachable
        /// Somebody is there who cannot show to be the API server, or does not take us for a client.
        case notTrusted
        /// No answer in time, or one that stopped half way.
        case timeout
        /// The connection was lost.
        case interrupted
        /// There are no credentials to be had.
        case noCredentials
        /// An answer, and it is no.
        case refused
        /// An answer that ended with an error of the server.
        case broken
        /// An answer that makes no sense.
        case malformed
        case cancelled
    }

    package let code: Code
    /// What was asked: `list endpointslices`.
    package let request: String
    /// Which server was asked; nil if none was.
    package let server: APIServerAddress?
    package let message: String
    /// What the server said, if it said no.
    package let status: APIStatus?
    /// The credential that it said no to. Never shown.
    var authorization: String?

    package init(
        _ code: Code,
        request: String,
        server: APIServerAddress? = nil,
        message: String,
        status: APIStatus? = nil
    ) {
        self.code = code
        self.request = request
        self.server = server
        self.message = message
        self.status = status
    }

    package var description: String {
        var text = "\(self.request): \(self.message)"
        if let server { text += " (\(server))" }
        return text
    }
}
