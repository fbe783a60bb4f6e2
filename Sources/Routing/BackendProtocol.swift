/// What is spoken with the endpoints of a backend.
@frozen
package enum BackendProtocol: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
    /// HTTP/1.1 in plain text.
    case http1
    /// HTTP/2 in plain text, with prior knowledge (RFC 9113, 3.3).
    case h2c
    /// TLS, and in it what the endpoint chooses of HTTP/2 and HTTP/1.1 (ALPN); HTTP/1.1 if it does not choose.
    case https
    /// TLS, and HTTP/1.1 in it. Nothing else is offered: who waits for WebSockets takes them by HTTP/1.1 more often than
    /// by HTTP/2 (RFC 8441).
    case http1OverTLS
    /// TLS, and HTTP/2 in it. An endpoint that does not choose it by ALPN is not spoken to.
    case h2OverTLS

    @inlinable package var usesTLS: Bool {
        switch self {
        case .http1, .h2c: false
        case .https, .http1OverTLS, .h2OverTLS: true
        }
    }

    /// For pages and messages.
    package var name: String {
        switch self {
        case .http1: "http/1.1"
        case .h2c: "h2c"
        case .https: "https"
        case .http1OverTLS: "http/1.1 over tls"
        case .h2OverTLS: "h2 over tls"
        }
    }

    // MARK: - As users write it

    /// Of the annotation `backend-protocol`: ingress-nginx's values, in any case as there, and `H2C`. Not its `FCGI`; and not its
    /// `AUTO_HTTP`, with which every client decides whether its request is encrypted on the way to the endpoint.
    init?(annotation text: String) {
        switch HostName.lowercased(text) {
        case "http": self = .http1
        case "https": self = .https
        case "grpc", "h2c": self = .h2c
        case "grpcs": self = .h2OverTLS
        default: return nil
        }
    }

    static let annotationValues = "one of HTTP, HTTPS, GRPC, GRPCS, H2C"

    /// Of a Service port: Kubernetes' own names (KEP-3726), and names of IANA's list, which are the same in any case
    /// (RFC 6335, 5.1). `grpc` is in neither, and widely used.
    init?(appProtocol text: String) {
        switch text {
        case "kubernetes.io/h2c": self = .h2c
        case "kubernetes.io/ws": self = .http1
        case "kubernetes.io/wss": self = .http1OverTLS
        default:
            switch HostName.lowercased(text) {
            case "http": self = .http1
            case "https": self = .https
            case "grpc": self = .h2c
            default: return nil
            }
        }
    }

    static let appProtocols = "http, https, grpc, kubernetes.io/h2c, kubernetes.io/ws and kubernetes.io/wss"
}
