import Bytes
import HTTP1
import Testing

@Suite("Requests")
struct RequestParserTests {
    @Test("a request of a browser")
    func browser() throws {
        let request = Request(
            "GET /products/list?page=3 HTTP/1.1\r\nHost: Shop.Example:8080\r\nUser-Agent: Mozilla/5.0\r\n"
                + "Accept: */*\r\nConnection: keep-alive\r\nCookie: a=b\r\nCookie: c=d\r\n\r\nGET /next")
        let head = try #require(request.head)
        #expect(head.method == .get)
        #expect(request.text(head.methodName) == "GET")
        #expect(head.form == .origin)
        #expect(request.text(head.target) == "/products/list?page=3")
        #expect(request.text(head.path) == "/products/list")
        #expect(request.text(head.query) == "?page=3")
        #expect(head.authority.kind == .name)
        #expect(request.text(head.authority.name) == "Shop.Example")
        #expect(request.text(head.authority.text) == "Shop.Example:8080")
        #expect(head.authority.port == 8080)
        #expect(head.authority.hasUppercase)
        #expect(head.minorVersion == 1)
        #expect(head.length == request.bytes.count - 9)
        #expect(head.framing == .none)
        #expect(head.keepsAlive)
        #expect(!head.expectsContinue)
        #expect(head.upgrade == .none)
        #expect(head.presence.contains(.cookie))
        #expect(!head.presence.contains(.xForwardedFor))
        #expect(request.fields.map(\.known) == [.host, .userAgent, .other, .connection, .cookie, .cookie])
        #expect(
            request.fields.map(\.value.text) == ["Shop.Example:8080", "Mozilla/5.0", "*/*", "keep-alive", "a=b", "c=d"])
    }

    @Test(
        "methods",
        arguments: [
            ("GET", RequestMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
            ("PATCH", .patch), ("OPTIONS", .options), ("PROPFIND", .other), ("get", .other), ("GETS", .other),
            ("M-SEARCH", .other), ("VERSION-CONTROL", .other), ("PU", .other), ("X", .other),
            ("!#$%&'*+.^_`|~9", .other),
        ])
    func methods(_ name: String, _ method: RequestMethod) throws {
        let request = Request("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(request.head)
        #expect(head.method == method)
        #expect(request.text(head.methodName) == name)
    }

    struct FramingRow: Sendable {
        let fields: String
        let framing: RequestFraming
    }

    @Test(
        "framing",
        arguments: [
            FramingRow(fields: "", framing: .none),
            FramingRow(fields: "Content-Length: 0\r\n", framing: .none),
            FramingRow(fields: "Content-Length: 1\r\n", framing: .length(1)),
            FramingRow(fields: "content-LENGTH:\t9223372036854775807 \r\n", framing: .length(UInt64(Int64.max))),
            FramingRow(fields: "Content-Length: 00000000000000000000000000000012\r\n", framing: .length(12)),
            FramingRow(fields: "Transfer-Encoding: Chunked\r\n", framing: .chunked),
        ])
    func framing(_ row: FramingRow) throws {
        #expect(try #require(Request("POST / HTTP/1.1\r\nHost: a\r\n\(row.fields)\r\n").head).framing == row.framing)
    }

    @Test(
        "keeping the connection",
        arguments: [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: CLOSE\r\n", false),
            ("1.1", "Connection: foo, close\r\n", false), ("1.1", "Connection: foo\r\nConnection: close\r\n", false),
            ("1.1", "Connection: closed\r\n", true), ("1.0", "", false), ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false), ("1.0", "Proxy-Connection: keep-alive\r\n", false),
            ("1.1", "Connection:\r\n", true), ("1.1", "Connection: ,, ,close ,\r\n", false),
        ])
    func keepAlive(_ version: String, _ field: String, _ keeps: Bool) throws {
        let head = try #require(Request("GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n").head)
        #expect(head.keepsAlive == keeps)
    }

    @Test(
        "upgrades",
        arguments: [
            ("GET", "1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", UpgradeKind.webSocket),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: foo, WebSocket\r\n", .webSocket),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: spdy/3.1\r\n", .other),
            ("POST", "1.1", "Connection: upgrade\r\nUpgrade: spdy/3.1\r\n", .other),
            ("POST", "1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", .none),
            ("GET", "1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", .none),
            ("GET", "1.1", "Upgrade: websocket\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: foo, H2C\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: foo\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", .none),
            ("GET", "1.1", "Connection: upgrade\r\nUpgrade:\r\n", .none),
        ])
    func upgrades(_ method: String, _ version: String, _ fields: String, _ kind: UpgradeKind) throws {
        let head = try #require(Request("\(method) / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n").head)
        #expect(head.upgrade == kind)
    }

    @Test(
        "100-continue",
        arguments: [
            ("1.1", "Content-Length: 5\r\n", true), ("1.1", "Transfer-Encoding: chunked\r\n", true), ("1.1", "", false),
            ("1.1", "Content-Length: 0\r\n", false), ("1.0", "Content-Length: 5\r\n", false),
        ])
    func expectation(_ version: String, _ fields: String, _ expects: Bool) throws {
        let head = try #require(
            Request("PUT / HTTP/\(version)\r\nHost: a\r\nExpect: 100-continue\r\n\(fields)\r\n").head)
        #expect(head.expectsContinue == expects)
    }

    @Test("every known field is recognised, whatever its case; names that are nearly known are not")
    func knownFields() throws {
        // Transfer-Encoding needs HTTP/1.1.
        for field in KnownField.allCases where field != .other && field != .transferEncoding {
            var name = "\(field.name)"
            let families: Set<KnownField> = [.xForwardedOther, .xOriginal, .xRewrite, .clientIdentity]
            if families.contains(field) { name += field == .xOriginal || field == .xRewrite ? "-any" : "any" }
            for spelling in [name, name.uppercased(), name.prefix(1).uppercased() + name.dropFirst()] {
                let request = Request("GET / HTTP/1.0\r\nA: b\r\n\(spelling): \(Self.value(of: field))\r\nC: d\r\n\r\n")
                _ = try #require(request.head, "\(spelling)")
                #expect(request.fields.map(\.known) == [.other, field, .other], "\(spelling)")
            }
            let longer = Request("GET / HTTP/1.0\r\nz\(name): x\r\n\r\n")
            #expect(longer.fields.map(\.known) == [.other], "z\(name)")
            guard !families.contains(field) else { continue }
            let other = Request("GET / HTTP/1.0\r\n\(name.dropLast())!: x\r\n\r\n")
            let isFamily = name.hasPrefix("x-forwarded-")
            #expect(other.fields.map(\.known) == [isFamily ? .xForwardedOther : .other], "\(name.dropLast())!")
        }
    }

    private static func value(of field: KnownField) -> String {
        switch field {
        case .contentLength: "5"
        case .expect: "100-continue"
        default: "x"
        }
    }

    @Test("Transfer-Encoding is recognised")
    func transferEncoding() {
        let request = Request("GET / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: chunked\r\n\r\n")
        #expect(request.fields.map(\.known) == [.host, .transferEncoding])
    }

    @Test("fields that are credentials are not taken for claims of a proxy")
    func credentials() {
        let request = Request(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Token: a\r\nX-Auth-Key: b\r\nX-Auth-Email: c\r\nSSL-Client-Cert: d\r\nSSL-Clientele: e\r\n\r\n"
        )
        #expect(request.fields.map(\.known) == [.host, .other, .other, .clientIdentity, .clientIdentity, .other])
    }

    @Test("values keep obs-text and tabs inside")
    func values() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: \t b\tc \u{e9}\t \r\nY:\r\nZ: \r\n\r\n".utf8)
        let request = Request(bytes)
        _ = try #require(request.head)
        #expect(request.fields.map(\.value) == [Array("a".utf8), Array("b\tc \u{e9}".utf8), [], []])
    }

    @Test("limits are exact")
    func limits() {
        let line = "GET /xyz HTTP/1.1\r\n"
        let limits = MessageLimits(head: 64, startLine: line.utf8.count, fieldLine: 20, fields: 2)
        #expect(Request(line + "Host: a\r\n\r\n", limits: limits).head != nil)
        #expect(Request("GET /wxyz HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits).refusal == .targetTooLong)
        #expect(Request(line + "Host: a\r\nX: 56789012345678\r\n\r\n", limits: limits).refusal == nil)
        #expect(Request(line + "Host: a\r\nX: 567890123456789\r\n\r\n", limits: limits).head != nil)
        #expect(Request(line + "Host: a\r\nX: 5678901234567890\r\n\r\n", limits: limits).refusal == .fieldTooLong)
        #expect(Request(line + "Host: a\r\nX: b\r\nY: c\r\n\r\n", limits: limits).refusal == .tooManyFields)
        let exact = line + "Host: " + String(repeating: "a", count: 12) + "\r\nX: " + String(repeating: "b", count: 15)
        #expect((exact + "\r\n\r\n").utf8.count == 61)
        #expect(Request(exact + "\r\n\r\n", limits: limits).head != nil)
        let tight = MessageLimits(head: 60, startLine: line.utf8.count, fieldLine: 20, fields: 2)
        #expect(Request(exact + "\r\n\r\n", limits: tight).refusal == .headTooLarge)
        // A buffer that is full without a whole head will not get fuller.
        #expect(Request(Array((exact + "\r\n\r").utf8), limits: tight).refusal == .headTooLarge)
    }
}
