import Bytes
import HTTP1
import Testing

/// What a backend is told of the client.
@Suite("Forwarding fields")
struct ForwardingTests {
    static let plain = "GET / HTTP/1.1\r\nHost: Shop.Example:8080\r\n\r\n"
    static let claims =
        "GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n"
        + "X-Forwarded-Host: b\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\n"
        + "X-Scheme: https\r\nX-Real-IP: 203.0.113.9\r\nX-Request-ID: mine\r\nForwarded: for=203.0.113.9\r\n"
        + "X-Forwarded-Prefix: /p\r\nSSL-Client-Verify: SUCCESS\r\nX-Original-URL: /u\r\n\r\n"
    static let id = "0123456789abcdef000000000000000a"

    static func everything(isTrusted: Bool, isSecure: Bool = false, port: UInt16 = 80) -> Forwarding {
        var fields = ForwardedFields.default
        fields.insert(.forwarded)
        return Forwarding(fields: fields, isTrusted: isTrusted, isSecure: isSecure, port: port)
    }

    @Test("all that is set by default")
    func byDefault() {
        #expect(
            Request.forwarded(Self.plain, by: Forwarding(isTrusted: false, isSecure: true, port: 8443))
                == "GET / HTTP/1.1\r\nHost: Shop.Example:8080\r\nX-Forwarded-For: 192.0.2.7\r\n"
                + "X-Forwarded-Host: Shop.Example:8080\r\nX-Forwarded-Port: 8443\r\nX-Forwarded-Proto: https\r\n"
                + "X-Forwarded-Scheme: https\r\nX-Scheme: https\r\nX-Real-IP: 192.0.2.7\r\nX-Request-ID: \(Self.id)\r\n\r\n"
        )
    }

    @Test("claims of anybody are replaced")
    func untrusted() {
        #expect(
            Request.forwarded(Self.claims, by: Self.everything(isTrusted: false))
                == "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: a\r\n"
                + "X-Forwarded-Port: 80\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http\r\n"
                + "X-Real-IP: 192.0.2.7\r\nX-Request-ID: \(Self.id)\r\nForwarded: for=192.0.2.7;host=\"a\";proto=http\r\n\r\n"
        )
    }

    @Test("claims of a trusted proxy are kept, and added to")
    func trusted() {
        #expect(
            Request.forwarded(Self.claims, by: Self.everything(isTrusted: true))
                == "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: b\r\nX-Forwarded-Port: 1\r\n"
                + "X-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\nX-Real-IP: 203.0.113.9\r\n"
                + "X-Request-ID: mine\r\nX-Forwarded-Prefix: /p\r\nSSL-Client-Verify: SUCCESS\r\nX-Original-URL: /u\r\n"
                + "X-Forwarded-For: 203.0.113.9, 198.51.100.1, 192.0.2.7\r\n"
                + "Forwarded: for=203.0.113.9, for=192.0.2.7;host=\"a\";proto=http\r\n\r\n")
    }

    /// W3C Trace Context, section 4: who takes no part passes both on as they are, in their order.
    @Test("a trace context goes through", arguments: [true, false])
    func traceContext(isTrusted: Bool) {
        let context =
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            + "tracestate: rojo=00f067aa0ba902b7\r\ntracestate: congo=t61rcWkgMzE\r\n"
        let request = Request.forwarded(
            "GET / HTTP/1.1\r\nHost: a\r\n\(context)\r\n", by: Self.everything(isTrusted: isTrusted))
        #expect(request?.contains("\r\n\(context)") == true, "\(String(describing: request))")
    }

    @Test("what a trusted proxy does not say is said for it")
    func trustedSilence() {
        #expect(
            Request.forwarded(Self.plain, by: Self.everything(isTrusted: true))
                == Request.forwarded(Self.plain, by: Self.everything(isTrusted: false)))
    }

    @Test("claims of anybody are removed even where nothing is set")
    func nothingSet() {
        let none = Forwarding(fields: [], isTrusted: false, isSecure: false, port: 80)
        #expect(Request.forwarded(Self.claims, by: none) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("Connection does not strip what proxies say of the client")
    func protected() {
        let request =
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nConnection: X-Forwarded-For, X-Forwarded-Proto\r\n\r\n"
        let only = Forwarding(fields: .xForwardedFor, isTrusted: true, isSecure: false, port: 80)
        #expect(
            Request.forwarded(request, by: only) == "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1, 192.0.2.7\r\n\r\n"
        )
        let proto = Forwarding(fields: .xForwardedProto, isTrusted: false, isSecure: true, port: 80)
        #expect(
            Request.forwarded(request, by: proto) == "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n")
    }

    @Test("IPv6 clients are quoted in Forwarded (RFC 7239 section 6)")
    func quoted() throws {
        let bytes = Array("GET / HTTP/1.0\r\n\r\n".utf8)
        var fields = FieldTable()
        guard case .complete(let head) = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &fields)
        else {
            Issue.record("refused")
            return
        }
        var buffer = ByteBuffer(capacity: 2_048)
        let isWritten = ForwardedHead.writeRequest(
            bytes.span, head, fields, path: .unchanged(head.path), scratch: Span(),
            forwarding: Forwarding(fields: .forwarded, isTrusted: false, isSecure: false, port: 80),
            peer: Array("2001:db8::7".utf8).span, requestID: RequestID(high: 0, low: 0), into: &buffer)
        #expect(isWritten)
        #expect(
            buffer.contents.text == "GET / HTTP/1.1\r\nHost: \r\nForwarded: for=\"[2001:db8::7]\";proto=http\r\n\r\n")
    }

    @Test("extra fields come last")
    func extra() {
        let none = Forwarding(fields: [], isTrusted: false, isSecure: false, port: 80)
        #expect(
            Request.forwarded(Self.plain, by: none, extra: "X-A: b\r\n")
                == "GET / HTTP/1.1\r\nHost: Shop.Example:8080\r\nX-A: b\r\n\r\n")
    }

    @Test("upgrades that are not passed on")
    func noUpgrade() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\n"
        #expect(
            Request.forwarded(request) == "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\n")
        #expect(Request.forwarded(request, upgrades: false) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("request IDs are written with all their digits")
    func requestID() {
        for (high, low, text) in [
            (UInt64(0), UInt64(0), "00000000000000000000000000000000"),
            (.max, 0xfedc_ba98_7654_3210, "fffffffffffffffffedcba9876543210"),
            (0x0a0b_0c0d_0e0f_9990, 1, "0a0b0c0d0e0f99900000000000000001"),
        ] {
            var buffer = ByteBuffer(capacity: 32)
            RequestID(high: high, low: low).write(into: &buffer)
            #expect(buffer.contents.text == text)
        }
    }

    @Test("a head that does not fit is not begun")
    func space() {
        let bytes = Array(Self.claims.utf8)
        var fields = FieldTable()
        guard case .complete(let head) = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &fields)
        else {
            Issue.record("refused")
            return
        }
        for capacity in [1, 100, 600, 1_000] {
            var buffer = ByteBuffer(capacity: capacity)
            let isWritten = ForwardedHead.writeRequest(
                bytes.span, head, fields, path: .unchanged(head.path), scratch: Span(),
                forwarding: Self.everything(isTrusted: true), peer: Array("192.0.2.7".utf8).span,
                requestID: RequestID(high: 0, low: 0), into: &buffer)
            #expect(!isWritten)
            #expect(buffer.contents.isEmpty)
        }
    }
}
