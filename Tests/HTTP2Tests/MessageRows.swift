import Bytes
import HTTP1
import HTTP2
import Testing

/// What comes of a request's fields at a server.
struct MessageRow: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Equatable {
        /// The stream is reset with PROTOCOL_ERROR, and nothing of it is handed out.
        case malformed
        case refused(MessageFault)
        /// The head, without its empty line.
        case head([String])
    }

    let rule: String
    let fields: [([UInt8], [UInt8])]
    let ends: Bool
    let outcome: Outcome

    init(_ rule: String, _ fields: [(String, String)], ends: Bool = true, _ outcome: Outcome) {
        self.rule = rule
        // One character is one byte, so that bytes that are no UTF-8 can be written down.
        self.fields = fields.map { (Self.bytes($0.0), Self.bytes($0.1)) }
        self.ends = ends
        self.outcome = outcome
    }

    private static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    var testDescription: String { self.rule }
}

extension MessageRow {
    static let method = (":method", "GET")
    static let scheme = (":scheme", "https")
    static let authority = (":authority", "shop.example")
    static let path = (":path", "/")
    static let get = [method, scheme, authority, path]
    static let post = [(":method", "POST"), scheme, authority, path]
    static let connect = [(":method", "CONNECT"), (":protocol", "websocket"), scheme, path, authority]
    static let request = "GET / HTTP/1.1"
    static let host = "Host: shop.example"

    static let pseudo: [MessageRow] = [
        .init("8.3: in any order", [path, scheme, method, authority], .head([request, host])),
        .init("8.3: after a field", [method, scheme, ("accept", "*/*"), authority, path], .malformed),
        .init("8.3: unknown", get + [(":unknown", "1")], .malformed),
        .init("8.3: of a response", get + [(":status", "200")], .malformed),
        .init("8.3: with a capital letter", [(":Method", "GET"), scheme, authority, path], .malformed),
        .init("8.3.1: two :method", get + [method], .malformed),
        .init("8.3.1: two :path", get + [path], .malformed),
        .init("8.3.1: two :scheme", get + [scheme], .malformed),
        .init("8.3.1: two :authority", get + [authority], .malformed),
        .init("8.3.1: no :method", [scheme, authority, path], .malformed),
        .init("8.3.1: no :scheme", [method, authority, path], .malformed),
        .init("8.3.1: no :path", [method, scheme, authority], .malformed),
        .init("8.3.1: empty :method", [(":method", ""), scheme, authority, path], .malformed),
        .init("8.3.1: empty :path", [method, scheme, authority, (":path", "")], .malformed),
        .init("8.3.1: empty :scheme", [method, (":scheme", ""), authority, path], .malformed),
        .init("8.3.1: empty :authority", [method, scheme, (":authority", ""), path], .malformed),
        .init("8.3.1: :path without a slash", [method, scheme, authority, (":path", "cart")], .malformed),
        .init("8.3.1: an absolute :path", [method, scheme, authority, (":path", "http://b/")], .malformed),
        .init(
            "8.3.1: an absolute :path, of another scheme",
            [method, (":scheme", "ftp"), authority, (":path", "http://b/")], .malformed),
        .init("8.3.1: * is for OPTIONS only", [method, scheme, authority, (":path", "*")], .malformed),
        .init(
            "8.3.1: * of OPTIONS", [(":method", "OPTIONS"), scheme, authority, (":path", "*")],
            .head(["OPTIONS * HTTP/1.1", host])),
        .init(
            "8.3.1: the scheme is not heeded", [method, (":scheme", "ftp"), authority, path], .head([request, host])),
        .init("8.3.1: no authority at all", [method, scheme, path], .malformed),
        .init("8.3.1: Host alone", [method, scheme, path, ("host", "a")], .head([request, "host: a"])),
        .init("8.3.1: Host as :authority says", get + [("host", "SHOP.example")], .head([request, host])),
        .init("8.3.1: Host is another one", get + [("host", "b")], .malformed),
        .init("8.3.1: Host is longer", get + [("host", "shop.example:443")], .malformed),
        .init("8.3.1: empty Host", get + [("host", "")], .malformed),
        .init("8.3.1: two Host", get + [("host", "shop.example"), ("host", "shop.example")], .malformed),
        .init("8.5: CONNECT", [(":method", "CONNECT"), authority], .refused(.methodNotAllowed)),
        .init("8.5: CONNECT with :path", [(":method", "CONNECT"), authority, path], .malformed),
        .init("8.5: CONNECT with :scheme", [(":method", "CONNECT"), authority, scheme], .malformed),
        .init("8.5: CONNECT without :authority", [(":method", "CONNECT")], .malformed),
    ]

    static let extended: [MessageRow] = [
        .init(
            "RFC 8441: WebSocket", connect + [("sec-websocket-key", "k"), ("sec-websocket-version", "13")], ends: false,
            .head([
                request, host, "sec-websocket-key: k", "sec-websocket-version: 13", "connection: upgrade",
                "upgrade: websocket",
            ])),
        .init("RFC 8441: WebSocket that ends", connect, .malformed),
        .init("RFC 8441: with a length", connect + [("content-length", "5")], ends: false, .malformed),
        .init(
            "RFC 8441: another protocol",
            [(":method", "CONNECT"), (":protocol", "connect-udp"), scheme, path, authority],
            ends: false, .refused(.unknownProtocol)),
        .init("RFC 8441: :protocol without CONNECT", get + [(":protocol", "websocket")], ends: false, .malformed),
        .init(
            "RFC 8441: without :path", [(":method", "CONNECT"), (":protocol", "websocket"), scheme, authority],
            ends: false, .malformed),
        .init(
            "RFC 8441: without :authority", [(":method", "CONNECT"), (":protocol", "websocket"), scheme, path],
            ends: false, .malformed),
        .init("RFC 8441: two :protocol", connect + [(":protocol", "websocket")], ends: false, .malformed),
    ]

    static let fields: [MessageRow] = [
        .init("8.2: a capital letter in a name", get + [("Accept", "*/*")], .malformed),
        .init("8.2.1: an empty name", get + [("", "1")], .malformed),
        .init("8.2.1: a space in a name", get + [("a b", "1")], .malformed),
        .init("8.2.1: a colon in a name", get + [("a:b", "1")], .malformed),
        .init("8.2.1: CR in a name", get + [("a\u{0d}b", "1")], .malformed),
        .init("8.2.1: LF in a name", get + [("a\u{0a}b", "1")], .malformed),
        .init("8.2.1: NUL in a name", get + [("a\u{00}b", "1")], .malformed),
        .init("8.2.1: DEL in a name", get + [("a\u{7f}", "1")], .malformed),
        .init("8.2.1: no ASCII in a name", get + [("\u{e4}", "1")], .malformed),
        .init("8.2.1: CR LF in a value", get + [("a", "1\u{0d}\u{0a}b: 2")], .malformed),
        .init("8.2.1: LF in a value", get + [("a", "1\u{0a}b: 2")], .malformed),
        .init("8.2.1: CR in a value", get + [("a", "1\u{0d}2")], .malformed),
        .init("8.2.1: NUL in a value", get + [("a", "1\u{00}2")], .malformed),
        .init("8.2.1: a space before a value", get + [("a", " 1")], .malformed),
        .init("8.2.1: a space after a value", get + [("a", "1 ")], .malformed),
        .init("8.2.1: a TAB before a value", get + [("a", "\u{09}1")], .malformed),
        .init("8.2.1: no ASCII in a value", get + [("a", "\u{e4}")], .head([request, host, "a: \u{e4}"])),
        .init("8.2.1: an empty value", get + [("a", "")], .head([request, host, "a: "])),
        .init("8.2.1: CR LF in :path", [method, scheme, authority, (":path", "/\u{0d}\u{0a}a: 1")], .malformed),
        .init("8.2.1: a space in :path", [method, scheme, authority, (":path", "/ HTTP/1.1")], .malformed),
        .init("8.2.1: NUL in :path", [method, scheme, authority, (":path", "/\u{00}")], .malformed),
        .init("8.2.1: a space in :method", [(":method", "GET /x"), scheme, authority, path], .malformed),
        .init("8.2.1: CR LF in :method", [(":method", "GET\u{0d}\u{0a}"), scheme, authority, path], .malformed),
        .init("8.2.1: a colon in :method", [(":method", "A:"), scheme, authority, path], .malformed),
        .init("8.2.1: CR LF in :authority", [method, scheme, (":authority", "a\u{0d}\u{0a}b: c"), path], .malformed),
        .init("8.2.1: a space in :authority", [method, scheme, (":authority", "a b"), path], .malformed),
        .init("8.2.1: a slash in :authority", [method, scheme, (":authority", "a/b"), path], .malformed),
        .init("8.2.1: CR LF in :scheme", [method, (":scheme", "https\u{0d}\u{0a}"), authority, path], .malformed),
        .init("8.2.1: CR LF in host", [method, scheme, path, ("host", "a\u{0d}\u{0a}b: c")], .malformed),
        .init("8.2.2: Connection", get + [("connection", "close")], .malformed),
        .init("8.2.2: Keep-Alive", get + [("keep-alive", "timeout=5")], .malformed),
        .init("8.2.2: Proxy-Connection", get + [("proxy-connection", "close")], .malformed),
        .init("8.2.2: Upgrade", get + [("upgrade", "h2c")], .malformed),
        .init("8.2.2: TE: trailers", get + [("te", "trailers")], .head([request, host, "te: trailers"])),
        .init("8.2.2: TE: gzip", get + [("te", "gzip")], .malformed),
        .init("8.2.2: TE: trailers, gzip", get + [("te", "trailers, gzip")], .malformed),
        .init(
            "8.2.3: cookies are one", get + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3")],
            .head([request, host, "x: y", "cookie: a=1; b=2; c=3"])),
        .init("8.2.3: one cookie", get + [("cookie", "a=1; b=2")], .head([request, host, "cookie: a=1; b=2"])),
    ]

    static let framing: [MessageRow] = [
        .init("H2.TE: chunked", post + [("transfer-encoding", "chunked")], ends: false, .malformed),
        .init("H2.TE: identity", post + [("transfer-encoding", "identity")], ends: false, .malformed),
        .init("H2.TE: with a tab", post + [("transfer-encoding\u{09}", "chunked")], ends: false, .malformed),
        .init("H2.TE: in a value", get + [("a", "b\u{0d}\u{0a}transfer-encoding: chunked")], .malformed),
        .init("H2.TE: in a name", get + [("a: b\u{0d}\u{0a}transfer-encoding", "chunked")], .malformed),
        .init("H2.TE: in :path", [method, scheme, authority, (":path", "/ HTTP/1.1\u{0d}\u{0a}a: b")], .malformed),
        .init("H2.CL: with the end", post + [("content-length", "5")], .malformed),
        .init("H2.CL: two", post + [("content-length", "5"), ("content-length", "5")], ends: false, .malformed),
        .init(
            "H2.CL: two, unlike", post + [("content-length", "5"), ("content-length", "6")], ends: false, .malformed),
        .init("H2.CL: a list", post + [("content-length", "5, 5")], ends: false, .malformed),
        .init("H2.CL: a sign", post + [("content-length", "+5")], ends: false, .malformed),
        .init("H2.CL: negative", post + [("content-length", "-5")], ends: false, .malformed),
        .init("H2.CL: hexadecimal", post + [("content-length", "0x5")], ends: false, .malformed),
        .init("H2.CL: empty", post + [("content-length", "")], ends: false, .malformed),
        .init("H2.CL: too large", post + [("content-length", "9223372036854775808")], ends: false, .malformed),
        .init("H2.CL: no number", post + [("content-length", "5a")], ends: false, .malformed),
        .init(
            "H2.CL: right", post + [("content-length", "5")], ends: false,
            .head(["POST / HTTP/1.1", host, "content-length: 5"])),
        .init(
            "H2.CL: 0 with the end", post + [("content-length", "0")],
            .head(["POST / HTTP/1.1", host, "content-length: 0"])),
        .init(
            "a body without length", post, ends: false, .head(["POST / HTTP/1.1", host, "transfer-encoding: chunked"])),
    ]
}
