internal import Bytes

/// The fields that parsing and forwarding look at, by name. Whole families where all are treated alike.
@frozen
public enum KnownField: UInt8, Hashable, Sendable, CaseIterable {
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
    @inline(always)
    static func recognize(_ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        let candidate = Self.candidate(bytes, name)
        if candidate == .other { return .other }
        return Self.confirm(candidate, bytes, name)
    }

    /// The only field with a name of that length and those characters at the beginning, if there is any.
    @inline(always)
    private static func candidate(_ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        let count = Int(name.count)
        guard count > 1 else { return .other }
        let first = bytes[name.lowerBound] | 0x20
        let isX = first == UInt8(ascii: "x")
        switch count {
        case 2: return first == UInt8(ascii: "t") ? .te : .other
        case 4:
            if first == UInt8(ascii: "h") { return .host }
            return first == UInt8(ascii: "d") ? .date : .other
        case 6:
            if first == UInt8(ascii: "c") { return .cookie }
            if first == UInt8(ascii: "s") { return .server }
            return first == UInt8(ascii: "e") ? .expect : .other
        case 7:
            if first == UInt8(ascii: "r") { return .referer }
            if first == UInt8(ascii: "u") { return .upgrade }
            if first == UInt8(ascii: "t") { return .trailer }
        case 8:
            if first == UInt8(ascii: "l") { return .location }
            if isX { return .xScheme }
        case 9:
            if first == UInt8(ascii: "f") { return .forwarded }
            if isX { return .xRealIP }
        case 10:
            if first == UInt8(ascii: "c") { return .connection }
            if first == UInt8(ascii: "u") { return .userAgent }
            if first == UInt8(ascii: "k") { return .keepAlive }
            if first == UInt8(ascii: "s") { return .setCookie }
        case 12:
            if isX { return .xRequestID }
        case 13:
            if first == UInt8(ascii: "a") { return .authorization }
        case 14:
            if first == UInt8(ascii: "c") { return .contentLength }
            if first == UInt8(ascii: "h") { return .http2Settings }
        case 15:
            if isX { return .xForwardedFor }
        case 16:
            if isX {
                return bytes[name.lowerBound &+ 12] | 0x20 == UInt8(ascii: "h") ? .xForwardedHost : .xForwardedPort
            }
            if first == UInt8(ascii: "p") { return .proxyConnection }
        case 17:
            if first == UInt8(ascii: "t") { return .transferEncoding }
            if isX { return .xForwardedProto }
        case 18:
            if isX { return .xForwardedScheme }
            if first == UInt8(ascii: "p") { return .proxyAuthenticate }
        case 19:
            if first == UInt8(ascii: "p") { return .proxyAuthorization }
        default: break
        }
        // Perhaps one of a family.
        return isX || first == UInt8(ascii: "s") ? .clientIdentity : .other
    }

    @inline(never)
    private static func confirm(_ candidate: KnownField, _ bytes: Span<UInt8>, _ name: ByteRange) -> KnownField {
        if candidate != .clientIdentity, bytes.equals(candidate.name, name) { return candidate }
        // Names that only begin like a known one.
        let start = name.lowerBound
        guard name.count >= 7 else { return .other }
        if bytes.hasToken("x-", at: start) {
            if bytes.hasToken("x-auth-", at: start) {
                return bytes.equals("x-auth-token", name) || bytes.equals("x-auth-key", name) ? .other : .clientIdentity
            }
            if name.count >= 9, bytes.hasToken("x-rewrite", at: start) { return .xRewrite }
            if name.count >= 10, bytes.hasToken("x-original", at: start) { return .xOriginal }
            if name.count >= 12, bytes.hasToken("x-forwarded-", at: start) { return .xForwardedOther }
        }
        return name.count >= 11 && bytes.hasToken("ssl-client-", at: start) ? .clientIdentity : .other
    }

    /// In lower case; of a family the beginning, of ``other`` nothing.
    public var name: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .http2Settings: "http2-settings"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedScheme: "x-forwarded-scheme"
        case .xForwardedOther: "x-forwarded-"
        case .xScheme: "x-scheme"
        case .xRealIP: "x-real-ip"
        case .xRequestID: "x-request-id"
        case .xOriginal: "x-original"
        case .xRewrite: "x-rewrite"
        case .clientIdentity: "ssl-client-"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .userAgent: "user-agent"
        case .referer: "referer"
        case .authorization: "authorization"
        case .date: "date"
        case .server: "server"
        case .location: "location"
        }
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
public struct FieldSet: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(_ field: KnownField) { self.rawValue = 1 &<< UInt64(field.rawValue) }

    @inlinable
    public func contains(_ field: KnownField) -> Bool { self.rawValue &>> UInt64(field.rawValue) & 1 == 1 }

    /// What concerns one connection only, and is never forwarded as it came (RFC 9110 section 7.6.1).
    public static var hopByHop: FieldSet {
        FieldSet(.connection).union(FieldSet(.keepAlive)).union(FieldSet(.proxyConnection))
            .union(FieldSet(.proxyAuthenticate)).union(FieldSet(.proxyAuthorization)).union(FieldSet(.te))
            .union(FieldSet(.transferEncoding)).union(FieldSet(.upgrade)).union(FieldSet(.http2Settings))
    }
}
