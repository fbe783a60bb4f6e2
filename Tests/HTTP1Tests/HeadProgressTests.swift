import Bytes
import HTTP1
import Testing

@Suite("Heads in pieces")
struct HeadProgressTests {
    static let requests = [
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "\r\n\r\nGET /a%20b?c HTTP/1.0\r\n\r\nGET /next HTTP/1.1\r\n",
        "POST http://b.example:81/x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\nX_Y: z\r\nConnection: x, close\r\nX: y\r\n\r\nhello",
        "PUT / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nTE: trailers\r\n\r\n5\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 1, 2\r\nX-Forwarded-For: 3\r\nForwarded: for=1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "value \t", count: 40))\r\n\r\n",
    ]
    static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\nDate: y\r\n\r\nhello",
        "HTTP/1.0 404\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close, x\r\nX: y\r\nTrailer: z\r\nKeep-Alive: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 00012\r\nDate: x\r\n\r\n",
    ]
    static let chunked = [
        "5\r\nhello\r\n0\r\n\r\nnext",
        "1;a=b\r\nx\r\n00000A ; q=\"x\"\r\n0123456789\r\n0;last\r\nGrpc-Status: 0\r\nContent-Length: 5\r\nX_Y: z\r\n\r\n",
        String(repeating: "1\r\nx\r\n", count: 50) + "0\r\n\r\n",
    ]
    static let proxy: [[UInt8]] = [
        Array("PROXY TCP4 192.0.2.1 192.0.2.9 49152 443\r\nGET".utf8),
        Array("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n".utf8),
        Array("PROXY UNKNOWN anything at all\r\n".utf8),
        ProxyProtocolTests.binary(command: 1, family: 0x11, [192, 0, 2, 1, 192, 0, 2, 9, 0xc0, 0, 1, 0xbb]) + [1, 2],
        ProxyProtocolTests.binary(
            command: 1, family: 0x21, [UInt8](repeating: 7, count: 36) + [0x04, 0, 2, 1, 2, 0x20, 0, 0]),
    ]

    @Test("sound heads, and those with damage, mean in pieces what they mean at once", arguments: 0..<6)
    func damage(_ seed: Int) throws {
        var cuts = Cuts([UInt8(seed)], salt: 42)
        for _ in 0..<250 {
            try RequestInvariants.check(Self.damaged(Array(Self.requests[cuts.next(Self.requests.count)].utf8), &cuts))
            let response = Array(Self.responses[cuts.next(Self.responses.count)].utf8)
            try ResponseInvariants.check([UInt8(cuts.next(16))] + Self.damaged(response, &cuts))
            try ChunkedInvariants.check(Self.damaged(Array(Self.chunked[cuts.next(Self.chunked.count)].utf8), &cuts))
            try ProxyInvariants.check(Self.damaged(Self.proxy[cuts.next(Self.proxy.count)], &cuts))
        }
    }

    /// With up to three bytes changed, taken out, put in or repeated; sometimes with none.
    private static func damaged(_ bytes: [UInt8], _ cuts: inout Cuts) -> [UInt8] {
        let interesting: [UInt8] = [0, 0x09, 0x0a, 0x0d, 0x20, 0x2c, 0x3a, 0x3b, 0x5f, 0x7f, 0x80, 0xff]
        var bytes = bytes
        for _ in 0..<cuts.next(4) where !bytes.isEmpty {
            let index = cuts.next(bytes.count)
            switch cuts.next(5) {
            case 0: bytes[index] = interesting[cuts.next(interesting.count)]
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(interesting[cuts.next(interesting.count)], at: index)
            case 3: bytes[index] ^= 1 << UInt8(cuts.next(8))
            default:
                let end = min(bytes.count, index + 1 + cuts.next(30))
                bytes.insert(contentsOf: bytes[index..<end], at: cuts.next(bytes.count))
            }
        }
        return bytes
    }

    @Test(
        "limits mean the same in pieces",
        arguments: [(40, 30, 20, 3), (64, 20, 64, 2), (200, 200, 200, 1), (17, 17, 17, 1)])
    func limits(_ head: Int, _ startLine: Int, _ fieldLine: Int, _ fields: Int) throws {
        let limits = MessageLimits(head: head, startLine: startLine, fieldLine: fieldLine, fields: fields)
        for request in Self.requests { try RequestInvariants.check(Array(request.utf8), limits: limits) }
        for response in Self.responses { try ResponseInvariants.check([0] + Array(response.utf8), limits: limits) }
    }

    @Test("what a line shows is refused with that line")
    func early() {
        let lines = ["GET / HTTP/1.1\r\n", "Host: a\r\n", "X: y\r\n", " folded\r\n"]
        var fields = FieldTable()
        var progress = HeadProgress()
        var bytes: [UInt8] = []
        var outcomes: [RequestParse] = []
        for line in lines {
            bytes += Array(line.utf8)
            outcomes.append(
                RequestParser.parse(bytes.span, progress: &progress, limits: MessageLimits(), fields: &fields))
        }
        #expect(outcomes == [.incomplete, .incomplete, .incomplete, .refused(Refusal(.foldedField))])
        #expect(progress.isFresh)
    }

    @Test("a head that comes byte by byte is not looked at again and again")
    func linear() {
        // 30 KB: looked at anew for each byte it would be 450 million bytes, which takes a second and more.
        let lines = (0..<90).map { "X-\($0): \(String(repeating: "v", count: 330))\r\n" }.joined()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8)
        #expect(bytes.count > 30_000)
        var fields = FieldTable()
        var progress = HeadProgress()
        var outcome = RequestParse.incomplete
        let start = ContinuousClock.now
        for count in 1...bytes.count {
            outcome = RequestParser.parse(
                bytes.span.extracting(first: count), progress: &progress, limits: MessageLimits(), fields: &fields)
        }
        #expect(start.duration(to: .now) < .seconds(2))
        guard case .complete(let head) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(head.length == bytes.count)
    }
}
