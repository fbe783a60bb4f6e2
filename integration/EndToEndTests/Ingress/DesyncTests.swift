import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules F: families of attacks by which two programs come to disagree on where a request ends. Each probe is followed by
    /// a normal request on the same and on a second connection, and each of these has to get its own answer.
    @Suite struct DesyncTests {
        struct Probe: Sendable, CustomTestStringConvertible {
            let row: String
            let name: String
            let text: String
            var testDescription: String { "\(self.row) \(self.name)" }

            init(_ row: String, _ name: String, _ text: String) {
                self.row = row
                self.name = name
                self.text = text
            }
        }

        /// What must never be served as a request: it stands in bodies only.
        private static let hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n"

        private static func post(_ target: String, host: String = "a.example", _ fields: String..., body: String)
            -> String
        {
            "POST \(target) HTTP/1.1\r\nHost: \(host)\r\n" + fields.map { "\($0)\r\n" }.joined() + "\r\n" + body
        }

        /// A body that chunks end before `tail`, and the length of all of it.
        private static func clte(_ tail: String) -> (length: Int, body: String) {
            let body = "0\r\n\r\n\(tail)"
            return (body.utf8.count, body)
        }

        static let probes: [Probe] = {
            let (length, body) = clte(hidden)
            let chunk = "\(String(hidden.utf8.count, radix: 16))\r\n\(hidden)\r\n0\r\n\r\n"
            let te = "Transfer-Encoding: chunked"
            let size = "Content-Length: \(hidden.utf8.count)"
            return [
                Probe("F1", "CL.TE", post("/", "Content-Length: \(length)", te, body: body)),
                Probe("F1", "CL.TE, a letter", post("/", "Content-Length: 6", te, body: "0\r\n\r\nG")),
                Probe("F2", "TE.CL", post("/", "Content-Length: 4", te, body: chunk)),
                Probe("F2", "TE.CL, other order", post("/", te, "Content-Length: 4", body: chunk)),
                Probe("F3", "tab", post("/", "Content-Length: 4", "Transfer-Encoding:\tchunked", body: chunk)),
                Probe(
                    "F3", "xchunked", post("/", "Content-Length: \(length)", "Transfer-Encoding: xchunked", body: body)),
                Probe("F3", "two", post("/", "Content-Length: 4", te, "Transfer-Encoding: cow", body: chunk)),
                Probe("F3", "space", post("/", "Content-Length: 4", "Transfer-Encoding : chunked", body: chunk)),
                Probe(
                    "F3", "line feed", post("/", "Content-Length: 4", "X: y\nTransfer-Encoding: chunked", body: chunk)),
                Probe("F3", "folded", post("/", "Content-Length: 4", "Transfer-Encoding:\r\n chunked", body: chunk)),
                Probe("F3", "underscore", post("/", size, "Transfer_Encoding: chunked", body: hidden)),
                Probe("F4", "CL.0 at 404", post("/x", host: "nobody.example", size, body: hidden)),
                Probe("F4", "CL.0 at a redirect", post("/x", host: "redirect.example", size, body: hidden)),
                Probe("F4", "CL.0 at 503", post("/x", host: "unserved.example", size, body: hidden)),
                Probe("F4", "CL.0 at 413", post("/x", host: "small.example", size, body: hidden)),
                Probe("F4", "CL.0 by GET", "GET / HTTP/1.1\r\nHost: a.example\r\n\(size)\r\n\r\n\(hidden)"),
                Probe("F4", "CL.0 by HEAD", "HEAD / HTTP/1.1\r\nHost: a.example\r\n\(size)\r\n\r\n\(hidden)"),
                Probe("F5", "0.CL", post("/", "Content-Length:\r\n \(hidden.utf8.count)", body: hidden)),
                Probe("F5", "0.CL, a word", post("/", "Content-Length: \(hidden.utf8.count) x", body: hidden)),
                Probe("F5", "early answer", post("/early", size, body: hidden)),
                Probe("F5", "early answer, chunked", post("/early", te, body: chunk)),
                Probe("F5", "early answer and close", post("/early-close", size, body: hidden)),
                Probe("F6", "Expect: unknown", post("/", "Expect: 200-ok", size, body: hidden)),
                Probe("F6", "Expect: with more", post("/", "Expect: y 100-continue", size, body: hidden)),
                Probe("F6", "Expect: twice", post("/", "Expect: 100-continue", "Expect: x", size, body: hidden)),
                Probe("F6", "Expect: and the body at once", post("/", "Expect: 100-continue", size, body: hidden)),
                Probe(
                    "F6", "Expect: at 404",
                    post("/", host: "nobody.example", "Expect: 100-continue", size, body: hidden)),
                Probe("F6", "Expect: early answer", post("/early", "Expect: 100-continue", size, body: hidden)),
                Probe(
                    "F7", "a body that a browser may send", post("/", "Content-Type: text/plain", size, body: hidden)),
                Probe("F9", "TERM.EXT", post("/", te, body: "2;\nxx\r\n0\r\n\r\n\(hidden)")),
                Probe("F9", "EXT.TERM", post("/", te, body: "2;\rxx\r\n0\r\n\r\n\(hidden)")),
                Probe("F9", "SPILL", post("/", te, body: "5\r\nAAAAAXX1\r\n\(hidden)\r\n0\r\n\r\n")),
                Probe("F9", "short size", post("/", te, body: "1\r\nAB\r\n0\r\n\r\n\(hidden)")),
            ]
        }()

        @Test(arguments: DesyncTests.probes)
        func `F1 to F9 a probe, and then a normal request on each of two connections`(probe: Probe) throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script("/early", [.answerWith(403, [])])
            backend.script("/early-close", [.answerWith(403, []), .finishSending, .awaitBody, .close])
            var small = ingress("small", [.init("small.example", [.prefix("/", .to("a"))])], ["proxy-body-size": "10"])
            small.namespace = "default"
            let rules = [
                ingress(
                    "redirect", [.init("redirect.example", [.prefix("/", .to("a"))])], ["force-ssl-redirect": "true"]),
                ingress("unserved", [.init("unserved.example", [.prefix("/", .to("nobody"))])]), small,
            ]
            try scene.with("desync", rules) {
                let conversation = try scene.connect()
                let own = HTTPRequest("GET", freshTarget(), host: "a.example")
                // The probe and the next request in one, as an attacker has it.
                try? conversation.send(probe.text + own.text)
                let method = probe.text.hasPrefix("HEAD") ? "HEAD" : "POST"
                let first = try conversation.response(to: method)
                if first.closes {
                    #expect(conversation.isClosed(within: .seconds(8)))
                } else if let second = try? conversation.response() {
                    #expect(second.echoed?.target == own.target, "\(probe.testDescription): \(first), \(second)")
                    expectOwnAnswer(conversation, probe.testDescription)
                }
                // Pooled connections of both workers.
                for _ in 0..<4 { expectOwnAnswer(try scene.connect(), probe.testDescription) }
                #expect(!backend.targets.contains("/hidden"), "\(probe.testDescription)")
                #expect(backend.records.allSatisfy { $0.fault == nil || $0.end != nil })
            }
        }

        // MARK: - Backends

        struct Hostile: Sendable, CustomTestStringConvertible {
            let row: String
            let name: String
            let steps: [HTTPBackend.Step]
            /// What the client may be told. nil: that the answer is broken off.
            let statuses: [Int?]
            let method: String
            var testDescription: String { "\(self.row) \(self.name)" }

            init(_ row: String, _ name: String, _ text: String, _ statuses: [Int?], method: String = "GET") {
                self.init(row, name, [.text(text)], statuses, method: method)
            }

            init(_ row: String, _ name: String, _ steps: [HTTPBackend.Step], _ statuses: [Int?], method: String = "GET")
            {
                self.row = row
                self.name = name
                self.steps = steps
                self.statuses = statuses
                self.method = method
            }
        }

        /// What must never be taken for an answer.
        private static let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Backend: evil\r\n\r\npoison"

        static let hostile: [Hostile] = {
            let ok = "HTTP/1.1 200 OK\r\n"
            let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            return [
                Hostile("F11", "HEAD with a body", "\(ok)Content-Length: 6\r\n\r\npoison", [200, 502], method: "HEAD"),
                Hostile(
                    "F11", "HEAD with an answer for a body", "\(ok)Content-Length: 3\r\n\r\n\(poison)", [200, 502],
                    method: "HEAD"),
                Hostile("F11", "204 with a body", "HTTP/1.1 204 No Content\r\n\r\n\(poison)", [204, 502]),
                Hostile("F11", "304 with a body", "HTTP/1.1 304 Not Modified\r\n\r\n\(poison)", [304, 502]),
                Hostile("F12", "bare line feed in a field", "\(ok)X: a\nY: b\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile(
                    "F12", "bare carriage return in a field", "\(ok)X: a\rY: b\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile("F12", "NUL in a field", "\(ok)X: a\0b\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile("F12", "folded", "\(ok)X: a\r\n b\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile("F12", "space before the colon", "\(ok)Content-Length : 6\r\n\r\n", [502]),
                Hostile("F12", "no status line", "hello\r\n\r\n", [502]),
                Hostile("F12", "status 99", "HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile("F12", "HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", [502]),
                Hostile(
                    "F12", "101 that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\(poison)", [502]),
                Hostile(
                    "F12", "10,000 interim answers",
                    [.flood(Array(interim.utf8), 10_000), .answer], [200, 502]),
                Hostile("F12", "fields of 1 MB", "\(ok)X: \(String(repeating: "x", count: 1 << 20))\r\n\r\n", [502]),
                Hostile(
                    "F12", "1000 fields",
                    ok + (0..<1000).map { "X-\($0): y\r\n" }.joined() + "Content-Length: 0\r\n\r\n", [502]),
                Hostile(
                    "F13", "Content-Length and chunked",
                    "\(ok)Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(poison)", [502]),
                Hostile(
                    "F13", "two lengths", "\(ok)Content-Length: 0\r\nContent-Length: 6\r\n\r\npoison", [502]),
                Hostile("F13", "odd length", "\(ok)Content-Length: +6\r\n\r\npoison", [502]),
                Hostile("F13", "odd coding", "\(ok)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [502]),
                Hostile("F13", "bytes behind the body", "\(ok)Content-Length: 2\r\n\r\nok\(poison)", [200]),
                Hostile(
                    "F13", "bytes behind the chunks",
                    "\(ok)Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\(poison)", [200]),
                Hostile("F13", "an answer behind none", "\(ok)Content-Length: 0\r\n\r\n\(poison)", [200]),
                Hostile(
                    "F13", "bytes behind the body, later",
                    [.text("\(ok)Content-Length: 2\r\n\r\nok"), .wait(.milliseconds(50)), .text(poison)], [200]),
                Hostile(
                    "F13", "broken chunks", "\(ok)Transfer-Encoding: chunked\r\n\r\n5\r\nhello!!\r\n0\r\n\r\n",
                    [nil, 502]),
                Hostile(
                    "F13", "chunk without end",
                    [.text("\(ok)Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), .close], [nil]),
                Hostile("F13", "less than it said", [.text("\(ok)Content-Length: 9\r\n\r\nhello"), .close], [nil]),
                Hostile(
                    "F13", "a reset in the middle",
                    [.text("\(ok)Content-Length: 9\r\n\r\nhello"), .wait(.milliseconds(50)), .reset], [nil]),
            ]
        }()

        @Test(arguments: DesyncTests.hostile)
        func `F11 to F13 what a hostile backend says harms its own request alone`(test: Hostile) throws {
            let scene = try Stage.scene
            // One that fails is left out for a while: none of the others' is to be that one.
            let name = "hostile-\(freshTarget("").filter(\.isNumber))"
            let backend = try scene.backend(name)
            backend.script("/hostile", test.steps)
            let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])])
            try scene.with("hostile", try scene.service(name) + [rules]) {
                let conversation = try scene.connect()
                try conversation.send(HTTPRequest(test.method, "/hostile", host: "\(name).test").bytes)
                // Broken off: the strict reader has no whole answer.
                let response = try? conversation.response(to: test.method)
                #expect(
                    test.statuses.contains(response?.status), "\(test.testDescription): \(String(describing: response))"
                )
                #expect(response?.backend != "evil" && response?.text.contains("poison") != true)
                pause(.milliseconds(80))
                // The client's connection, if it goes on, and those to the backend are clean.
                if let response, !response.closes {
                    expectOwnAnswer(conversation, test.testDescription, host: "\(name).test")
                }
                for _ in 0..<4 { expectOwnAnswer(try scene.connect(), test.testDescription, host: "\(name).test") }
                let first = backend.records[0]
                #expect(
                    first.targets == ["/hostile"] || test.name.contains("interim"), "its connection is not used again")
            }
        }

        /// The backend has answered without reading the body, which then must not be taken for its next request.
        @Test(arguments: ["Expect: 100-continue", "X: y"])
        func `F6 a body that was never sent does not swallow the next request`(field: String) throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script("/unread", [.answerWith(401, [])])
            for _ in 0..<4 {
                let conversation = try scene.connect()
                try conversation.send(
                    "POST /unread HTTP/1.1\r\nHost: a.example\r\n\(field)\r\nContent-Length: 500\r\n\r\n")
                #expect(try conversation.response(to: "POST").status == 401)
                conversation.close()
                for _ in 0..<4 { expectOwnAnswer(try scene.connect(), field) }
            }
        }

        @Test func `F8 a pause between head and body changes nothing`() throws {
            let scene = try Stage.scene
            for body in [Self.hidden, "0\r\n\r\n\(Self.hidden)"] {
                let conversation = try scene.connect()
                try conversation.send(
                    "POST /paused HTTP/1.1\r\nHost: a.example\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
                pause(.milliseconds(300))
                expectOwnAnswer(try scene.connect(), "during the pause")
                try conversation.send(body)
                #expect(try conversation.response(to: "POST")["X-Body-Length"] == "\(body.utf8.count)")
                expectOwnAnswer(conversation, "after the pause")
                #expect(try !scene.backend("a").targets.contains("/hidden"))
            }
        }
    }
}
