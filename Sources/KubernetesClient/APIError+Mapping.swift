internal import AsyncHTTPClient
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension APIError {
    /// What the libraries threw, in the words of somebody who looks after a cluster.
    init(mapping error: any Error, request: String, server: APIServerAddress, hasAnswered: Bool) {
        let (code, message) = Self.explain(error, hasAnswered: hasAnswered)
        self.init(code, request: request, server: server, message: message)
    }

    private static func explain(_ error: any Error, hasAnswered: Bool) -> (Code, String) {
        let lost: Code = hasAnswered ? .interrupted : .unreachable
        switch error {
        case is CancellationError: return (.cancelled, "was cancelled")
        case let error as HTTPClientError: return Self.explain(error, lost)
        case let error as NIOConnectionError:
            if let inner = error.connectionErrors.first?.error { return Self.explain(inner, hasAnswered: hasAnswered) }
            if let dns = error.dnsAError ?? error.dnsAAAAError {
                return (.unreachable, "cannot find \(error.host): \(dns)")
            }
            return (.unreachable, "cannot connect")
        case let error as IOError: return (lost, SystemError.text(of: error.errnoCode))
        case let error as NIOSSLError: return Self.explain(error, lost)
        case let error as NIOSSLExtraError:
            return (.notTrusted, "the server's certificate is for somebody else: \(error)")
        case let error as BoringSSLError: return (.notTrusted, "TLS: \(error)")
        case let error as ChannelError:
            if case .connectTimeout = error { return (.unreachable, "no connection in time") }
            return (lost, "the connection was lost")
        default:
            return (lost, hasAnswered ? "the connection was lost: \(error)" : "no connection: \(error)")
        }
    }

    private static func explain(_ error: HTTPClientError, _ lost: Code) -> (Code, String) {
        switch error {
        case .cancelled: (.cancelled, "was cancelled")
        case .deadlineExceeded: (.timeout, "no answer in time")
        case .connectTimeout: (.unreachable, "no connection in time")
        case .tlsHandshakeTimeout: (.unreachable, "no TLS connection in time")
        case .remoteConnectionClosed: (lost, "the server closed the connection")
        case .proxyAuthenticationRequired: (.unreachable, "the proxy wants to know who we are")
        default: (lost, "\(error)")
        }
    }

    private static func explain(_ error: NIOSSLError, _ lost: Code) -> (Code, String) {
        switch error {
        case .handshakeFailed(let cause):
            let text = "\(cause)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                return (
                    .notTrusted,
                    "the server's certificate is not from an authority that we were told to trust, or not valid at this time"
                )
            }
            if text.contains("eof") || text.contains("EOF") { return (lost, "the server ended the TLS handshake") }
            return (.notTrusted, "the TLS handshake failed: \(text)")
        case .unableToValidateCertificate:
            return (.notTrusted, "the server's certificate could not be verified")
        case .uncleanShutdown: return (lost, "the connection was cut")
        default: return (lost, "TLS: \(error)")
        }
    }
}
