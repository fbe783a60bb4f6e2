internal import Bytes

/// The fields that parsing and forwarding look at, by name. Whole families where all are treated alike.
@frozen
package enum KnownField: UInt8, Hashable, Sendable, CaseIterable {
    case other
    case host
    // Framing and the connection.
    case contentLength
    case transferEncoding
    case connection
    case keepAlive
    case proxyConnection
    case proxyAuthenticate
    case proxyAuthorization
    case te
    case trailer
    case upgrade
    case http2Settings
    case expect
    // Who forwarded what for whom.
    case forwarded
    case xForwardedFor
    case xForwardedHost
    case xForwardedPort
    case xForwardedProto
    case xForwardedScheme
    /// `X-Forwarded-Prefix` and whatever else begins with `X-Forwarded-`.
    case xForwardedOther
    case xScheme
    case xRealIP
    case xRequestID
    /// `X-Original-URL`, `X-Original-Host` and so on.
    case xOriginal
    /// `X-Rewrite-URL` and so on.
    case xRewrite
    /// What only a proxy can say of a client: `SSL-Client-*`, `X-Auth-*` without `X-Auth-Token` and `X-Auth-Key`, which are
    /// credentials.
    case clientIdentity
    // What is read of a message.
    case cookie
    case setCookie
    case userAgent
    case referer
    case authorization
    case date
    case server
    case location

    /// The field with that name, whatever its case. The name is a token.
    @inline(__always)
    static func recognize(_ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        let start = name.lowerBound
        switch name.count {
        case 0, 1: return .other
        case 2: return bytes.hasToken("te", at: start) ? .te : .other
        case 4:
            if bytes.hasToken("host", at: start) { return .host }
            return bytes.hasToken("date", at: start) ? .date : .other
        case 6:
            if bytes.hasToken("cookie", at: start) { return .cookie }
            if bytes.hasToken("server", at: start) { return .server }
            return bytes.hasToken("expect", at: start) ? .expect : .other
        case 7:
            if bytes.hasToken("referer", at: start) { return .referer }
            if bytes.hasToken("upgrade", at: start) { return .upgrade }
            return bytes.hasToken("trailer", at: start) ? .trailer : .other
        case 8:
            if bytes.hasToken("location", at: start) { return .location }
            if bytes.hasToken("x-scheme", at: start) { return .xScheme }
        case 9:
            if bytes.hasToken("forwarded", at: start) { return .forwarded }
            if bytes.hasToken("x-real-ip", at: start) { return .xRealIP }
        case 10:
            if bytes.hasToken("connection", at: start) { return .connection }
            if bytes.hasToken("user-agent", at: start) { return .userAgent }
            if bytes.hasToken("set-cookie", at: start) { return .setCookie }
            if bytes.hasToken("keep-alive", at: start) { return .keepAlive }
            if bytes.hasToken("x-auth-key", at: start) { return .other }
        case 12:
            if bytes.hasToken("x-request-id", at: start) { return .xRequestID }
            if bytes.hasToken("x-auth-token", at: start) { return .other }
        case 13:
            if bytes.hasToken("authorization", at: start) { return .authorization }
        case 14:
            if bytes.hasToken("content-length", at: start) { return .contentLength }
            if bytes.hasToken("http2-settings", at: start) { return .http2Settings }
        case 15:
            if bytes.hasToken("x-forwarded-for", at: start) { return .xForwardedFor }
        case 16:
            if bytes.hasToken("x-forwarded-host", at: start) { return .xForwardedHost }
            if bytes.hasToken("x-forwarded-port", at: start) { return .xForwardedPort }
            if bytes.hasToken("proxy-connection", at: start) { return .proxyConnection }
        case 17:
            if bytes.hasToken("transfer-encoding", at: start) { return .transferEncoding }
            if bytes.hasToken("x-forwarded-proto", at: start) { return .xForwardedProto }
        case 18:
            if bytes.hasToken("x-forwarded-scheme", at: start) { return .xForwardedScheme }
            if bytes.hasToken("proxy-authenticate", at: start) { return .proxyAuthenticate }
        case 19:
            if bytes.hasToken("proxy-authorization", at: start) { return .proxyAuthorization }
        default: break
        }
        return Self.family(bytes, name)
    }

    /// Names that only begin like a known one.
    @inline(__always)
    private static func family(_ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        // All have seven bytes at least, and begin with x- or ss.
        guard name.count >= 7 else { return .other }
        let start = name.lowerBound
        let isX = bytes.hasToken("x-", at: start)
        guard isX || bytes.hasToken("ss", at: start) else { return .other }
        if isX {
            if bytes.hasToken("x-auth-", at: start) { return .clientIdentity }
            if name.count >= 9, bytes.hasToken("x-rewrite", at: start) { return .xRewrite }
            if name.count >= 10, bytes.hasToken("x-original", at: start) { return .xOriginal }
            if name.count >= 12, bytes.hasToken("x-forwarded-", at: start) { return .xForwardedOther }
        } else if name.count >= 11, bytes.hasToken("ssl-client-", at: start) {
            return .clientIdentity
        }
        return .other
    }

    /// The field whose name this would be with hyphens for its underscores.
    @inline(never)
    static func recognizeFoldingUnderscores(_ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        var folded = InlineArray<40, UInt8>(repeating: .hyphen)
        // Longer names are no known field's, and in a family already by their beginning.
        let count = min(Int(name.count), 40)
        for index in 0..<count {
            let byte = bytes[name.lowerBound &+ index]
            folded[index] = byte == .underscore ? .hyphen : byte
        }
        return Self.recognize(folded.span, ByteRange(start: 0, count: count))
    }
}

/// Some of the fields of ``KnownField``.
@frozen
package struct FieldSet: OptionSet, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt64

    @inlinable
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    package init(_ field: KnownField) { self.rawValue = 1 &<< UInt64(field.rawValue) }

    @inlinable
    package func contains(_ field: KnownField) -> Bool { self.rawValue &>> UInt64(field.rawValue) & 1 == 1 }

    /// What concerns one connection only, and is never forwarded as it came (RFC 9110 section 7.6.1).
    package static var hopByHop: FieldSet {
        FieldSet(.connection).union(FieldSet(.keepAlive)).union(FieldSet(.proxyConnection))
            .union(FieldSet(.proxyAuthenticate)).union(FieldSet(.proxyAuthorization)).union(FieldSet(.te))
            .union(FieldSet(.transferEncoding)).union(FieldSet(.upgrade)).union(FieldSet(.http2Settings))
    }
}
