import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress.Hurried {
    /// Rules R: who wants to use up what there is. Memory stays bounded, and an innocent client is served as ever.
    @Suite struct AttackTests {
        /// Connections that say `text`, and then `drip` every now and then, until all are closed or `time` is over. Returns how many
        /// were closed.
        private static func hold(
            _ count: Int, on scene: IngressScene, _ text: String, drip: String, for time: Duration,
            receiveBuffer: Int? = nil
        ) throws -> Int {
            let conversations = try (0..<count).map { _ in
                let conversation = try scene.connect(receiveBuffer: receiveBuffer)
                try conversation.send(text)
                return conversation
            }
            let end = ContinuousClock.now + time
            var open = conversations
            while ContinuousClock.now < end, !open.isEmpty {
                pause(.milliseconds(200))
                open = open.filter { conversation in
                    if !drip.isEmpty { _ = conversation.offer(Array(drip.utf8), for: .milliseconds(1)) }
                    return !conversation.isClosed(within: .zero)
                }
            }
            for conversation in open { conversation.close(reset: true) }
            return count - open.count
        }

        @Test func `R1 slowloris: a byte of a head now and then`() throws {
            try Attack.expectHarmless("slowloris") { scene in
                let closed = try Self.hold(
                    1000, on: scene, "GET / HTTP/1.1\r\nHost: a.example\r\nX: ", drip: "x", for: .seconds(8))
                #expect(closed == 1000)
            }
        }

        @Test func `R2 slow POST: a byte of a body now and then`() throws {
            try Attack.expectHarmless("slow POST") { scene in
                let head = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\n"
                let closed = try Self.hold(300, on: scene, head, drip: "x", for: .seconds(8))
                #expect(closed == 300)
            }
        }

        @Test func `R3 slow read: answers that nobody takes`() throws {
            let piece = [UInt8](repeating: 120, count: 64 << 10)
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/huge", [.text("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"), .flood(piece, 1600)])
            try Attack.expectHarmless("slow read") { scene in
                let conversations = try (0..<200).map { _ in
                    let conversation = try scene.connect(receiveBuffer: 4 << 10)
                    try conversation.send(HTTPRequest("GET", "/huge", host: "a.example").bytes)
                    return conversation
                }
                pause(.seconds(3))
                for conversation in conversations { conversation.close(reset: true) }
            }
        }

        @Test func `R3 torrents: answers without end to who takes them as fast as they come`() throws {
            let piece = [UInt8](repeating: 120, count: 256 << 10)
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/torrent", [.text("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n"), .flood(piece, 1 << 20)])
            try Attack.expectHarmless("torrents") { scene in
                let download = "curl -s -m 2 -o /dev/null -H 'Host: a.example' http://\(IngressScene.http)/torrent & "
                _ = try scene.host.shell(String(repeating: download, count: 4) + "wait")
            }
        }

        @Test func `R4 bombs of fields, cookies and targets`() throws {
            let megabyte = [UInt8](repeating: 120, count: 1 << 20)
            let field = Array("X-Field: value\r\n".utf8)
            let fields = (0..<65536).flatMap { _ in field }
            try Attack.expectHarmless("bombs") { scene in
                for (start, more, statuses) in [
                    ("GET / HTTP/1.1\r\nHost: a.example\r\nX: ", megabyte, [431]),
                    ("GET / HTTP/1.1\r\nHost: a.example\r\nCookie: a=", megabyte, [431]),
                    ("GET /", megabyte, [414]), ("GET / HTTP/1.1\r\nHost: a.example\r\n", fields, [431]),
                    ("", megabyte, [400, 414, 431, 501]),
                ] {
                    for _ in 0..<5 {
                        let conversation = try scene.connect()
                        try conversation.send(start)
                        for _ in 0..<10 where conversation.offer(more, for: .milliseconds(200)) == more.count {}
                        #expect(statuses.contains(try conversation.response().status), "\(start)")
                        conversation.close(reset: true)
                    }
                }
            }
        }

        @Test func `R5 bombs of chunks`() throws {
            let head = "POST /bomb HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
            let ones = (0..<10_000).flatMap { _ in "1\r\nx\r\n".utf8 }
            let trailers = (0..<10_000).flatMap { _ in "X-Trailer: value\r\n".utf8 }
            let extensions = [UInt8](repeating: 120, count: 1 << 20)
            try Attack.expectHarmless("chunks") { scene in
                let dust = try scene.connect()
                try dust.send(head)
                for _ in 0..<20 { try dust.send(ones, timeout: .seconds(20)) }
                try dust.send("0\r\n\r\n")
                #expect(try dust.response(to: "POST", timeout: .seconds(20))["X-Body-Length"] == "200000")
                for (start, more) in [
                    ("8000000000000000\r\n", extensions), ("0\r\n", trailers), ("1;", extensions),
                    ("00000000000000000000000000000000000000", ones),
                ] {
                    let conversation = try scene.connect()
                    try conversation.send(head + start)
                    _ = conversation.offer(more, for: .milliseconds(500))
                    #expect(try conversation.response(to: "POST").status == 400, "\(start)")
                    conversation.close(reset: true)
                }
            }
        }

        @Test func `R6 a body without end meets its limit`() throws {
            let scene = try Stage.scene
            let rules = ingress(
                "limited", [.init("limited.test", [.prefix("/", .to("a"))])], ["proxy-body-size": "64k"])
            let backend = try scene.backend("a")
            try scene.with("limited", [rules]) {
                let completed = backend.requests
                try Attack.expectHarmless("bodies without end") { scene in
                    for _ in 0..<10 {
                        let conversation = try scene.connect()
                        try conversation.send(
                            "POST /limited HTTP/1.1\r\nHost: limited.test\r\nTransfer-Encoding: chunked\r\n\r\n")
                        let chunk = Array("8000\r\n".utf8) + [UInt8](repeating: 120, count: 0x8000) + [13, 10]
                        for _ in 0..<100 where conversation.offer(chunk, for: .milliseconds(100)) == chunk.count {}
                        #expect(try conversation.response(to: "POST").status == 413)
                        conversation.close(reset: true)
                    }
                }
                let isAborted = waitUntil(timeout: .seconds(5)) {
                    backend.records.filter { $0.targets.last == "/limited" }.allSatisfy { $0.end != nil }
                }
                #expect(isAborted && backend.requests == completed + 2, "only what came after has been whole")
            }
        }

        @Test func `R7 TLS: handshakes that are none, too many, or in the smallest pieces`() throws {
            try Attack.expectHarmless("handshakes") { scene in
                for text in [
                    "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", String(repeating: "\u{16}", count: 20_000),
                    "SSH-2.0\r\n",
                ] {
                    for _ in 0..<50 {
                        let conversation = try scene.connect(to: IngressScene.https)
                        try? conversation.send(text)
                        #expect(conversation.isClosed(within: .seconds(5)))
                    }
                }
                for _ in 0..<20 { _ = try scene.host.handshake(with: IngressScene.https, name: "a.example") }
                // Records of the smallest size that openssl makes.
                let small = try scene.host.converseByHTTPS(
                    with: IngressScene.https, name: "a.example", ["-max_send_frag", "512", "-split_send_frag", "512"])
                let long = HTTPRequest("GET", "/", host: "a.example", ["X: \(String(repeating: "x", count: 5000))"])
                #expect(try small.exchange(long).status == 200)
            }
        }

        @Test func `R7 renegotiation is refused, and nobody is asked for early data`() throws {
            let scene = try Stage.scene
            let handshake = try scene.host.handshake(with: IngressScene.https, name: "a.example", ["-tls1_3"])
            let early = handshake.text.split(separator: "\n").filter { $0.contains("Max Early Data:") }
            #expect(handshake.succeeded && early.allSatisfy { $0.hasSuffix(": 0") }, "\(early)")
            // With its commands on, s_client renegotiates on a line that begins with R.
            let output = try scene.host.shell(
                "(sleep 0.3; echo R; sleep 0.7) | timeout 5 openssl s_client -connect \(IngressScene.https) -servername a.example "
                    + "-tls1_2 2>&1 || true")
            #expect(output.contains("RENEGOTIATING") && output.contains("no renegotiation"), "\(output.suffix(600))")
        }

        @Test func `R9 headers of the PROXY protocol from strangers, in part, and huge`() throws {
            let signature = "\r\n\r\n\0\r\nQUIT\n"
            let huge = Array(signature.utf8) + [0x21, 0x11, 0xff, 0xff] + [UInt8](repeating: 0, count: 12)
            try Attack.expectHarmless("PROXY protocol") { scene in
                let before = try scene.backend("a").receivedBytes
                for text in ["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", signature] {
                    let stranger = try scene.connect(from: IngressScene.untrustedPeer)
                    try stranger.send(text + HTTPRequest("GET", "/", host: "a.example").text)
                    let said = String(decoding: try stranger.rest(), as: UTF8.self)
                    #expect(said.isEmpty || said.hasPrefix("HTTP/1.1 400 "), "\(said)")
                }
                for _ in 0..<50 {
                    let conversation = try scene.connect(from: IngressScene.proxyProtocolPeer)
                    try? conversation.send(huge)
                    _ = conversation.offer([UInt8](repeating: 4, count: 70_000), for: .milliseconds(20))
                    #expect(conversation.isClosed(within: .seconds(5)))
                }
                #expect(try scene.backend("a").receivedBytes == before)
            }
        }

        @Test func `R10 backends that never answer, or break off`() throws {
            let scene = try Stage.scene
            let pods = ["hopeless-1", "hopeless-2"]
            for name in pods {
                let backend = try scene.backend(name)
                backend.script("/never", [.hang])
                backend.script("/reset", [.reset])
                backend.script("/early", [.answerWith(200, ["X-Early: yes"]), .wait(.milliseconds(5)), .reset])
            }
            let rules = ingress(
                "hopeless", [.init("hopeless.test", [.prefix("/", .to("hopeless"))])],
                ["proxy-read-timeout": "200ms", "proxy-next-upstream-tries": "2"])
            try scene.with("hopeless", try scene.service("hopeless", on: pods) + [rules]) {
                try Attack.expectHarmless("hopeless backends") { scene in
                    for path in ["never", "reset", "never", "reset", "never", "reset"] {
                        let response = try scene.fetch("http://hopeless.test/\(path)")
                        #expect([502, 503, 504].contains(response.status), "\(response)")
                    }
                }
            }
        }

        @Test func `R11 manifests that nobody should write`() throws {
            let scene = try Stage.scene
            let host = "(a+)+$.*.(([^"
            let letters = String(repeating: "x", count: 1 << 20)
            var huge = ingress("r11-huge", [.init("huge.r11.test", [.prefix("/", .to("a"))])])
            huge.annotations["fairlead.dev/proxy-body-size"] = letters
            let pattern = ingress("r11-pattern", [.init("pattern.r11.test", [.free("/\(host)", .to("a"))])])
            let secret = SecretManifest(
                "r11", type: "kubernetes.io/tls",
                data: ["tls.crt": Array(letters.utf8), "tls.key": Array(letters.utf8)])
            var broken = ingress("r11-tls", [.init("tls.r11.test", [.prefix("/", .to("a"))])])
            broken.tls = [.init(["tls.r11.test"], secret: "r11")]
            // A debug build that plans 2,000 Ingresses anew takes one of two processors for itself.
            let floor: Duration = Attack.isFull ? .zero : .milliseconds(500)
            try Attack.expectHarmless("manifests", memory: 256 << 20, floor: floor) { scene in
                try scene.put("r11", [huge, pattern, secret, broken])
                try expectRoutes(scene, ["http://tls.r11.test/": "a", "http://a.example/": "a"])
                let many = (0..<2000).map { number in
                    ingress("r11-\(number)", [.init("host-\(number).r11.test", [.prefix("/x", .to("b"))])])
                }
                try scene.put("r11-many", many)
                try expectRoutes(
                    scene, ["http://host-0.r11.test/x": "b", "http://host-1999.r11.test/x/y": "b"])
                // 200 changes a second.
                for number in 0..<200 {
                    let path = IngressManifest.Path.exact("/\(number)", .to("a"))
                    try scene.folder.write("r11-flap.yaml", [ingress("r11-flap", [.init("flap.r11.test", [path])])])
                    pause(.milliseconds(5))
                }
                try scene.settle()
                try expectRoutes(scene, ["http://flap.r11.test/199": "a", "http://flap.r11.test/198": "404"])
            }
            for name in ["r11", "r11-many", "r11-flap"] { try scene.folder.remove("\(name).yaml") }
            try scene.settle()
        }
    }
}
