import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules M: messages that two programs could read in two ways. Raw bytes go in; what the backend received proves that
    /// nothing came through that must not.
    @Suite struct MessageTests {
        typealias Case = MessageCase

        @Test(arguments: MessageTests.lengths)
        func `M1 to M4 Content-Length`(test: MessageCase) throws { try expectOutcome(of: test, on: Stage.scene) }

        @Test(arguments: MessageTests.codings)
        func `M5 to M9 Transfer-Encoding`(test: MessageCase) throws { try expectOutcome(of: test, on: Stage.scene) }

        @Test(arguments: MessageTests.chunks)
        func `M10 to M15 chunks and trailers`(test: MessageCase) throws { try expectOutcome(of: test, on: Stage.scene) }

        @Test(arguments: MessageTests.lines)
        func `M16 to M19 lines and fields`(test: MessageCase) throws { try expectOutcome(of: test, on: Stage.scene) }

        @Test(arguments: MessageTests.targets)
        func `M20 to M24 Host, targets, versions and methods`(test: MessageCase) throws {
            try expectOutcome(of: test, on: Stage.scene)
        }

        @Test(arguments: MessageTests.sizes)
        func `M25 sizes`(test: MessageCase) throws { try expectOutcome(of: test, on: Stage.scene) }

        @Test(arguments: MessageTests.connections)
        func `M26 to M28 what is for the connection alone, and unusual bodies`(test: MessageCase) throws {
            try expectOutcome(of: test, on: Stage.scene)
        }

        // MARK: - Lengths

        private static let chunkedBody = "5\r\nhello\r\n0\r\n\r\n"

        static let lengths: [Case] = {
            func wrong(_ value: String) -> Case {
                Case("M2", "Content-Length: \(value)", Case.post("Content-Length: \(value)") + "hello", .badRequest)
            }
            let once = MessageCase.Outcome.refusedOr([400]) { received in
                received.lowercased().split(separator: "content-length: 5\r\n").count == 2 && !received.contains("5,")
            }
            return [
                Case(
                    "M1", "Content-Length and chunked",
                    Case.post("Content-Length: 5", "Transfer-Encoding: chunked") + chunkedBody, .badRequest),
                Case(
                    "M1", "chunked and Content-Length",
                    Case.post("Transfer-Encoding: chunked", "Content-Length: 15") + chunkedBody, .badRequest),
                Case(
                    "M2", "two that differ", Case.post("Content-Length: 5", "Content-Length: 6") + "hello!", .badRequest
                ),
                wrong("5, 6"), wrong("+5"), wrong("-5"), wrong("0x5"), wrong(""), wrong("5 5"), wrong("5;"),
                wrong("5.0"),
                wrong("18446744073709551616"), wrong("99999999999999999999999"), wrong("5\u{b}"), wrong("\"5\""),
                Case("M3", "two the same", Case.post("Content-Length: 5", "Content-Length: 5") + "hello", once),
                Case("M3", "5, 5", Case.post("Content-Length: 5, 5") + "hello", once),
                Case("M4", "005", Case.post("Content-Length: 005") + "hello", .seen("Content-Length: 5\r\n")),
                Case("M4", "0000", Case.post("Content-Length: 0000"), .unseen("0000")),
            ]
        }()

        static let codings: [Case] = {
            func wrong(_ name: String, _ lines: String...) -> Case {
                let head = "POST / HTTP/1.1\r\nHost: a.example\r\n" + lines.map { "\($0)\r\n" }.joined() + "\r\n"
                return Case("M6", name, head + chunkedBody, .refused([400, 501]))
            }
            return [
                Case("M5", "Content-Length with a space", Case.post("Content-Length : 5") + "hello", .badRequest),
                Case("M5", "Content-Length with a tab", Case.post("Content-Length\t: 5") + "hello", .badRequest),
                Case(
                    "M5", "Transfer-Encoding with a space", Case.post("Transfer-Encoding : chunked") + chunkedBody,
                    .badRequest),
                wrong("xchunked", "Transfer-Encoding: xchunked"), wrong("identity", "Transfer-Encoding: identity"),
                wrong("chunked, gzip", "Transfer-Encoding: chunked, gzip"),
                wrong("gzip, chunked", "Transfer-Encoding: gzip, chunked"),
                wrong("chunked twice", "Transfer-Encoding: chunked, chunked"),
                wrong("vertical tab", "Transfer-Encoding: \u{b}chunked"),
                wrong("two fields", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
                wrong("two the same", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
                wrong("quoted", "Transfer-Encoding: \"chunked\""), wrong("empty", "Transfer-Encoding:"),
                wrong("with parameter", "Transfer-Encoding: chunked;q=1"),
                Case("M7", "folded", Case.post("Transfer-Encoding:\r\n chunked") + chunkedBody, .badRequest),
                Case("M7", "folded after", Case.post("Transfer-Encoding: chunked\r\n , x") + chunkedBody, .badRequest),
                Case(
                    "M8", "HTTP/1.0",
                    "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunkedBody,
                    .badRequest),
                Case(
                    "M9", "underscore", Case.post("Transfer_Encoding: chunked", "Content-Length: 5") + "hello",
                    .refusedOr([400]) { !$0.contains("Transfer_Encoding") }),
                Case(
                    "M9", "underscore of a length", Case.post("Content_Length: 7", "Content-Length: 5") + "hello",
                    .refusedOr([400]) { !$0.contains("Content_Length") }),
                Case(
                    "M6", "Chunked in capitals", Case.post("Transfer-Encoding: CHUNKED") + chunkedBody, .seen("hello")),
            ]
        }()

        // MARK: - Chunks

        static let chunks: [Case] = {
            func chunked(_ row: String, _ name: String, _ body: String, _ outcome: Case.Outcome) -> Case {
                Case(row, name, Case.post("Transfer-Encoding: chunked") + body, outcome)
            }
            let long = String(repeating: "x", count: 65536)
            return [
                chunked("M10", "size 0x5", "0x5\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "size -5", "-5\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "size +5", "+5\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "17 digits", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "16 digits", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "no size", "\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "size with a space before", " 5\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M10", "more than the size says", "5\r\nhello!\r\n0\r\n\r\n", .badBody),
                chunked("M10", "no line end behind the data", "5\r\nhello0\r\n\r\n", .badBody),
                chunked("M10", "bare carriage return behind the data", "5\r\nhello\r0\r\n\r\n", .badBody),
                chunked("M10", "bare line feed behind the data", "5\r\nhello\n0\r\n\r\n", .badBody),
                chunked("M11", "extension", "5;name=value\r\nhello\r\n0;last\r\n\r\n", .unseen("name=value", "last")),
                chunked("M11", "quoted extension", "5;n=\"v;w\"\r\nhello\r\n0\r\n\r\n", .unseen("v;w")),
                chunked("M12", "extension of 64 KB", "5;a=\(long)\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M12", "extension without end", "5;a=\(long)", .badBody),
                chunked("M13", "extension with a bare line feed", "5;a=b\nc\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M13", "extension with a bare carriage return", "5;a=b\rc\r\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M14", "size line ended by a line feed", "5\nhello\r\n0\r\n\r\n", .badBody),
                chunked("M14", "last size line ended by a line feed", "5\r\nhello\r\n0\n\r\n", .badBody),
                chunked("M14", "trailer section ended by a line feed", "5\r\nhello\r\n0\r\n\n", .badBody),
                chunked(
                    "M15", "trailers that no trailer may be",
                    "5\r\nhello\r\n0\r\nContent-Length: 7777777\r\nHost: evil\r\nAuthorization: secret\r\n"
                        + "Transfer-Encoding: odd\r\nX-Forwarded-For: 6.6.6.6\r\nX-Fine: yes\r\n\r\n",
                    .refusedOr([400]) { received in
                        ["7777777", "evil", "secret", "odd", "6.6.6.6"].allSatisfy { !received.contains($0) }
                    }),
            ]
        }()

        // MARK: - Lines and fields

        static let lines: [Case] = {
            func field(_ row: String, _ name: String, _ line: String) -> Case {
                Case(row, name, Case.get(line), .badRequest)
            }
            return [
                Case("M16", "all lines", "GET / HTTP/1.1\nHost: a.example\n\n", .badRequest),
                Case("M16", "request line", "GET / HTTP/1.1\nHost: a.example\r\n\r\n", .badRequest),
                Case("M16", "field line", "GET / HTTP/1.1\r\nHost: a.example\r\nX: y\nZ: w\r\n\r\n", .badRequest),
                Case("M16", "empty line", "GET / HTTP/1.1\r\nHost: a.example\r\n\n", .badRequest),
                field("M17", "bare carriage return in a value", "X: a\rb"),
                field("M17", "bare carriage return and a field", "X: a\rTransfer-Encoding: chunked"),
                field("M17", "NUL in a value", "X: a\0b"), field("M17", "other control characters", "X: a\u{1}b"),
                field("M17", "DEL in a value", "X: a\u{7f}b"),
                Case("M18", "NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: a.example\r\n\r\n", .badRequest),
                Case("M18", "%00 in the target", "GET /a%00b HTTP/1.1\r\nHost: a.example\r\n\r\n", .badRequest),
                field("M19", "folded", "X: a\r\n b"), field("M19", "folded with a tab", "X: a\r\n\tb"),
                Case(
                    "M19", "white space before the first field", "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n",
                    .badRequest),
                field("M19", "no colon", "X-Nothing"), field("M19", "empty name", ": value"),
                field("M19", "space in a name", "X Y: value"), field("M19", "odd character in a name", "X(Y): value"),
                field("M19", "NUL in a name", "X\0Y: value"),
            ]
        }()

        // MARK: - The request line

        static let targets: [Case] = {
            func target(_ row: String, _ name: String, _ target: String, _ outcome: Case.Outcome = .badRequest) -> Case
            {
                Case(row, name, "GET \(target) HTTP/1.1\r\nHost: a.example\r\n\r\n", outcome)
            }
            func host(_ name: String, _ lines: String) -> Case {
                Case("M20", name, "GET / HTTP/1.1\r\n\(lines)\r\n", .badRequest)
            }
            func version(_ name: String, _ line: String) -> Case {
                Case("M23", name, "\(line)\r\nHost: a.example\r\n\r\n", .refused([400, 505]))
            }
            func method(_ name: String, _ line: String) -> Case {
                Case("M24", name, "\(line) HTTP/1.1\r\nHost: a.example\r\n\r\n", .refused([405, 501, 400]))
            }
            return [
                host("none", ""), host("two", "Host: a.example\r\nHost: a.example\r\n"),
                host("two that differ", "Host: a.example\r\nHost: b.example\r\n"), host("slash", "Host: a/b\r\n"),
                host("user", "Host: u@a.example\r\n"), host("space", "Host: a.example b\r\n"),
                host("comma", "Host: a.example, b.example\r\n"), host("port that is none", "Host: a.example:8x\r\n"),
                Case(
                    "M21", "absolute target for another host",
                    "GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n",
                    .refusedOr([400]) { $0.contains("Host: a.example\r\n") && !$0.contains("b.example") }),
                target("M22", "space", "/a b"), target("M22", "non-ASCII", "/ä"), target("M22", "fragment", "/a#frag"),
                target("M22", "%zz", "/a%zz"), target("M22", "half an escape", "/a%2"), target("M22", "tab", "/a\tb"),
                target("M22", "no slash", "a"), target("M22", "two spaces", " /a"),
                Case("M23", "HTTP/0.9", "GET /\r\n", .refused([400, 505])), version("HTTP/1.2", "GET / HTTP/1.2"),
                version("HTTP/2.0", "GET / HTTP/2.0"), version("HTTP/3.0", "GET / HTTP/3.0"),
                version("small letters", "GET / http/1.1"), version("one digit", "GET / HTTP/1"),
                version("two digits", "GET / HTTP/1.10"), version("other protocol", "GET / HTTPS/1.1"),
                Case(
                    "M23", "what begins like HTTP/2 and goes on otherwise",
                    "PRI * HTTP/2.0\r\nHost: a.example\r\n\r\n", .refused([400, 505])),
                method("CONNECT", "CONNECT a.example:80"), method("CONNECT to a path", "CONNECT /"),
                method("TRACE", "TRACE /"), method("not a token", "GE(T /"), method("no method", " /"),
            ]
        }()

        static let sizes: [Case] = {
            let (kilobyte, letters) = (1024, "abcdefghijklmnopqrstuvwxyz")
            let long = String(repeating: "x", count: 100 * kilobyte)
            let many = (0..<1000).map { "X-\($0): \(letters)\r\n" }.joined()
            return [
                Case("M25", "field of 100 KB", Case.get("X: \(long)"), .refused([431])),
                Case("M25", "name of 100 KB", Case.get("\(long): x"), .refused([431])),
                Case("M25", "1000 fields", "GET / HTTP/1.1\r\nHost: a.example\r\n\(many)\r\n", .refused([431])),
                Case(
                    "M25", "target of 64 KB",
                    "GET /\(long.prefix(64 * kilobyte)) HTTP/1.1\r\nHost: a.example\r\n\r\n", .refused([414])),
                Case(
                    "M25", "method of 64 KB", "\(long.prefix(64 * kilobyte)) / HTTP/1.1\r\nHost: a.example\r\n\r\n",
                    .refused([400, 414, 501])),
                Case(
                    "M25", "head of 8 KB",
                    Case.get("X: \(long.prefix(4 * kilobyte))", "Y: \(long.prefix(3 * kilobyte))"),
                    .served),
                Case(
                    "M25", "target of 4 KB",
                    "GET /\(long.prefix(4 * kilobyte)) HTTP/1.1\r\nHost: a.example\r\n\r\n", .served),
            ]
        }()

        // MARK: - Connections and bodies

        static let connections: [Case] = {
            func body(_ method: String) -> Case {
                Case(
                    "M27", "\(method) with a body",
                    "\(method) / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
                    .refusedOr([400]) { $0.contains("Content-Length: 5\r\n") && $0.contains("\r\n\r\nhello") })
            }
            return [
                Case(
                    "M26", "Connection: X-Secret", Case.get("Connection: keep-alive, X-Secret", "X-Secret: gone"),
                    .unseen("gone")),
                Case(
                    "M26", "Connection: X-Forwarded-For", Case.get("Connection: X-Forwarded-For, X-Forwarded-Proto"),
                    .forwarded {
                        $0.contains("X-Forwarded-For: 127.0.0.1\r\n") && $0.contains("X-Forwarded-Proto: http\r\n")
                    }),
                Case(
                    "M26", "Connection: Host", Case.get("Connection: Host, Content-Length"),
                    .seen("Host: a.example\r\n")),
                Case(
                    "M26", "what is for one connection by its name",
                    Case.get(
                        "Keep-Alive: timeout=99", "Proxy-Connection: odd", "TE: gzip", "Proxy-Authorization: secret"),
                    .unseen("timeout=99", "odd", "gzip")),
                body("GET"), body("OPTIONS"), body("DELETE"), body("PROPFIND"),
                Case(
                    "M28", "Upgrade: h2c",
                    Case.get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
                    .unseen("h2c", "HTTP2-Settings", "AAMAAABk")),
            ]
        }()
    }
}
