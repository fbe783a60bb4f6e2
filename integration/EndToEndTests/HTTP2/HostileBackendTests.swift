import Lab
import Linux
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules Y: answers of h2c backends that are none, or that would become others in HTTP/1.1.
    @Suite struct HostileBackendTests {
        struct Answer: Sendable, CustomTestStringConvertible {
            let name: String
            let steps: [HTTP2Backend.Step]
            /// Whether a client may have seen the beginning of it.
            var begins = false

            var testDescription: String { self.name }

            init(_ name: String, begins: Bool = false, _ steps: HTTP2Backend.Step...) {
                self.name = name
                self.steps = [.awaitBody] + steps
                self.begins = begins
            }

            /// A head that may be none, and a body.
            static func head(_ name: String, _ fields: KeyValuePairs<String, String>) -> Answer {
                let list = fields.map { HPACKField.literal($0.key, $0.value) }
                return Answer(
                    name,
                    .frames {
                        [.headers(HPACKEncoder.encode(list), on: $0, ends: false), .data([120], on: $0, ends: true)]
                    })
            }
        }

        static let answers: [Answer] = [
            .head("no :status", ["x": "y"]), .head(":status twice", [":status": "200", ":status": "200"]),
            .head(":status late", ["x": "y", ":status": "200"]), .head(":status of words", [":status": "OK"]),
            .head(":status 101", [":status": "101"]), .head(":status with a line", [":status": "200 OK\r\nx: y"]),
            .head("a pseudo-field of requests", [":status": "200", ":path": "/"]),
            .head("a capital", [":status": "200", "X-Y": "z"]),
            .head("a line break in a value", [":status": "200", "x": "y\r\nset-cookie: a=b"]),
            .head("a line feed in a value", [":status": "200", "x": "y\n\nHTTP/1.1 200 OK"]),
            .head("NUL in a value", [":status": "200", "x": "y\0"]),
            .head("a line break in a name", [":status": "200", "x\r\ny": "z"]),
            .head("a colon in a name", [":status": "200", "x:y": "z"]),
            .head("an empty name", [":status": "200", "": "z"]),
            .head("connection", [":status": "200", "connection": "close"]),
            .head("transfer-encoding", [":status": "200", "transfer-encoding": "chunked"]),
            .head("upgrade", [":status": "200", "upgrade": "websocket"]),
            .head("content-length of words", [":status": "200", "content-length": "+1"]),
            .head("two of content-length", [":status": "200", "content-length": "1", "content-length": "2"]),
            Answer("DATA before HEADERS", .frames { [.data([120], on: $0, ends: true)] }),
            Answer("nothing but interim answers", .head(103), .head(103), .frames { [.data([], on: $0, ends: true)] }),
            Answer("an interim answer that ends the stream", .head(103, ends: true)),
            Answer("a reset", .reset(.internalError)), Answer("the end of the connection", .close),
            Answer(
                "content-length greater than DATA", begins: true, .head(200, [HTTPField("content-length", "9")]),
                .text("x", ends: true)),
            Answer(
                "content-length less than DATA", begins: true, .head(200, [HTTPField("content-length", "1")]),
                .text("xyz", ends: true)),
            Answer(
                "a pseudo-field in trailers", begins: true, .head(200), .text("x"),
                .trailers([HTTPField(":status", "200")])),
            Answer(
                "a reset inside a body", begins: true, .head(200), .text("x"), .wait(.milliseconds(20)),
                .reset(.internalError)),
            Answer("an end inside a body", begins: true, .head(200), .text("x"), .wait(.milliseconds(20)), .close),
        ]

        @Test(arguments: answers)
        func `Y11 an answer that is none is 502, or cut where it has begun, to clients of both versions`(answer: Answer)
            throws
        {
            try withHTTP2Application("hostile", ["1"], ["proxy-next-upstream-tries": "1"]) { scene, pods in
                pods[0].script("/hostile", answer.steps)
                for method in ["GET", "POST"] {
                    let old = try scene.connect()
                    try old.send(HTTPRequest(method, "/hostile", host: "hostile.test", body: "x").bytes)
                    let text: String
                    if answer.begins {
                        // As much as one can tell: an error, or an answer that has no end.
                        let response = try? old.response(to: method)
                        #expect(response == nil || response?.status == 502, "\(response as Any)")
                        text = ""
                    } else {
                        let response = try old.response(to: method)
                        #expect(response.status == 502, "\(response)")
                        text = "\(response.fields) \(response.text)"
                    }
                    #expect(!text.contains("set-cookie") && !text.contains("x: y"))
                    let new = try scene.converse()
                    let stream = try new.open(HTTP2Request(method, "/hostile", authority: "hostile.test", body: "x"))
                    switch try new.verdict(on: stream) {
                    case .answered(let response): #expect(response.status == 502, "\(response)")
                    case .reset: #expect(answer.begins)
                    case .ended(let ending): Issue.record("\(ending)")
                    case .nothing: Issue.record("nothing came")
                    }
                    expectOwnAnswer(new, "after it", host: "hostile.test")
                    expectOwnAnswer(try scene.connect(), "after it", host: "hostile.test")
                }
            }
        }
    }
}
