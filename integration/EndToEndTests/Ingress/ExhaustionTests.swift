import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// Rule R8, which needs programs with limits of their own.
    @Suite struct ExhaustionTests {
        @Test func `R8 without descriptors it lives on, and serves again when there are some`() throws {
            let scene = try IngressScene(prefix: ["prlimit", "--nofile=400:400"])
            defer { scene.tearDown() }
            try scene.put(
                "web", try scene.service("a") + [ingress("a", [.init("a.example", [.prefix("/", .to("a"))])])])
            // More than there are descriptors for; those that come too late wait in the kernel.
            let idle = try (0..<300).map { _ in try scene.connect() }
            pause(.milliseconds(300))
            #expect(scene.fairlead.process.isRunning)
            #expect(
                try scene.page("/healthz", at: IngressScene.health).status == 200, "its own port is not the clients'")
            for conversation in idle { conversation.close(reset: true) }
            expectSoon("served again", within: .seconds(10)) {
                (try? scene.fetch("http://a.example/", timeout: .seconds(1)).status) == 200
            }
            for _ in 0..<20 { expectOwnAnswer(try scene.connect(), "after it") }
        }

        @Test func `R8 one address has as many connections as it may, and others have theirs`() throws {
            let scene = try IngressScene(["--workers", "1"] + IngressOptions.connectionsPerAddress(20))
            defer { scene.tearDown() }
            try scene.put(
                "web", try scene.service("a") + [ingress("a", [.init("a.example", [.prefix("/", .to("a"))])])])
            let greedy = try (0..<50).map { _ in try scene.connect(from: IPAddress(127, 5, 0, 1)) }
            let served = greedy.count { (try? $0.exchange(HTTPRequest("GET", "/", host: "a.example")).status) == 200 }
            #expect(served == 20)
            #expect(try scene.fetch("http://a.example/", from: IPAddress(127, 5, 0, 2)).status == 200)
            for conversation in greedy { conversation.close() }
            expectSoon("again", within: .seconds(5)) {
                (try? scene.fetch("http://a.example/", from: IPAddress(127, 5, 0, 1)).status) == 200
            }
        }
    }
}
