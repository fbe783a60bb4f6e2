import Bytes
import HTTP1
import Testing

@Suite("Responses")
struct ResponseParserTests {
    static func parse(_ text: String, _ context: ResponseContext = ResponseContext(method: .get)) -> ResponseParse {
        let bytes = Array(text.utf8)
        var fields = FieldTable()
        return ResponseParser.parse(bytes.span, context: context, limits: MessageLimits(), fields: &fields)
    }

    static func head(_ text: String, _ context: ResponseContext = ResponseContext(method: .get)) -> ResponseHead? {
        guard case .complete(let head) = Self.parse(text, context) else { return nil }
        return head
    }

    struct FramingRow: Sendable {
        let response: String
        var method = RequestMethod.get
        let framing: ResponseFraming
        var keepsAlive = true
    }

    /// RFC 9112 section 6.3.
    @Test(
        "framing",
        arguments: [
            FramingRow(response: "1.1 200 OK\r\nContent-Length: 5\r\n", framing: .length(5)),
            FramingRow(response: "1.1 200 OK\r\nContent-Length: 0\r\n", framing: .none),
            FramingRow(response: "1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", framing: .chunked),
            FramingRow(response: "1.1 200 OK\r\n", framing: .untilClose, keepsAlive: false),
            FramingRow(response: "1.0 200 OK\r\nConnection: keep-alive\r\n", framing: .untilClose, keepsAlive: false),
            FramingRow(response: "1.0 200 OK\r\nContent-Length: 5\r\n", framing: .length(5), keepsAlive: false),
            FramingRow(
                response: "1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n", framing: .length(5)),
            FramingRow(
                response: "1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n", framing: .length(5),
                keepsAlive: false),
            FramingRow(response: "1.1 200 OK\r\nContent-Length: 5\r\n", method: .head, framing: .none),
            FramingRow(response: "1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", method: .head, framing: .none),
            FramingRow(response: "1.1 200 OK\r\n", method: .head, framing: .none),
            FramingRow(response: "1.1 204 No Content\r\n", framing: .none),
            FramingRow(response: "1.1 204 No Content\r\nContent-Length: 5\r\n", framing: .none),
            FramingRow(response: "1.1 304 Not Modified\r\nContent-Length: 5\r\n", framing: .none),
            FramingRow(response: "1.1 100 Continue\r\n", framing: .none),
            FramingRow(response: "1.1 103 Early Hints\r\nLink: </a>\r\n", framing: .none),
            FramingRow(response: "1.1 999\r\nContent-Length: 7\r\n", framing: .length(7)),
            FramingRow(response: "1.1 404 \r\nContent-Length: 7\r\n", framing: .length(7)),
        ])
    func framing(_ row: FramingRow) throws {
        let head = try #require(Self.head("HTTP/\(row.response)\r\n", ResponseContext(method: row.method)))
        #expect(head.framing == row.framing)
        #expect(head.keepsAlive == row.keepsAlive)
        #expect(head.isInterim == row.response.contains(" 10"))
        try ResponseInvariants.check([row.method == .head ? 1 : 0] + Array("HTTP/\(row.response)\r\n".utf8))
    }

    static let malformed: [FaultRow] = [
        FaultRow(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .contentLengthAndTransferEncoding),
        FaultRow("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .repeatedContentLength),
        FaultRow("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .repeatedContentLength),
        FaultRow("HTTP/1.1 204 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .repeatedContentLength),
        FaultRow("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .invalidContentLength),
        FaultRow("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .invalidContentLength),
        FaultRow("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .unknownTransferEncoding),
        FaultRow("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .invalidTransferEncoding),
        FaultRow(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .repeatedTransferEncoding),
        FaultRow("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
        FaultRow("HTTP/1.1 200 OK\nContent-Length: 5\n\n", .bareLineFeed),
        FaultRow("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", .foldedField),
        FaultRow("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", .spaceBeforeColon),
        FaultRow("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", .controlCharacter),
        FaultRow("HTTP/1.1 200 O\rK\r\n\r\n", .bareCarriageReturn),
        FaultRow("HTTP/1.1 20 OK\r\n\r\n", .invalidStatusLine),
        FaultRow("HTTP/1.1 2000 OK\r\n\r\n", .invalidStatusLine),
        FaultRow("HTTP/1.1 099 OK\r\n\r\n", .invalidStatusLine),
        FaultRow("HTTP/1.1 200OK\r\n\r\n", .invalidStatusLine),
        FaultRow("HTTP/1.1  200 OK\r\n\r\n", .invalidStatusLine),
        FaultRow("HTTP/1.2 200 OK\r\n\r\n", .unsupportedVersion),
        FaultRow("HTTP/2 200\r\n\r\n", .unsupportedVersion),
        FaultRow("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        FaultRow("SSH-2.0-OpenSSH_9.2", .invalidStatusLine),
        FaultRow("{\"error\": true}", .invalidStatusLine),
        FaultRow("\r\nHTTP/1.1 200 OK\r\n\r\n", .invalidStatusLine),
        FaultRow(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", .unexpectedUpgrade),
        FaultRow("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", .fieldTooLong),
        FaultRow("HTTP/1.1 200 OK\r\n\(String(repeating: "X: y\r\n", count: 101))\r\n", .tooManyFields),
        FaultRow(
            "HTTP/1.1 200 OK\r\n\(String(repeating: "X: \(String(repeating: "y", count: 800))\r\n", count: 50))\r\n",
            .headTooLarge),
        FaultRow("HTTP/1.1 200 \(String(repeating: "x", count: 9_000))\r\n\r\n", .invalidStatusLine),
    ]

    @Test("malformed", arguments: ResponseParserTests.malformed)
    func isMalformed(_ row: FaultRow) throws {
        #expect(Self.parse(row.text) == .malformed(row.fault))
        try ResponseInvariants.check([0] + Array(row.text.utf8))
    }

    @Test("101 is an upgrade where one was asked for")
    func upgrade() throws {
        let response = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        let context = ResponseContext(method: .get, upgrade: .webSocket)
        let head = try #require(Self.head(response, context))
        #expect(head.isUpgrade && !head.isInterim)
        let without = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
        #expect(Self.parse(without, context) == .malformed(.unexpectedUpgrade))
        // Refused upgrades are answers like others.
        #expect(Self.head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", context)?.isUpgrade == false)
    }

    // MARK: - Forwarded

    static func forwarded(
        _ text: String, _ context: ResponseContext = ResponseContext(method: .get), clientMinorVersion: UInt8 = 1,
        keepsAlive: Bool = true, extra: String = ""
    ) -> String? {
        let bytes = Array(text.utf8)
        var fields = FieldTable()
        let outcome = ResponseParser.parse(bytes.span, context: context, limits: MessageLimits(), fields: &fields)
        guard case .complete(let head) = outcome else { return nil }
        var buffer = ByteBuffer(capacity: 4_096)
        let framing = head.framing(forMinorVersion: clientMinorVersion)
        guard
            ForwardedHead.writeResponse(
                bytes.span, head, fields, framing: framing, clientMinorVersion: clientMinorVersion,
                keepsAlive: keepsAlive && framing != .untilClose, date: HTTPDate(secondsSince1970: 784_111_777),
                extra: Array(extra.utf8).span, into: &buffer)
        else { return nil }
        return buffer.contents.text
    }

    static let added = "Server: fairlead\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    @Test("what is there already stays as it is")
    func unchanged() {
        let response =
            "HTTP/1.1 200 Fine\r\nserver: x\r\nDATE: y\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
        #expect(Self.forwarded(response) == response)
    }

    @Test("Server and Date are added")
    func added() {
        #expect(
            Self.forwarded("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
                == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\(Self.added)\r\n")
    }

    @Test("what concerned the backend's connection goes, and what Connection names")
    func hopByHop() {
        #expect(
            Self.forwarded(
                "HTTP/1.1 200 OK\r\nConnection: close, x-a\r\nKeep-Alive: timeout=5\r\nX-A: b\r\nUpgrade: h2\r\nProxy-Connection: x\r\nTrailer: z\r\nContent-Length: 005\r\nX: y\r\n\r\n"
            )
                == "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\(Self.added)\r\n")
    }

    @Test("bodies without length are chunked, for HTTP/1.0 they end with the connection")
    func bodies() {
        for response in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
            #expect(
                Self.forwarded(response) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\(Self.added)\r\n")
            #expect(
                Self.forwarded(response, clientMinorVersion: 0)
                    == "HTTP/1.1 200 OK\r\nConnection: close\r\n\(Self.added)\r\n")
        }
        let trailer = "HTTP/1.1 200 OK\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(
            Self.forwarded(trailer)
                == "HTTP/1.1 200 OK\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\(Self.added)\r\n")
    }

    @Test("the client's connection is told of, as its version needs it")
    func connection() {
        let response = "HTTP/1.0 200\r\nContent-Length: 5\r\nServer: s\r\nDate: d\r\n\r\n"
        let rest = "Content-Length: 5\r\nServer: s\r\nDate: d\r\n"
        #expect(Self.forwarded(response) == "HTTP/1.1 200 \r\n\(rest)\r\n")
        #expect(Self.forwarded(response, keepsAlive: false) == "HTTP/1.1 200 \r\n\(rest)Connection: close\r\n\r\n")
        #expect(
            Self.forwarded(response, clientMinorVersion: 0) == "HTTP/1.1 200 \r\n\(rest)Connection: keep-alive\r\n\r\n")
    }

    @Test("lengths of what is not sent: kept of HEAD and 304, not of 204 and 1xx")
    func lengths() {
        let head = ResponseContext(method: .head)
        #expect(
            Self.forwarded("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head)
                == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\(Self.added)\r\n")
        #expect(Self.forwarded("HTTP/1.1 200 OK\r\n\r\n", head) == "HTTP/1.1 200 OK\r\n\(Self.added)\r\n")
        #expect(
            Self.forwarded("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
                == "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\(Self.added)\r\n")
        #expect(
            Self.forwarded("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")
                == "HTTP/1.1 204 No Content\r\n\(Self.added)\r\n")
        #expect(
            Self.forwarded("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: x\r\n\r\n")
                == "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    }

    @Test("switching protocols")
    func switching() {
        #expect(
            Self.forwarded(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\n\r\n",
                ResponseContext(method: .get, upgrade: .webSocket))
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\nConnection: upgrade\r\n\r\n"
        )
    }

    @Test("extra fields come last")
    func extra() {
        #expect(
            Self.forwarded(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", extra: "Set-Cookie: INGRESSCOOKIE=x; Path=/\r\n")
                == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\(Self.added)Set-Cookie: INGRESSCOOKIE=x; Path=/\r\n\r\n")
    }
}
