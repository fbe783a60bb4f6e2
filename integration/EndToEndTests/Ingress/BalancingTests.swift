import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Which endpoint a request goes to.
    @Suite struct BalancingTests {
        @Test func `round robin goes round`() throws {
            try withApplication("rounds", ["1", "2", "3"], ["load-balance": "round_robin"]) { scene, pods in
                let conversation = try scene.connect()
                var counts: [String: Int] = [:]
                for _ in 0..<30 {
                    let response = try conversation.exchange(HTTPRequest("GET", "/", host: "rounds.test"))
                    counts[response.backend ?? "", default: 0] += 1
                }
                #expect(counts == ["rounds-1": 10, "rounds-2": 10, "rounds-3": 10])
            }
        }

        @Test func `random reaches all, about equally often`() throws {
            try withApplication("dice", ["1", "2", "3"], ["load-balance": "random"]) { scene, pods in
                let conversation = try scene.connect()
                var counts: [String?: Int] = [:]
                for _ in 0..<300 {
                    counts[try conversation.exchange(HTTPRequest("GET", "/", host: "dice.test")).backend, default: 0] +=
                        1
                }
                // Two degrees of freedom: see the tests of the node role.
                expectSpread(counts, shares: ["dice-1": 1, "dice-2": 1, "dice-3": 1], "random")
            }
        }

        @Test func `least requests spares who is busy`() throws {
            try withApplication("least", ["busy", "idle"], ["load-balance": "least_requests"]) { scene, pods in
                pods[0].script("/work", [.hang])
                func taken() -> Int { pods.map(\.targets.count).reduce(0, +) }
                // Each once the one before is answered, or hangs: nobody finds the idle one busy, however slow it is.
                let clients = try (0..<80).map { _ in
                    let conversation = try scene.connect()
                    let (before, answered) = (taken(), pods[1].targets.count)
                    try conversation.send(HTTPRequest("GET", "/work", host: "least.test").bytes)
                    #expect(waitUntil(timeout: .seconds(5)) { taken() > before })
                    if pods[1].targets.count > answered { #expect(try conversation.response().status == 200) }
                    return conversation
                }
                // Each worker finds out for itself, and may have to choose between equals before.
                #expect(pods[0].targets.count <= 8, "\(pods.map(\.targets.count))")
                for conversation in clients { conversation.close(reset: true) }
            }
        }

        @Test func `a cookie keeps a client on its endpoint, until that is gone`() throws {
            let annotations = ["affinity": "cookie", "session-cookie-name": "stick"]
            try withApplication("sticky", ["1", "2", "3"], annotations) { scene, pods in
                var cookies: [String: String] = [:]
                for _ in 0..<60 {
                    let response = try scene.fetch("http://sticky.test/")
                    let cookie = try #require(response["Set-Cookie"])
                    #expect(cookie.hasPrefix("stick=") && cookie.contains("Path=/") && cookie.contains("HttpOnly"))
                    cookies[try #require(response.backend)] = String(cookie.prefix { $0 != ";" })
                }
                #expect(cookies.count == 3)
                for (backend, cookie) in cookies {
                    for _ in 0..<10 {
                        let response = try scene.fetch("http://sticky.test/", ["Cookie: a=b; \(cookie); c=d"])
                        // Once is enough.
                        #expect(response.backend == backend && response["Set-Cookie"] == nil)
                    }
                }
                // Nonsense is no cookie of ours.
                for value in ["stick=", "stick=zzzz", "stick=\(String(repeating: "f", count: 500))"] {
                    let response = try scene.fetch("http://sticky.test/", ["Cookie: \(value)"])
                    #expect(response.status == 200 && response["Set-Cookie"] != nil, "\(value)")
                }
                let rules = ingress("sticky", [.init("sticky.test", [.prefix("/", .to("sticky"))])], annotations)
                let left = ["sticky-2", "sticky-3"]
                try scene.put("sticky", try scene.service("sticky", on: left) + [rules])
                let orphan = try #require(cookies["sticky-1"])
                let moved = try scene.fetch("http://sticky.test/", ["Cookie: \(orphan)"])
                #expect(left.contains(moved.backend ?? "") && moved["Set-Cookie"] != nil)
                // Who was on the others stays there.
                for backend in left {
                    let cookie = try #require(cookies[backend])
                    #expect(try scene.fetch("http://sticky.test/", ["Cookie: \(cookie)"]).backend == backend)
                }
            }
        }

        @Test func `a header keeps its value on one endpoint`() throws {
            let annotations = ["affinity": "header", "affinity-header": "X-User"]
            try withApplication("header", ["1", "2", "3"], annotations) { scene, pods in
                var homes: [String: String] = [:]
                for user in (0..<30).map({ "user-\($0)" }) {
                    let backends = try Set(
                        (0..<4).map { _ in
                            try scene.fetch("http://header.test/", ["x-user: \(user)"]).backend
                        })
                    #expect(backends.count == 1, "\(user): \(backends)")
                    homes[user] = try #require(backends.first ?? nil)
                }
                #expect(Set(homes.values).count == 3)
                let rules = ingress("header", [.init("header.test", [.prefix("/", .to("header"))])], annotations)
                try scene.put("header", try scene.service("header", on: ["header-2", "header-3"]) + [rules])
                for (user, home) in homes where home != "header-1" {
                    #expect(try scene.fetch("http://header.test/", ["X-User: \(user)"]).backend == home, "\(user)")
                }
                // Without the header anybody will do.
                #expect(try scene.fetch("http://header.test/").status == 200)
            }
        }
    }
}
