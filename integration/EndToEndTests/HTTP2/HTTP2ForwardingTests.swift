import Lab
import Linux
import Networking
import Testing

enum HTTPVersion: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case one = "HTTP/1.1"
    case two = "HTTP/2"

    var testDescription: String { self.rawValue }
}

/// A client of one version in front of a backend of one version.
struct VersionPair: Sendable, CustomTestStringConvertible {
    let client: HTTPVersion
    let backend: HTTPVersion

    var testDescription: String { "\(self.client.rawValue) to \(self.backend.rawValue)" }

    static let all = HTTPVersion.allCases.flatMap { client in
        HTTPVersion.allCases.map { VersionPair(client: client, backend: $0) }
    }
}

/// A request that can be made in both versions.
private struct Question {
    var method = "GET"
    var path = "/"
    var fields: [HTTPField] = []
    /// In chunks, or DATA, of these.
    var pieces: [String] = []
    var trailers: [HTTPField] = []

    func ask(_ version: HTTPVersion, _ scene: IngressScene, host: String) throws -> HTTPResponse {
        switch version {
        case .one:
            let conversation = try scene.connect()
            var lines = self.fields.map(\.description)
            if !self.pieces.isEmpty { lines.append("Transfer-Encoding: chunked") }
            try conversation.send(HTTPRequest(self.method, self.path, host: host, lines).bytes)
            if !self.pieces.isEmpty {
                for piece in self.pieces {
                    try conversation.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
                }
                try conversation.send("0\r\n\(self.trailers.map { "\($0)\r\n" }.joined())\r\n")
            }
            let response = try conversation.response(to: self.method)
            expectOwnAnswer(conversation, "after \(self.path)", host: host)
            return response
        case .two:
            let conversation = try scene.converse()
            var request = HTTP2Request(self.method, self.path, authority: host)
            request.fields = self.fields.map { HTTPField($0.name.lowercased(), $0.value) }
            let stream = try conversation.open(request, ends: self.pieces.isEmpty)
            for (index, piece) in self.pieces.enumerated() {
                let ends = index == self.pieces.count - 1 && self.trailers.isEmpty
                try conversation.send(Array(piece.utf8), on: stream, ends: ends)
            }
            if !self.trailers.isEmpty { try conversation.sendTrailers(self.trailers, on: stream) }
            let response = try conversation.response(on: stream)
            expectOwnAnswer(conversation, "after \(self.path)", host: host)
            return response
        }
    }
}

extension EndToEnd.HTTP2.Shared {
    /// Rules C: what is said in one version is said in the other.
    @Suite struct HTTP2ForwardingTests {
        private static let megabyte = 1 << 20
        private static let piece = [UInt8](repeating: 120, count: 1 << 14)
        private static let trailer = HTTPField("x-checksum", "none")

        /// Both backends know the same paths.
        private static func script(_ backend: HTTPBackend) {
            backend.script(
                "/hints", [.text("HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"), .awaitBody, .answer])
            backend.script("/204", [.awaitBody, .text("HTTP/1.1 204 No Content\r\nx-own: 204\r\n\r\n")])
            backend.script(
                "/304", [.awaitBody, .text("HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\ncontent-length: 7\r\n\r\n")])
            backend.script(
                "/trailers",
                [
                    .awaitBody, .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                    .flood(Array("4000\r\n".utf8) + self.piece + [13, 10], self.megabyte / self.piece.count),
                    .text("0\r\nx-checksum: none\r\n\r\n"),
                ])
            backend.script(
                "/length",
                [
                    .awaitBody, .text("HTTP/1.1 200 OK\r\nContent-Length: \(self.megabyte)\r\n\r\n"),
                    .flood(self.piece, self.megabyte / self.piece.count),
                ])
            backend.script("/cookies", [.awaitBody, .answerWith(200, ["Set-Cookie: a=1", "Set-Cookie: b=2"])])
        }

        private static func script(_ backend: HTTP2Backend) {
            backend.script("/hints", [.head(103, [HTTPField("link", "</x>; rel=preload")]), .awaitBody, .answer])
            backend.script("/204", [.awaitBody, .head(204, [HTTPField("x-own", "204")], ends: true)])
            backend.script(
                "/304",
                [
                    .awaitBody,
                    .head(304, [HTTPField("etag", "\"x\""), HTTPField("content-length", "7")], ends: true),
                ])
            let pieces = (0..<self.megabyte / self.piece.count).map { _ in HTTP2Backend.Step.data(self.piece) }
            backend.script("/trailers", [.awaitBody, .head(200)] + pieces + [.trailers([self.trailer])])
            backend.script(
                "/length",
                [
                    .awaitBody, .head(200, [HTTPField("content-length", "\(self.megabyte)")]),
                    .flood(self.piece, self.megabyte / self.piece.count),
                ])
            backend.script(
                "/cookies",
                [.awaitBody, .answerWith(200, [HTTPField("set-cookie", "a=1"), HTTPField("set-cookie", "b=2")])])
        }

        private static func with(
            _ pair: VersionPair, _ body: (IngressScene, (Question) throws -> HTTPResponse) throws -> Void
        ) throws {
            let scene = try Stage.scene
            let objects: [any Manifest]
            switch pair.backend {
            case .one:
                Self.script(try scene.backend("pairs"))
                objects = try scene.service("pairs")
            case .two:
                let backend = try scene.http2Backend("pairs-two")
                Self.script(backend)
                objects = scene.http2Service("pairs", on: [backend])
            }
            let rules = ingress("pairs", [.init("pairs.test", [.prefix("/", .to("pairs"))])])
            try scene.with("pairs", objects + [rules]) {
                try body(scene) { try $0.ask(pair.client, scene, host: "pairs.test") }
            }
            let faults = try scene.http2Backend("pairs-two").faults + scene.backend("pairs").records.compactMap(\.fault)
            #expect(faults.isEmpty)
        }

        @Test(arguments: VersionPair.all)
        func `C5 heads: what is the client's gets through, what is the connection's does not`(pair: VersionPair) throws
        {
            try Self.with(pair) { scene, ask in
                let response = try ask(
                    Question(
                        path: "/x?y=1&z=%2F",
                        fields: [
                            HTTPField("X-Own", "1"), HTTPField("x-own", "2"), HTTPField("TE", "trailers"),
                            HTTPField("Accept", "*/*"),
                        ]
                            + (pair.client == .one
                                ? [HTTPField("Connection", "x-gone, te"), HTTPField("x-gone", "1")] : [])))
                let echoed = try #require(response.echoed, "\(response)")
                #expect(echoed.target == "/x?y=1&z=%2F" && echoed.method == "GET")
                #expect(echoed["x-own"] == "1 | 2" || echoed["x-own"] == "1, 2", "\(echoed)")
                #expect(echoed["host"] == "pairs.test" && echoed["accept"] == "*/*" && echoed["x-gone"] == nil)
                #expect(echoed["x-forwarded-for"] == "127.0.0.1" && echoed["x-forwarded-proto"] == "http", "\(echoed)")
                #expect(echoed["http2-settings"] == nil && echoed["upgrade"] == nil)
                // gRPC lives on it (gRPC over HTTP/2, "Requests").
                if pair.backend == .two { #expect(echoed["te"] == "trailers" || pair.client == .one, "\(echoed)") }
                #expect(response.fields.values("connection") == [] || pair.client == .one)
            }
        }

        @Test(arguments: VersionPair.all)
        func `C6 bodies: of a length and of none, a megabyte up and down, with trailers`(pair: VersionPair) throws {
            try Self.with(pair) { scene, ask in
                let pieces = (0..<64).map { _ in String(repeating: "x", count: 1 << 14) }
                let up = try ask(Question(method: "POST", path: "/up", pieces: pieces, trailers: [Self.trailer]))
                #expect(up.status == 200 && up["x-body-length"] == "\(Self.megabyte)", "\(up.fields)")
                if pair.backend == .two {
                    let request = try scene.http2Backend("pairs-two").requests.last { $0.path == "/up" }
                    #expect(request?.trailers == [Self.trailer] && request?["content-length"] == nil)
                }
                let fields = [HTTPField("Content-Length", "5")]
                if pair.client == .two {
                    let told = try ask(Question(method: "POST", path: "/told", fields: fields, pieces: ["12", "345"]))
                    #expect(told["x-body-length"] == "5" && told.echoed?["content-length"] == "5")
                } else {
                    let told = try scene.fetch("http://pairs.test/told", method: "POST", body: "12345")
                    #expect(told["x-body-length"] == "5" && told.echoed?["content-length"] == "5")
                }
                let down = try ask(Question(path: "/trailers", fields: [HTTPField("TE", "trailers")]))
                #expect(down.bodyLength == Self.megabyte && down["content-length"] == nil)
                #expect(down.trailers.values("x-checksum") == ["none"], "\(down.trailers)")
                let length = try ask(Question(path: "/length"))
                #expect(length.bodyLength == Self.megabyte && length["content-length"] == "\(Self.megabyte)")
            }
        }

        @Test(arguments: VersionPair.all)
        func `C7 HEAD, 204, 304 and 1xx`(pair: VersionPair) throws {
            try Self.with(pair) { scene, ask in
                let head = try ask(Question(method: "HEAD", path: "/x"))
                #expect(head.status == 200 && head.bodyLength == 0 && Int(head["content-length"] ?? "0") ?? 0 > 0)
                let none = try ask(Question(path: "/204"))
                #expect(none.status == 204 && none["x-own"] == "204" && none["content-length"] == nil)
                let unmodified = try ask(Question(path: "/304"))
                #expect(unmodified.status == 304 && unmodified["etag"] == "\"x\"" && unmodified.bodyLength == 0)
                let hints = try ask(Question(path: "/hints"))
                #expect(hints.interim.map(\.status) == [103] && hints.status == 200, "\(hints)")
                #expect(hints.interim.first?["link"] == "</x>; rel=preload")
                let cookies = try ask(Question(path: "/cookies"))
                #expect(cookies.fields.values("set-cookie") == ["a=1", "b=2"])
            }
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C8 cookies in crumbs are one field to a backend of HTTP/1.1`(backend: HTTPVersion) throws {
            try Self.with(VersionPair(client: .two, backend: backend)) { scene, ask in
                let crumbs = ["a=1", "b=2; c=3", "d=4"].map { HTTPField("cookie", $0) }
                let response = try ask(Question(path: "/x", fields: crumbs))
                let cookie = try #require(response.echoed?["cookie"])
                let joined = cookie.split(separator: "|").map { $0.filter { $0 != " " } }.joined(separator: ";")
                #expect(joined == "a=1;b=2;c=3;d=4")
                if backend == .one { #expect(cookie == "a=1; b=2; c=3; d=4") }
            }
        }

        @Test func `C9 Expect: 100-continue is answered on the stream`() throws {
            let scene = try Stage.scene
            let conversation = try scene.converse()
            let request = HTTP2Request("POST", freshTarget(), authority: "a.example", ["expect": "100-continue"])
            let stream = try conversation.open(request, ends: false)
            #expect(try conversation.interim(on: stream).map(\.status) == [100])
            try conversation.send([1, 2, 3], on: stream, ends: true)
            #expect(try conversation.response(on: stream)["x-body-length"] == "3")
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C10 who is slow holds up nobody on the same connection`(backend: HTTPVersion) throws {
            let pair = VersionPair(client: .two, backend: backend)
            try Self.with(pair) { scene, ask in
                try scene.backend("pairs").script("/late", [.wait(.milliseconds(600)), .awaitBody, .answer])
                try scene.http2Backend("pairs-two").script("/late", [.wait(.milliseconds(600)), .awaitBody, .answer])
                let conversation = try scene.converse()
                let late = try (0..<20).map { number in
                    try conversation.open(HTTP2Request("GET", "/late?\(number)", authority: "pairs.test"))
                }
                let start = ContinuousClock.now
                for number in 0..<20 {
                    let quick = try conversation.exchange(
                        HTTP2Request("GET", "/quick?\(number)", authority: "pairs.test"))
                    #expect(quick.echoed?.target == "/quick?\(number)")
                }
                #expect(ContinuousClock.now - start < .milliseconds(500))
                for (number, stream) in late.enumerated() {
                    #expect(try conversation.response(on: stream).echoed?.target == "/late?\(number)")
                }
            }
        }
    }
}
