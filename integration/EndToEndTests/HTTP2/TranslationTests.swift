import Lab
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules Y: requests of HTTP/2 that would become other requests in HTTP/1.1 if they were only written down. Each
    /// probe is followed by a normal request on the same connection, if that goes on, and on a second one.
    @Suite struct TranslationTests {
        struct Probe: Sendable, CustomTestStringConvertible {
            let row: String
            let name: String
            let list: [HPACKField]
            var body: [[UInt8]] = []
            var trailers: [HPACKField] = []
            /// Whether it may be served; otherwise nothing of it may get to a backend.
            var mayPass = false
            /// Whether a backend may see its head and give up on the rest.
            var mayBegin = false

            var testDescription: String { "\(self.row) \(self.name)" }
        }

        /// What must never be served as a request.
        private static let hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n"
        /// A head that has the target of no other probe.
        private static func post(_ fields: KeyValuePairs<String, String>) -> [HPACKField] {
            HTTP2Case.pseudo(method: "POST", path: "/probe") + fields.map { .literal($0.key, $0.value) }
        }

        private static func pseudo(_ index: Int, _ value: String) -> [HPACKField] {
            let names = [":method", ":scheme", ":authority", ":path"]
            var list = HTTP2Case.pseudo(path: "/probe")
            list[index] = .literal(names[index], value)
            return list
        }

        private static let lengths: [Probe] = [
            Probe(
                row: "Y1", name: "content-length: 0", list: post(["content-length": "0"]), body: [Array(hidden.utf8)],
                mayBegin: true),
            Probe(
                row: "Y1", name: "content-length less than the body", list: post(["content-length": "1"]),
                body: [Array("x\(hidden)".utf8)], mayBegin: true),
            Probe(
                row: "Y1", name: "content-length less than the body, in two frames",
                list: post(["content-length": "1"]),
                body: [[120], Array(hidden.utf8)], mayBegin: true),
            Probe(
                row: "Y1", name: "two of them", list: post(["content-length": "1", "content-length": "57"]),
                body: [Array("x\(hidden)".utf8)], mayBegin: true),
        ]

        private static let malformedLengths: [Probe] = [
            "+1", "0x1", "1, 1", "1 1", "", "-1", "1\u{b}", "99999999999999999999",
        ]
        .map { Probe(row: "Y1", name: "content-length: \($0)", list: post(["content-length": $0]), body: [[120]]) }

        private static let codings: [Probe] = {
            let chunks = Array("0\r\n\r\n\(hidden)".utf8)
            let fields: [(String, String)] = [
                ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("Transfer-Encoding", "chunked"),
                ("transfer-encoding ", "chunked"), ("transfer-encoding\u{b}", "chunked"),
                (" transfer-encoding", "chunked"),
                ("transfer-encoding:chunked", ""), ("x", "y\r\ntransfer-encoding: chunked"),
                ("x: y\r\ntransfer-encoding", "chunked"), ("x", "y\ntransfer-encoding: chunked"),
                ("x", "y\rtransfer-encoding: chunked"), ("connection", "transfer-encoding"),
            ]
            return fields.map { name, value in
                Probe(
                    row: "Y2", name: "\(name): \(value)",
                    list: HTTP2Case.pseudo(method: "POST", path: "/probe") + [.literal(name, value)], body: [chunks])
            } + [
                Probe(
                    row: "Y2", name: "transfer_encoding", list: post(["transfer_encoding": "chunked"]), body: [chunks],
                    mayPass: true)
            ]
        }()

        private static let bad = ["\r", "\n", "\r\n", "\0", " ", ":", "\t", "\u{b}", "\u{7f}"]

        private static let names: [Probe] = bad.flatMap { bad in
            ["x\(bad)", "\(bad)x", "x\(bad)y"].map { name in
                Probe(row: "Y3", name: name, list: HTTP2Case.pseudo(path: "/probe") + [.literal(name, "ok")])
            }
        }

        private static let values: [Probe] =
            ["\r", "\n", "\r\n", "\0", "\r\n\r\n\(hidden)", "\n\n\(hidden)"].flatMap { bad in
                ["a\(bad)b", "\(bad)b", "a\(bad)"].map { value in
                    Probe(
                        row: "Y4", name: "x: \(value)",
                        list: HTTP2Case.pseudo(path: "/probe") + [.literal("x", value)])
                }
            }
            + [
                Probe(
                    row: "Y4", name: "a line feed in a cookie",
                    list: HTTP2Case.pseudo(path: "/probe") + [.literal("cookie", "a=b\nx: y")])
            ]

        private static let pseudoFields: [Probe] = {
            let line = " HTTP/1.1\r\nHost: a.example\r\n\r\n\(hidden)"
            let values: [(Int, [String])] = [
                (0, ["GET /hidden", "GET\(line)", "GET\r\n", "GET\0", "", "GET:", "(GET)"]),
                (1, ["http\r\nx: y", "http\0", "http ", "http://a.example/hidden?", ""]),
                (
                    2,
                    [
                        "a.example\r\nx: y", "a.example\n", "a.example\0", "a.example b", "a.example/hidden",
                        "a.example?",
                        "a.example#", "a.example:80:80", "a.example:x", "b@a.example", "a.example, b.example", "",
                    ]
                ),
                (
                    3,
                    [
                        "/probe\(line)", "/probe\r\n", "/probe\n", "/probe\0", "/probe b", "/probe\t", "/probe#b",
                        "/%00",
                        "probe", "http://b.example/probe", "a.example", "*", "",
                    ]
                ),
            ]
            return values.flatMap { index, values in
                values.map { Probe(row: "Y5", name: "pseudo-field \(index): \($0)", list: pseudo(index, $0)) }
            }
        }()

        private static let misplaced: [Probe] = (0..<4).flatMap { index in
            let list = HTTP2Case.pseudo(path: "/probe")
            return [
                Probe(row: "Y6", name: "pseudo-field \(index) twice", list: list + [list[index]]),
                Probe(
                    row: "Y6", name: "pseudo-field \(index) at the end",
                    list: list.removing(index) + [.literal("x", "y"), list[index]]),
                Probe(
                    row: "Y6", name: "pseudo-field \(index) in trailers", list: post([:]), body: [[120]],
                    trailers: [list[index]], mayBegin: true),
            ]
        }

        private static let hosts: [Probe] = [
            Probe(row: "Y7", name: "another host", list: post(["host": "b.example"])),
            Probe(
                row: "Y7", name: "the same host, and another", list: post(["host": "a.example", "host": "b.example"])),
            Probe(row: "Y7", name: "a host with a line break", list: post(["host": "a.example\r\nx: y"])),
            Probe(row: "Y7", name: "the same host", list: post(["host": "a.example"]), mayPass: true),
            Probe(row: "Y7", name: "an empty host", list: post(["host": ""])),
            Probe(
                row: "Y7", name: "two of host alone",
                list: HTTP2Case.pseudo(path: "/probe").removing(2)
                    + [.literal("host", "a.example"), .literal("host", "b.example")]),
        ]

        private static let capitals: [Probe] = ["Host", "Content-Length", "X-Real-IP", "cookiE"].map {
            Probe(row: "Y8", name: $0, list: HTTP2Case.pseudo(path: "/probe") + [.literal($0, "1")])
        }

        static let probes = [
            lengths, malformedLengths, codings, names, values, pseudoFields, misplaced, hosts, capitals,
        ].flatMap { $0 }

        @Test(arguments: probes)
        func `Y1 to Y8 a probe, and then a normal request on each of two connections`(probe: Probe) throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            let before = backend.records
            let completed = backend.requests
            let conversation = try scene.converse()
            let stream = conversation.nextStream(method: "POST")
            var frames: [HTTP2Frame] = [
                .headers(HPACKEncoder.encode(probe.list), on: stream, ends: probe.body.isEmpty)
            ]
            for (index, piece) in probe.body.enumerated() {
                let ends = index == probe.body.count - 1 && probe.trailers.isEmpty
                frames.append(.data(piece, on: stream, ends: ends))
            }
            if !probe.trailers.isEmpty { frames.append(.headers(HPACKEncoder.encode(probe.trailers), on: stream)) }
            // All in one, as an attacker has it.
            try conversation.send(frames)
            var goesOn = true
            var isServed = false
            switch try conversation.verdict(on: stream) {
            case .answered(let response):
                isServed = response.status == 200
                #expect(isServed ? probe.mayPass : [400, 404].contains(response.status), "\(probe.name): \(response)")
            case .reset(let code): #expect(code == .protocolError, "\(probe.name)")
            case .ended(let ending):
                #expect(ending.goAway == .protocolError, "\(probe.name): \(ending)")
                goesOn = false
            case .nothing: Issue.record("\(probe.name): nothing came of it")
            }
            if goesOn { expectOwnAnswer(conversation, probe.name) }
            expectOwnAnswer(try scene.converse(), probe.name)
            let received = backend.received(since: before).joined()
            #expect(!backend.targets.contains { $0.hasPrefix("/hidden") }, "\(probe.name): \(received)")
            #expect(
                backend.records.dropFirst(before.count).allSatisfy { $0.fault == nil }, "\(probe.name): \(received)")
            #expect(received.contains("/probe") == isServed || probe.mayBegin, "\(probe.name): \(received)")
            // A body that is too long may have been whole by its content-length.
            let own = goesOn ? 2 : 1
            let whole = backend.requests - completed - own
            #expect(whole == (isServed ? 1 : 0) || (probe.mayBegin && whole == 1), "\(probe.name): \(received)")
        }

        @Test func `Y9 trailers that would change the request do not get to a backend of HTTP/1.1`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            for name in ["content-length", "host", "authorization", "cookie", "te", "x-forwarded-for", "trailer"] {
                let before = backend.records
                let conversation = try scene.converse()
                let request = HTTP2Request(
                    "POST", freshTarget(), authority: "a.example", body: "x", trailers: [name: "trailers"])
                switch try conversation.verdict(on: try conversation.open(request)) {
                case .answered(let response): #expect([200, 400].contains(response.status), "\(name)")
                case .reset(let code): #expect(code == .protocolError, "\(name)")
                case .ended, .nothing: Issue.record("\(name): the connection has ended")
                }
                let received = backend.received(since: before).joined().lowercased()
                #expect(!received.contains("\(name): trailers"), "\(received)")
                expectOwnAnswer(conversation, name)
            }
        }

        @Test func `Y10 a request inside the body of HEAD, GET, OPTIONS or DELETE is a body`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            for method in ["HEAD", "GET", "OPTIONS", "DELETE"] {
                for length in [nil, "\(Self.hidden.utf8.count)"] as [String?] {
                    let conversation = try scene.converse()
                    var request = HTTP2Request(method, freshTarget(), authority: "a.example", body: Self.hidden)
                    if let length { request.fields.append(HTTPField("content-length", length)) }
                    let response = try conversation.exchange(request)
                    #expect(response.status == 200 && response["x-body-length"] == "\(Self.hidden.utf8.count)")
                    #expect(method == "HEAD" ? response.bodyLength == 0 : response.bodyLength > 0)
                    for _ in 0..<3 { expectOwnAnswer(conversation, method) }
                    expectOwnAnswer(try scene.connect(), method)
                }
            }
            #expect(!backend.targets.contains("/hidden"))
        }
    }
}
