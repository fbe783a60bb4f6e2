import HTTP1
import Testing

/// A row of what is sent and what it is refused with.
struct RefusedRow: Sendable, CustomTestStringConvertible {
    let name: String
    let request: String
    let status: UInt16
    let reason: MessageFault
    var limits = MessageLimits()

    var testDescription: String { self.name }

    init(_ name: String, _ request: String, _ status: UInt16, _ reason: MessageFault, limits: MessageLimits = .init()) {
        self.name = name
        self.request = request
        self.status = status
        self.reason = reason
        self.limits = limits
    }

    /// With a `Host`, and what is under test behind it.
    static func fields(
        _ name: String, _ fields: String, _ status: UInt16, _ reason: MessageFault, version: String = "1.1"
    ) -> RefusedRow {
        RefusedRow(name, "POST / HTTP/\(version)\r\nHost: a.example\r\n\(fields)\r\n\r\n", status, reason)
    }
}

/// The table of HTTP/1.1 messages that are understood differently by different programs: what is required of us.
@Suite("Requests, row by row")
struct RequestRowTests {
    static let framing: [RefusedRow] = [
        .fields(
            "CL + TE chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked", 400, .contentLengthAndTransferEncoding
        ),
        .fields(
            "TE chunked + CL", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400, .contentLengthAndTransferEncoding
        ),
        .fields("two different CL", "Content-Length: 5\r\nContent-Length: 6", 400, .repeatedContentLength),
        .fields("duplicate equal CL", "Content-Length: 5\r\nContent-Length: 5", 400, .repeatedContentLength),
        .fields("CL 5, 6", "Content-Length: 5, 6", 400, .invalidContentLength),
        .fields("CL 5, 5", "Content-Length: 5, 5", 400, .invalidContentLength),
        .fields("CL +5", "Content-Length: +5", 400, .invalidContentLength),
        .fields("CL -5", "Content-Length: -5", 400, .invalidContentLength),
        .fields("CL 0x5", "Content-Length: 0x5", 400, .invalidContentLength),
        .fields("CL empty", "Content-Length:", 400, .invalidContentLength),
        .fields("CL with space inside", "Content-Length: 5 5", 400, .invalidContentLength),
        .fields("CL 2^63", "Content-Length: 9223372036854775808", 400, .invalidContentLength),
        .fields("CL 2^64", "Content-Length: 18446744073709551616", 400, .invalidContentLength),
        .fields("CL 2^64 + 5", "Content-Length: 18446744073709551621", 400, .invalidContentLength),
        .fields("CL with space before colon", "Content-Length : 5", 400, .spaceBeforeColon),
        .fields("TE with space before colon", "Transfer-Encoding : chunked", 400, .spaceBeforeColon),
        .fields("TE with tab before colon", "Transfer-Encoding\t: chunked", 400, .spaceBeforeColon),
        .fields("TE xchunked", "Transfer-Encoding: xchunked", 501, .unknownTransferEncoding),
        .fields("TE identity", "Transfer-Encoding: identity", 501, .unknownTransferEncoding),
        .fields("TE chunked, gzip", "Transfer-Encoding: chunked, gzip", 400, .invalidTransferEncoding),
        .fields("TE gzip, chunked", "Transfer-Encoding: gzip, chunked", 400, .invalidTransferEncoding),
        .fields("TE chunked, chunked", "Transfer-Encoding: chunked, chunked", 400, .invalidTransferEncoding),
        .fields("TE chunked with parameter", "Transfer-Encoding: chunked;q=1", 400, .invalidTransferEncoding),
        .fields("TE empty", "Transfer-Encoding:", 400, .invalidTransferEncoding),
        .fields("TE with VT before it", "Transfer-Encoding: \u{b}chunked", 400, .controlCharacter),
        .fields(
            "two TE fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, .repeatedTransferEncoding),
        .fields(
            "two TE fields, one identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400,
            .repeatedTransferEncoding),
        .fields("TE obs-folded", "Transfer-Encoding:\r\n chunked", 400, .foldedField),
        .fields("TE chunked in HTTP/1.0", "Transfer-Encoding: chunked", 400, .transferEncodingInHTTP10, version: "1.0"),
        .fields("unknown expectation", "Content-Length: 5\r\nExpect: 200-ok", 417, .unknownExpectation),
        .fields(
            "obfuscated expectation", "Content-Length: 5\r\nExpect: 100-continue, 100-continue", 417,
            .unknownExpectation),
    ]

    static let lines: [RefusedRow] = [
        RefusedRow("bare-LF header lines", "GET / HTTP/1.1\nHost: a\n\n", 400, .bareLineFeed),
        RefusedRow("bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, .bareLineFeed),
        RefusedRow("bare LF as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, .bareLineFeed),
        RefusedRow("bare LF in a field name", "GET / HTTP/1.1\r\nHost: a\r\nX\nY: b\r\n\r\n", 400, .bareLineFeed),
        RefusedRow("bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400, .bareCarriageReturn),
        RefusedRow("bare CR as empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", 400, .bareCarriageReturn),
        RefusedRow("bare CR in the request line", "GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", 400, .bareCarriageReturn),
        RefusedRow("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 400, .controlCharacter),
        RefusedRow("NUL in a field name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", 400, .controlCharacter),
        RefusedRow("DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\u{7f}\r\n\r\n", 400, .controlCharacter),
        RefusedRow("obs-fold header", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400, .foldedField),
        RefusedRow("space before first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, .foldedField),
        RefusedRow("tab before first header", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", 400, .foldedField),
        RefusedRow("no colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400, .noColon),
        RefusedRow("empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400, .emptyFieldName),
        RefusedRow("space in a name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", 400, .invalidFieldName),
        RefusedRow("not ASCII in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\u{e9}: b\r\n\r\n", 400, .invalidFieldName),
        RefusedRow("too many empty lines first", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .emptyLines),
    ]

    static let hosts: [RefusedRow] = [
        RefusedRow("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, .missingHost),
        RefusedRow("no Host, absolute", "GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n", 400, .missingHost),
        RefusedRow("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, .repeatedHost),
        RefusedRow("two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, .repeatedHost),
        RefusedRow("Host a/b", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, .invalidHost),
        RefusedRow("Host u@a", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, .invalidHost),
        RefusedRow("Host a.example:99999", "GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n", 400, .invalidHost),
        RefusedRow("Host a.example:80@b", "GET / HTTP/1.1\r\nHost: a.example:80@b\r\n\r\n", 400, .invalidHost),
        RefusedRow(
            "invalid Host with an absolute target", "GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, .invalidHost),
    ]

    static let targets: [RefusedRow] = [
        RefusedRow("NUL in target", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400, .controlCharacter),
        RefusedRow("space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("tab in target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("two spaces before target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("two spaces behind target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("non-ASCII in target", "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("non-ASCII in query", "GET /?\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("#frag in target", "GET /a#frag HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("#frag in query", "GET /a?b#frag HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("authority of GET", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("user information", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400, .invalidTarget),
        RefusedRow("absolute without authority", "GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n", 400, .invalidTarget),
        RefusedRow("another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("scheme without slashes", "GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
    ]

    static let versions: [RefusedRow] = [
        RefusedRow("HTTP/0.9", "GET /\r\n", 400, .invalidVersion),
        RefusedRow("HTTP/0.9 spelt out", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, .unsupportedVersion),
        RefusedRow("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, .unsupportedVersion),
        RefusedRow("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, .unsupportedVersion),
        RefusedRow("HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, .unsupportedVersion),
        RefusedRow("HTTP/1", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400, .invalidVersion),
        RefusedRow("HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, .invalidVersion),
        RefusedRow("HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400, .invalidVersion),
        RefusedRow("http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, .invalidVersion),
        RefusedRow("space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, .invalidTarget),
        RefusedRow("PRI * preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, .http2Preface),
        RefusedRow("PRI as a method", "PRI * HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidTarget),
    ]

    static let methods: [RefusedRow] = [
        RefusedRow("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, .methodNotAllowed),
        RefusedRow("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, .methodNotAllowed),
        RefusedRow("no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidMethod),
        RefusedRow("method that is no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, .invalidMethod),
        RefusedRow("method alone", "GET\r\nHost: a\r\n\r\n", 400, .invalidMethod),
        RefusedRow(
            "long method", String(repeating: "A", count: 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501, .unknownMethod),
        RefusedRow("TLS on a plain port", "\u{16}\u{3}\u{1}\u{2}\0\u{1}", 400, .controlCharacter),
    ]

    static let sizes: [RefusedRow] = [
        RefusedRow(
            "100 KB header", "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n", 431,
            .fieldTooLong),
        RefusedRow(
            "100 KB of headers",
            "GET / HTTP/1.1\r\nHost: a\r\n"
                + String(repeating: "X: \(String(repeating: "x", count: 2_000))\r\n", count: 50) + "\r\n", 431,
            .headTooLarge),
        RefusedRow(
            "1000 headers", "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 1_000))\r\n", 431,
            .tooManyFields),
        RefusedRow(
            "64 KB URL", "GET /\(String(repeating: "x", count: 65_536)) HTTP/1.1\r\nHost: a\r\n\r\n", 414,
            .targetTooLong),
        RefusedRow(
            "a hundred connection options",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: \(String(repeating: "x,", count: 100))\r\n\r\n", 400,
            .tooManyConnectionOptions),
        RefusedRow(
            "underscore, refused", "GET / HTTP/1.1\r\nHost: a\r\nX_Y: z\r\n\r\n", 400, .underscoreInFieldName,
            limits: MessageLimits(underscores: .reject)),
    ]

    static let earlyRows = Self.lines + Self.targets + Self.versions + Self.methods

    static let all = Self.framing + Self.lines + Self.hosts + Self.targets + Self.versions + Self.methods + Self.sizes

    @Test("refused", arguments: RequestRowTests.all)
    func refused(_ row: RefusedRow) throws {
        let request = Request(row.request, limits: row.limits)
        #expect(request.outcome == .refused(Refusal(row.reason)))
        #expect(Refusal(row.reason).status == row.status)
        try RequestInvariants.check(Array(row.request.utf8.prefix(40_000)), limits: row.limits)
    }

    /// The refusal comes with the line that shows what is wrong, not with the end of the head.
    @Test("refused early", arguments: RequestRowTests.earlyRows)
    func early(_ row: RefusedRow) throws {
        let bytes = Array(row.request.utf8)
        var fields = FieldTable()
        let shown = (1...bytes.count).first { Request(Array(bytes[..<$0]), limits: row.limits).refusal == row.reason }
        let first = try #require(shown)
        let lineEnd = bytes[(first - 1)...].firstIndex(of: 0x0a) ?? bytes.count - 1

        var progress = HeadProgress()
        var needed: Int?
        for count in 1...bytes.count {
            let outcome = RequestParser.parse(
                bytes.span.extracting(first: count), progress: &progress, limits: row.limits, fields: &fields)
            guard case .incomplete = outcome else {
                #expect(outcome == .refused(Refusal(row.reason)))
                needed = count
                break
            }
        }
        #expect(try #require(needed) <= lineEnd + 1)
    }

    struct ForwardedRow: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let forwarded: String

        init(_ name: String, _ request: String, _ forwarded: String) {
            self.testDescription = name
            self.request = request
            self.forwarded = forwarded
        }
    }

    static let forwarded: [ForwardedRow] = [
        ForwardedRow(
            "Content-Length 005 becomes canonical",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\nX: y\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\n"),
        ForwardedRow(
            "Content-Length 000",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
        ForwardedRow(
            "Transfer_Encoding is dropped",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nX: y\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"),
        ForwardedRow(
            "Connection: X-Secret strips the field",
            "GET / HTTP/1.1\r\nHost: a\r\nX-Secret: s\r\nConnection: X-Secret, keep-alive\r\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"),
        ForwardedRow(
            "Connection does not strip Host and framing",
            "POST / HTTP/1.1\r\nConnection: host, content-length\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
        ForwardedRow(
            "Upgrade: h2c and HTTP2-Settings are stripped",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "HTTP2-Settings that Connection does not name",
            "GET / HTTP/1.1\r\nHost: a\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "hop-by-hop fields are stripped",
            "GET / HTTP/1.1\r\nHost: a\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip\r\nProxy-Authorization: x\r\nProxy-Authenticate: y\r\nUpgrade: foo\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "TE: trailers is ours to repeat",
            "GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n"),
        ForwardedRow(
            "chunked is framed anew",
            "POST / HTTP/1.1\r\ntransfer-encoding:  CHUNKED \r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ForwardedRow(
            "GET with a body keeps its length",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
        ForwardedRow(
            "WebSocket",
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n",
            "GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ForwardedRow(
            "absolute form: the target's authority replaces Host",
            "GET http://b.example:81/x?y HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
            "GET /x?y HTTP/1.1\r\nHost: b.example:81\r\nX: y\r\n\r\n"),
        ForwardedRow(
            "absolute form without path",
            "GET http://b.example?y HTTP/1.1\r\nHost: b.example\r\n\r\n", "GET /?y HTTP/1.1\r\nHost: b.example\r\n\r\n"),
        ForwardedRow(
            "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "OPTIONS without path", "OPTIONS http://a HTTP/1.1\r\nHost: b\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "the path that is matched", "GET /public/%2e%2e/admin?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /admin?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
        ForwardedRow(
            "white space around values stays", "GET / HTTP/1.1\r\nHost: a\r\nX:\t y \r\nY:z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX:\t y \r\nY:z\r\n\r\n"),
        ForwardedRow(
            "what says who the client is",
            "GET / HTTP/1.1\r\nX-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Forwarded-Prefix: /p\r\nHost: a\r\nX_Forwarded_For: 1\r\nSSL-Client-Verify: SUCCESS\r\nSSL_Client_Verify: SUCCESS\r\nX-Auth-User: root\r\nX-Auth-Token: t\r\nForwarded: for=1\r\nX-Real-IP: 1\r\nX-Forwarded-For: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Token: t\r\n\r\n"),
    ]

    @Test("forwarded", arguments: RequestRowTests.forwarded)
    func isForwarded(_ row: ForwardedRow) throws {
        #expect(Request.forwarded(row.request) == row.forwarded)
        try RequestInvariants.check(Array(row.request.utf8))
    }

    @Test("underscores are forwarded where they are allowed, but for those of known fields")
    func allowedUnderscores() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nmy_field: 1\r\nContent_Length: 5\r\nX_Forwarded_For: 1\r\n\r\n"
        #expect(
            Request.forwarded(request, limits: MessageLimits(underscores: .allow))
                == "GET / HTTP/1.1\r\nHost: a\r\nmy_field: 1\r\n\r\n")
        #expect(Request.forwarded(request) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("HTTP/1.0 without Host gets the default one")
    func defaultHost() {
        #expect(
            Request.forwarded("GET /x HTTP/1.0\r\n\r\n", defaultHost: "10.0.0.1:80")
                == "GET /x HTTP/1.1\r\nHost: 10.0.0.1:80\r\n\r\n")
    }

    @Test("expectations are passed on only where that is asked for")
    func expectation() {
        let request = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
        #expect(Request.forwarded(request) == "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        #expect(
            Request.forwarded(request, forwardsExpectation: true)
                == "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    }
}
