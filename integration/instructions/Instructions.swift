import Balancing
import Bytes
import HTTP1
import HTTP2
import KubernetesAPI
import Networking
import Routing
import ServiceModel

/// `fairlead-instructions PATH COUNT`: goes along one of the hot paths so many times, with everything around it made before. Two
/// counts under `valgrind --tool=callgrind` tell what one time takes, to the instruction: `.ci/instructions`.
@main
struct Instructions {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let count = Int(arguments[2]), count > 0, let sum = self.run(arguments[1], count)
        else { fatalError("usage: fairlead-instructions request|response|route|pick|chunked|http2 COUNT") }
        // Nothing of it may be left out.
        print(sum)
    }

    private static func run(_ path: String, _ count: Int) -> Int? {
        switch path {
        case "request": self.requests(count)
        case "response": self.responses(count)
        case "route": self.routes(count)
        case "pick": self.picks(count)
        case "chunked": self.chunks(count)
        case "http2": self.exchanges(count)
        default: nil
        }
    }

    // MARK: - HTTP/1.1

    private static let request = Array(
        """
        GET /products/list?page=3 HTTP/1.1\r
        Host: shop.example\r
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r
        Accept-Language: en-US,en;q=0.5\r
        Accept-Encoding: gzip, deflate, br, zstd\r
        Connection: keep-alive\r
        Cookie: session=0123456789abcdef0123456789abcdef\r
        \r

        """.utf8)

    /// The head of a browser's request: parsed, its path normalised, and written for a backend.
    private static func requests(_ count: Int) -> Int {
        let limits = MessageLimits()
        var fields = FieldTable(capacity: limits.fields)
        var scratch = ByteBuffer(capacity: limits.startLine)
        var out = ByteBuffer(capacity: 16_384)
        let forwarding = Forwarding(isTrusted: false, isSecure: false, port: 80)
        let (peer, none): ([UInt8], [UInt8]) = (Array("192.0.2.7".utf8), [])
        let bytes = self.request.span
        var sum = 0
        for round in 0..<count {
            guard case .complete(let head) = RequestParser.parse(bytes, limits: limits, fields: &fields) else {
                fatalError("the request is none")
            }
            scratch.clear()
            let path = PathNormalizer.normalize(bytes, head, into: &scratch)
            out.clear()
            let isWritten = ForwardedHead.writeRequest(
                bytes, head, fields, path: path, scratch: scratch.readable, forwarding: forwarding, peer: peer.span,
                requestID: RequestID(high: UInt64(round), low: 10), defaultHost: none.span, extra: none.span,
                upgrades: true, forwardsExpectation: false, into: &out)
            guard isWritten else { fatalError("the request is not written") }
            sum &+= out.count
        }
        return sum
    }

    /// The head of an answer: parsed, and written for a client.
    private static func responses(_ count: Int) -> Int {
        let response = Array(
            """
            HTTP/1.1 200 OK\r
            Server: backend\r
            Date: Sun, 22 Nov 2026 12:00:00 GMT\r
            Content-Type: text/html; charset=utf-8\r
            Content-Length: 128\r
            Cache-Control: max-age=60\r
            ETag: "0123456789abcdef"\r
            \r

            """.utf8)
        let (limits, bytes) = (MessageLimits(), response.span)
        var fields = FieldTable(capacity: limits.fields)
        var out = ByteBuffer(capacity: 16_384)
        let date = HTTPDate(secondsSince1970: 1_795_348_800)
        var sum = 0
        for _ in 0..<count {
            let outcome = ResponseParser.parse(
                bytes, context: ResponseContext(method: .get), limits: limits, fields: &fields)
            guard case .complete(let head) = outcome else { fatalError("the response is none") }
            out.clear()
            let isWritten = ForwardedHead.writeResponse(
                bytes, head, fields, framing: head.framing(forMinorVersion: 1), clientMinorVersion: 1,
                keepsAlive: true, date: date, into: &out)
            guard isWritten else { fatalError("the response is not written") }
            sum &+= out.count
        }
        return sum
    }

    /// A body of 16 chunks of 64 bytes, and what is left in the decoder.
    private static func chunks(_ count: Int) -> Int {
        let chunk = "40\r\n\(String(repeating: "x", count: 64))\r\n"
        let body = Array((String(repeating: chunk, count: 16) + "0\r\n\r\n").utf8)
        let limits = MessageLimits()
        var sum = 0
        for _ in 0..<count {
            var decoder = ChunkedDecoder(limits: limits)
            var start = 0
            decoding: while true {
                let step = decoder.next(body.span.extracting(start..<body.count))
                start += step.consumed
                switch step.event {
                case .data(let range): sum &+= Int(range.count)
                case .end: break decoding
                default: fatalError("the body is none")
                }
            }
        }
        return sum
    }

    // MARK: - Where to

    /// As random as those that a process chooses, and the same each time.
    private static let seed = RouteHash.Seed(
        start: 0x9e37_79b9_7f4a_7c15, word: 0xbf58_476d_1ce4_e5b9, end: 0x94d0_49bb_1331_11eb)

    /// One of 5,000 routes of 1,000 hosts, another one each time.
    private static func routes(_ count: Int) -> Int {
        var planner = IngressPlanner(
            IngressPlannerOptions(), node: .init(name: ""), seed: self.seed)
        let paths = ["/", "/path-1/", "/path-2/", "/path-3/", "/path-4/"]
        let ingressClass = IngressClass(
            metadata: ObjectMeta(name: ObjectName(namespace: "", name: "fairlead")),
            controller: "fairlead.dev/ingress-controller")
        planner.apply(
            ObjectKey(kind: .ingressClass, name: ingressClass.metadata.name), .ingressClass(ingressClass))
        for number in 0..<1000 {
            let rule = IngressRule(
                host: "host-\(number).bench.example",
                paths: paths.map { IngressPath(path: $0, backend: .service(name: "backend", port: .number(80))) })
            let name = ObjectName(namespace: "default", name: "host-\(number)")
            let ingress = Ingress(
                metadata: ObjectMeta(name: name), ingressClassName: "fairlead", rules: [rule])
            planner.apply(ObjectKey(kind: .ingress, name: name), .ingress(ingress))
        }
        let table = planner.plan().routes
        let requests = (0..<512).map { number in
            (Array("host-\(number * 7919 % 1000).bench.example".utf8), Array("\(paths[number % 5])item".utf8))
        }
        var sum = 0
        for round in 0..<count {
            let (host, path) = requests[round & 511]
            let match = table.match(host: host.span, path: path.span)
            guard match.isRoute else { fatalError("no route") }
            sum &+= Int(match.route)
        }
        return sum
    }

    /// One of ten endpoints, with a request that begins and ends.
    private static func picks(_ count: Int) -> Int {
        var set = EndpointSet(policy: BalancingPolicy(), seed: 1)
        _ = set.update(
            to: (1...10).map { BackendEndpoint(address: IPAddress(ipv4: 0x0a00_0000 + UInt32($0)), port: 8080) })
        var sum = 0
        for _ in 0..<count {
            guard case .slot(let slot) = set.pick(tried: TriedEndpoints(), at: 1) else { fatalError("nobody") }
            set.requestStarted(slot)
            _ = set.requestEnded(slot, .success, at: 1)
            sum &+= set.endpoint(slot).map { Int($0.address.low & 0xff) } ?? 0
        }
        return sum
    }

    // MARK: - HTTP/2

    /// A GET and its answer of 128 bytes, on one connection.
    private static func exchanges(_ count: Int) -> Int {
        func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
            [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), type, flags]
                + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
        }
        // Indexed in HPACK's static table, the authority as a literal: RFC 7541 appendix A.
        let authority = Array("shop.example".utf8)
        let block: [UInt8] = [0x82, 0x87, 0x84, 0x01, UInt8(authority.count)] + authority
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []) + frame(4, 1, 0, [])
        let head = Array("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n".utf8)
        let (body, none) = ([UInt8](repeating: 0x78, count: 128), [UInt8]())

        var session = HTTP2Session(.server, HTTP2Limits(), seed: 7)
        var heads = BufferPool(size: 16_384, limit: 4)
        var out = ByteBuffer(capacity: 65_536)
        var sum = 0
        func receive(_ bytes: [UInt8]) -> HTTP2StreamID? {
            var (start, stream): (Int, HTTP2StreamID?) = (0, nil)
            while true {
                let receipt = session.receive(bytes.span.extracting(start..<bytes.count), now: 1000, heads: &heads)
                start += receipt.consumed
                switch receipt.event {
                case .head(let id, _): stream = id
                case .failed(let failure): fatalError("\(failure)")
                case .none where receipt.consumed == 0: return stream
                default: break
                }
            }
        }
        _ = receive(preface)
        for round in 0..<count {
            // The window of the connection is never shut: the client takes all of it.
            let id = UInt32(round) * 2 + 1
            guard let stream = receive(frame(8, 0, 0, [0, 0, 0, 128]) + frame(1, 5, id, block)) else {
                fatalError("no request")
            }
            out.clear()
            guard session.respond(stream, head: head.span, ends: false, into: &out),
                session.send(stream, body.span, then: none.span, ends: true, into: &out).ended
            else { fatalError("no answer") }
            session.write(into: &out)
            sum &+= out.count
        }
        return sum
    }
}
