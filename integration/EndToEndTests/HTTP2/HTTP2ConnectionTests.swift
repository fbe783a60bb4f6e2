import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: what belongs to a client's connection, and what to one of its streams.
    @Suite struct HTTP2ConnectionTests {
        @Test func `C28 ALPN: h2 where it is offered, HTTP/1.1 where that alone is, and without it`() throws {
            let scene = try Stage.scene
            for (offer, expected) in [
                ("h2,http/1.1", "h2"), ("h2", "h2"), ("http/1.1,h2", "h2"), ("http/1.1", "http/1.1"),
            ] {
                let shown = try scene.host.handshake(with: IngressScene.https, name: "a.example", ["-alpn", offer])
                #expect(shown.succeeded && shown.protocolName == expected, "\(offer): \(shown.protocolName as Any)")
            }
            #expect(try scene.host.handshake(with: IngressScene.https, name: "a.example").protocolName == nil)
            #expect(try scene.fetch("https://a.example/").status == 200)
            let conversation = try scene.converseSecurely(name: "a.example")
            for _ in 0..<3 {
                let request = HTTP2Request("GET", freshTarget(), authority: "a.example", scheme: "https")
                let response = try conversation.exchange(request)
                #expect(response.echoed?["x-forwarded-proto"] == "https" && response.echoed?.target == request.path)
            }
            // Who agreed on HTTP/1.1 does not get HTTP/2 by saying its preface.
            let other = try scene.host.converseByHTTPS(
                with: IngressScene.https, name: "a.example", ["-alpn", "http/1.1"])
            try other.send(HTTP2Frame.preface + HTTP2Frame.settings([]).bytes)
            let said = other.available(within: .seconds(5))
            #expect(said.isEmpty || String(decoding: said, as: UTF8.self).hasPrefix("HTTP/1.1 505 "))
        }

        @Test func `C29 421 where another name in SNI would get by client certificates`() throws {
            let scene = try Stage.scene
            let authority = try Certificate.selfSigned(for: ["clients.test"], isAuthority: true)
            let client = try authority.issue(for: ["somebody.test"])
            var guarded = ingress(
                "c29", [.init("guarded.c29.test", [.prefix("/", .to("b"))])],
                ["auth-tls-secret": "default/c29-clients", "auth-tls-verify-client": "on"])
            guarded.tls = [.init(["guarded.c29.test"], secret: "c29")]
            var open = ingress(
                "c29-open",
                ["one", "two"].map { .init("\($0).c29.test", [.prefix("/", .to("a"))]) })
            open.tls = [.init(["one.c29.test", "two.c29.test"], secret: "c29")]
            let clients = SecretManifest("c29-clients", data: ["ca.crt": Array(authority.certificate.utf8)])
            let objects: [any Manifest] = [
                SecretManifest("c29", try Certificate.selfSigned(for: ["*.c29.test"])), clients, guarded, open,
            ]
            try scene.with("c29", objects) {
                let pair = try scene.file("client29.pem", client.certificate + client.key)
                let before = try scene.backend("b").targets.count
                for options in [[], ["-cert", pair]] {
                    let conversation = try scene.converseSecurely(name: "one.c29.test", options)
                    func ask(_ host: String) throws -> Int {
                        try conversation.exchange(HTTP2Request(authority: host, scheme: "https")).status
                    }
                    // A browser puts requests for all names of a certificate on one connection (RFC 9113 section
                    // 9.1.1).
                    #expect(try ask("one.c29.test") == 200)
                    #expect(try ask("two.c29.test") == 200)
                    #expect(try ask("guarded.c29.test") == 421)
                    #expect(try ask("nobody.c29.test") == 404)
                    #expect(try ask("one.c29.test") == 200, "the connection goes on")
                }
                #expect(try scene.backend("b").targets.count == before)
                let proper = try scene.converseSecurely(name: "guarded.c29.test", ["-cert", pair])
                #expect(try proper.exchange(HTTP2Request(authority: "guarded.c29.test", scheme: "https")).status == 200)
            }
        }

        @Test func `C30 what is too large is refused on its stream: 431, 414, 413`() throws {
            try withApplication("sized", ["1"], ["proxy-body-size": "1k"]) { scene, pods in
                let conversation = try scene.converse()
                func expect(_ status: Int, _ request: HTTP2Request, _ what: String) throws {
                    switch try conversation.verdict(on: try conversation.open(request)) {
                    case .answered(let response): #expect(response.status == status, "\(what): \(response)")
                    // RFC 9113 section 8.1.1: the rest of a body that nobody wants.
                    case .reset(let code): #expect(status == 413 && code == .noError, "\(what): \(code)")
                    case .ended(let ending): Issue.record("\(what): \(ending)")
                    case .nothing: Issue.record("\(what): nothing came")
                    }
                    expectOwnAnswer(conversation, what)
                }
                let long = String(repeating: "x", count: 20_000)
                try expect(431, HTTP2Request(authority: "sized.test", ["x-long": long]), "a long field")
                try expect(414, HTTP2Request("GET", "/\(long)", authority: "sized.test"), "a long path")
                var many = HTTP2Request(authority: "sized.test")
                many.fields = (0..<500).map { HTTPField("x-\($0)", "y") }
                try expect(431, many, "many fields")
                let before = pods[0].requests
                let body = String(repeating: "x", count: 1025)
                try expect(
                    413, HTTP2Request("POST", authority: "sized.test", ["content-length": "1025"], body: body), "told")
                try expect(413, HTTP2Request("POST", authority: "sized.test", body: body), "untold")
                #expect(pods[0].requests == before, "no backend has had a whole request")
                let fits = HTTP2Request("POST", authority: "sized.test", body: String(body.dropLast()))
                #expect(try conversation.exchange(fits)["x-body-length"] == "1024")
            }
        }

        @Test func `C31 a stream goes on while its route and its endpoint go, and the next finds what is new`() throws {
            try withHTTP2Application("changing", ["1"]) { scene, pods in
                pods[0].script("/long", [.head(200), .text("a"), .wait(.seconds(1)), .text("b", ends: true)])
                let conversation = try scene.converse()
                let stream = try conversation.open(HTTP2Request("GET", "/long", authority: "changing.test"))
                #expect(try conversation.read(1, on: stream) == Array("a".utf8))
                let other = try scene.http2Backend("changing-2")
                let rules = ingress("changing", [.init("changing.test", [.prefix("/", .to("changing"))])])
                try scene.put("changing", scene.http2Service("changing", on: [other]) + [rules])
                for _ in 0..<5 {
                    let response = try conversation.exchange(HTTP2Request(authority: "changing.test"))
                    #expect(response.backend == "changing-2")
                }
                #expect(try conversation.response(on: stream).text == "b")
            }
        }
    }
}

extension EndToEnd.HTTP2.Hurried {
    @Suite struct HTTP2TimeoutTests {
        @Test func `C32 an idle connection ends by GOAWAY, one with a stream does not`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/long", [.wait(.seconds(3)), .answer])
            let idle = try scene.converse()
            expectOwnAnswer(idle, "at first")
            let busy = try scene.converse()
            let stream = try busy.open(HTTP2Request("GET", "/long", authority: "a.example"))
            let start = ContinuousClock.now
            let ending = idle.ending(within: .seconds(6))
            #expect(ending.goAway == .noError && ending.isClosed, "\(ending)")
            #expect(ContinuousClock.now - start > .milliseconds(700))
            #expect(try busy.response(on: stream).status == 200)
        }

        @Test func `C33 who is slow with a head loses the connection, who is slow with a body its stream`() throws {
            let scene = try Stage.scene
            let slow = try scene.converse()
            let block = HPACKEncoder.encode(HTTP2Case.pseudo())
            try slow.send(.headers(Array(block.prefix(10)), on: 1, endsHeaders: false))
            #expect(slow.ending(within: .seconds(6)).isClosed)
            let silent = try scene.converse(greets: false)
            #expect(silent.ending(within: .seconds(6)).isClosed)
            let conversation = try scene.converse()
            let stream = try conversation.open(HTTP2Request("POST", "/", authority: "a.example"), ends: false)
            try conversation.send([1], on: stream)
            let end = ContinuousClock.now + .seconds(3)
            // Others on the connection do not keep it alive.
            while ContinuousClock.now < end {
                expectOwnAnswer(conversation, "beside it", host: "b.example")
                pause(.milliseconds(100))
            }
            switch try conversation.verdict(on: stream, within: .seconds(3)) {
            case .answered(let response): #expect(response.status == 408, "\(response)")
            case .reset: break
            case .ended(let ending): Issue.record("\(ending)")
            case .nothing: Issue.record("nothing came")
            }
            expectOwnAnswer(conversation, "after it")
        }
    }
}

extension EndToEnd.HTTP2 {
    /// Each with a Fairlead of its own.
    @Suite struct HTTP2ProcessTests {
        private static func with(_ options: [String], _ body: (IngressScene) throws -> Void) throws {
            let scene = try Stage.build(options)
            defer { scene.tearDown() }
            try body(scene)
        }

        @Test func `C34 SIGTERM: GOAWAY, what has begun is finished, and then the end`() throws {
            try Self.with([]) { scene in
                let backend = try scene.http2Backend("two")
                try scene.put(
                    "two",
                    scene.http2Service("two", on: [backend]) + [
                        ingress("two", [.init("two.test", [.prefix("/", .to("two"))])])
                    ])
                try scene.backend("a").script("/late", [.wait(.milliseconds(800)), .awaitBody, .answer])
                backend.script("/late", [.wait(.milliseconds(800)), .awaitBody, .answer])
                let busy = try scene.converse()
                let streams = try ["a.example", "two.test", "a.example"].map { host in
                    try busy.open(HTTP2Request("POST", "/late", authority: host, body: "own"))
                }
                let idle = try scene.converse()
                expectOwnAnswer(idle, "before")
                pause(.milliseconds(100))
                let start = ContinuousClock.now
                scene.fairlead.process.signal(15)
                #expect(try busy.goAway().errorCode == .noError)
                for stream in streams { #expect(try busy.response(on: stream)["x-body-length"] == "3") }
                let ending = idle.ending(within: .seconds(3))
                #expect(ending.goAway == .noError && ending.isClosed, "\(ending)")
                #expect(busy.ending(within: .seconds(3)).isClosed)
                #expect(
                    scene.fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(0), "\(scene.fairlead.log)")
                #expect(ContinuousClock.now - start < .seconds(8))
                // The endpoint was told, or at least not cut off in the middle.
                #expect(backend.requests.allSatisfy { $0.resetCode == nil } && backend.faults.isEmpty)
            }
        }

        @Test func `C35 after as many requests as one connection may have: GOAWAY, and none is lost`() throws {
            try Self.with(IngressOptions.requestsPerConnection(10)) { scene in
                var answered = 0
                for _ in 0..<5 {
                    let conversation = try scene.converse()
                    let streams = try (0..<10).map { _ in try conversation.open(HTTP2Request(authority: "a.example")) }
                    for stream in streams where try conversation.response(on: stream).status == 200 { answered += 1 }
                    let ending = conversation.ending(within: .seconds(5))
                    #expect(ending.goAway == .noError && ending.isClosed && ending.lastStream ?? 0 >= 19, "\(ending)")
                }
                #expect(answered == 50)
            }
        }
    }
}
