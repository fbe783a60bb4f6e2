// Routing: what Ingresses mean. Pure: objects in; a compiled table of routes, backends with their endpoints, which
// host has which certificate, and what cannot be honoured out. No sockets, clock, logger or Foundation.
// Rule numbers in comments (P5, X1, ...) are those of docs/ingress-rules.md.

/// A piece of ``RouteTable/text``.
@frozen
package struct TextRange: BitwiseCopyable, Hashable, Sendable {
    package let offset: UInt32
    package let count: UInt32

    @inlinable
    package init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    package static let empty = TextRange(offset: 0, count: 0)

    @inlinable package var bounds: Range<Int> { Int(self.offset)..<Int(self.offset) + Int(self.count) }
}

/// How requests of one client are kept on one endpoint, as the request path needs it.
@frozen
package struct RouteAffinity: BitwiseCopyable, Hashable, Sendable {
    @frozen
    package enum Kind: UInt8, BitwiseCopyable, Hashable, Sendable {
        case none
        /// By a cookie that names the endpoint.
        case cookie
        /// By the value of a request header.
        case header
    }

    /// Whether a cookie is for TLS only.
    @frozen
    package enum Security: UInt8, BitwiseCopyable, Hashable, Sendable {
        /// If the request that it answers came by TLS.
        case likeRequest
        case always
        case never
    }

    package let kind: Kind
    package let security: Security
    /// The cookie's name, or the header's in lower case.
    package let name: TextRange
    /// What follows the cookie's value, from its first `;`: `; Path=/shop; Max-Age=3600; HttpOnly`. `; Secure` is
    /// not in it.
    package let attributes: TextRange

    @inlinable
    package init(kind: Kind, security: Security, name: TextRange, attributes: TextRange) {
        self.kind = kind
        self.security = security
        self.name = name
        self.attributes = attributes
    }

    package static let none = RouteAffinity(kind: .none, security: .likeRequest, name: .empty, attributes: .empty)
}

/// How the requests of one route are treated.
@frozen
package struct RouteSettings: BitwiseCopyable, Hashable, Sendable {
    /// Milliseconds until a connection to an endpoint has to stand.
    package var connectTimeout: UInt32
    /// Milliseconds between two reads from an endpoint.
    package var readTimeout: UInt32
    /// Milliseconds between two writes to an endpoint.
    package var sendTimeout: UInt32
    /// Endpoints that one request may be tried with, the first included.
    package var maximumTries: UInt32
    /// Bytes of a request's body; 0 for any number.
    package var maximumBodySize: UInt64
    /// Plain requests are answered with 308 to `https` (T12), but for those that ``ACMEChallenge`` is about.
    package var redirectsToHTTPS: Bool
    package var writesAccessLog: Bool
    /// A request needs a client certificate that was verified. ``clientAuthentication`` is not -1 then.
    package var demandsClientCertificate: Bool
    /// Of which ``ClientAuthentication`` the request's connection has to be: another one, or a plain connection, is
    /// answered with 421. -1 if any will do.
    package var clientAuthentication: Int32
    package var affinity: RouteAffinity
    /// Where its requests are counted.
    package var meter = RouteMeter.unrouted

    package init(
        connectTimeout: UInt32 = 5_000,
        readTimeout: UInt32 = 60_000,
        sendTimeout: UInt32 = 60_000,
        maximumTries: UInt32 = 3,
        maximumBodySize: UInt64 = 0,
        redirectsToHTTPS: Bool = false,
        writesAccessLog: Bool = false,
        demandsClientCertificate: Bool = false,
        clientAuthentication: Int32 = -1,
        affinity: RouteAffinity = .none
    ) {
        self.connectTimeout = connectTimeout
        self.readTimeout = readTimeout
        self.sendTimeout = sendTimeout
        self.maximumTries = maximumTries
        self.maximumBodySize = maximumBodySize
        self.redirectsToHTTPS = redirectsToHTTPS
        self.writesAccessLog = writesAccessLog
        self.demandsClientCertificate = demandsClientCertificate
        self.clientAuthentication = clientAuthentication
        self.affinity = affinity
    }
}

/// Requests of the ACME HTTP-01 challenge (RFC 8555 section 8.3), which are never redirected (T12).
package enum ACMEChallenge {
    package static let path: StaticString = "/.well-known/acme-challenge/"

    /// Whether a normalised path is below ``path``.
    package static func matches(_ path: Span<UInt8>) -> Bool {
        guard path.count > 28 else { return false }
        return Self.prefix.span.indices.allSatisfy { path[$0] == Self.prefix[$0] }
    }

    private static let prefix: [28 of UInt8] = [
        0x2f, 0x2e, 0x77, 0x65, 0x6c, 0x6c, 0x2d, 0x6b, 0x6e, 0x6f, 0x77, 0x6e, 0x2f,  // /.well-known/
        0x61, 0x63, 0x6d, 0x65, 0x2d, 0x63, 0x68, 0x61, 0x6c, 0x6c, 0x65, 0x6e, 0x67, 0x65, 0x2f,  // acme-challenge/
    ]
}
