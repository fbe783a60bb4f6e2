import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Connections to endpoints: when a request may be sent again, and when not; who gets it.
    @Suite struct UpstreamTests {
        /// A host of one's own, `NAME.test`, and its backends, which have scripts and failures of their own.
        private static func with(
            _ name: String, _ pods: [String], _ annotations: [String: String] = [:],
            _ body: (_ scene: IngressScene, _ pods: [HTTPBackend]) throws -> Void
        ) throws {
            let scene = try Stage.scene
            let names = pods.map { "\(name)-\($0)" }
            let backends = try names.map { try scene.backend($0) }
            let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])], annotations)
            try scene.with(name, try scene.service(name, on: names) + [rules]) { try body(scene, backends) }
        }

        // MARK: - Again, or not

        @Test func `a pooled connection that the backend has closed is no client's error`() throws {
            try Self.with("pooled", ["1"]) { scene, pods in
                for method in ["GET", "POST"] {
                    for _ in 0..<20 {
                        let response = try scene.fetch("http://pooled.test/", method: method, body: "x")
                        #expect(response.status == 200, "\(method)")
                        pods[0].closeIdleConnections()
                    }
                }
            }
        }

        @Test func `one that closes on the next request without an answer is tried again on a new one`() throws {
            try Self.with("racing", ["1"]) { scene, pods in
                pods[0].script("/next", [.closeIfReused, .answer])
                for _ in 0..<10 {
                    let conversation = try scene.connect()
                    expectOwnAnswer(conversation, "first", host: "racing.test")
                    let response = try conversation.exchange(HTTPRequest("GET", "/next", host: "racing.test"))
                    #expect(response.status == 200 && response.upstreamRequest == 1, "\(response)")
                }
            }
        }

        @Test func `a GET that got no answer goes to another endpoint, a POST goes to one alone`() throws {
            try Self.with("again", ["bad", "good"]) { scene, pods in
                pods[0].script("/dies", [.awaitBody, .close])
                for _ in 0..<10 {
                    let response = try scene.fetch("http://again.test/dies")
                    #expect(response.backend == "again-good", "\(response)")
                }
                let bad = pods[0].requests
                let good = pods[1].requests
                let posts = try (0..<10).map { _ in
                    try scene.fetch("http://again.test/dies", method: "POST", body: "once").status
                }
                // Every one of them has been to exactly one endpoint.
                #expect(pods[0].requests - bad + pods[1].requests - good == posts.count)
                #expect(posts.count { $0 == 502 } == pods[0].requests - bad, "\(posts)")
                #expect(posts.allSatisfy { $0 == 502 || $0 == 200 })
            }
        }

        @Test func `once an answer has begun nothing is sent again`() throws {
            try Self.with("begun", ["1", "2"]) { scene, pods in
                for pod in pods {
                    pod.script(
                        "/begun",
                        [.text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .wait(.milliseconds(20)), .reset])
                }
                let conversation = try scene.connect()
                try conversation.send(HTTPRequest("GET", "/begun", host: "begun.test").bytes)
                #expect(throws: (any Error).self) { try conversation.response() }
                #expect(pods.map(\.targets.count).reduce(0, +) == 1)
            }
        }

        @Test func `an endpoint that refuses connections is passed by, whatever the method`() throws {
            try Self.with("refusing", ["1", "2", "3"]) { scene, pods in
                pods[0].refuse()
                for method in ["GET", "POST", "DELETE", "PATCH"] {
                    for _ in 0..<12 {
                        let response = try scene.fetch("http://refusing.test/", method: method, body: "x")
                        #expect(response.status == 200 && response.backend != "refusing-1", "\(method): \(response)")
                    }
                }
                for pod in pods { pod.refuse() }
                for pod in pods { pod.closeConnections() }
                let response = try scene.fetch("http://refusing.test/")
                #expect([502, 503].contains(response.status) && response["X-Fairlead-Reason"] != nil, "\(response)")
                for pod in pods { pod.listen() }
                try expectSoon("back again", within: .seconds(5)) {
                    try scene.fetch("http://refusing.test/").status == 200
                }
            }
        }

        @Test func `an endpoint that does not answer is 504 in time`() throws {
            let scene = try Stage.scene
            // Packets to neighbours of this address go nowhere.
            try scene.host.shell(
                """
                ip link add nowhere type veth peer name hole && ip address add 10.99.0.1/24 dev nowhere
                ip link set nowhere up && ip link set hole up
                ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:02 dev nowhere nud permanent
                """)
            defer { _ = try? scene.host.shell("ip link delete nowhere") }
            let silent = scene.service("silent", endpoints: [.init(IPAddress(10, 99, 0, 2))])
            let slow = try scene.backend("slow")
            slow.script("/hang", [.hang])
            slow.script("/dribble", [.text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .hang])
            let objects: [any Manifest] =
                try silent + scene.service("slow") + [
                    ingress(
                        "silent", [.init("silent.test", [.prefix("/", .to("silent"))])],
                        ["proxy-connect-timeout": "300ms", "proxy-next-upstream-tries": "1"]),
                    ingress(
                        "slow", [.init("slow.test", [.prefix("/", .to("slow"))])],
                        ["proxy-read-timeout": "300ms", "proxy-next-upstream-tries": "1"]),
                ]
            try scene.with("silent", objects) {
                for (url, limit) in [("http://silent.test/", "connect"), ("http://slow.test/hang", "read")] {
                    let start = ContinuousClock.now
                    let response = try scene.fetch(url)
                    let duration = ContinuousClock.now - start
                    #expect(response.status == 504 && response["X-Fairlead-Reason"] != nil, "\(limit): \(response)")
                    #expect(duration > .milliseconds(250) && duration < .seconds(5), "\(limit): \(duration)")
                }
                // One that has begun is cut.
                let conversation = try scene.connect()
                try conversation.send(HTTPRequest("GET", "/dribble", host: "slow.test").bytes)
                #expect(throws: (any Error).self) { try conversation.response() }
                // The time is between two reads, not of the whole.
                slow.script(
                    "/steady",
                    [.text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
                        + (0..<5).flatMap { _ in [HTTPBackend.Step.wait(.milliseconds(100)), .text("x")] })
                #expect(try scene.fetch("http://slow.test/steady").text == "xxxxx")
            }
        }

        // MARK: - Who

        @Test func `round robin goes round`() throws {
            try Self.with("rounds", ["1", "2", "3"], ["load-balance": "round_robin"]) { scene, pods in
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
            try Self.with("dice", ["1", "2", "3"], ["load-balance": "random"]) { scene, pods in
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
            try Self.with("least", ["busy", "idle"], ["load-balance": "least_requests"]) { scene, pods in
                pods[0].script("/work", [.hang])
                let clients = try (0..<80).map { _ in
                    let conversation = try scene.connect()
                    try conversation.send(HTTPRequest("GET", "/work", host: "least.test").bytes)
                    pause(.milliseconds(2))
                    return conversation
                }
                let isThere = waitUntil(timeout: .seconds(5)) { pods.map(\.targets.count).reduce(0, +) >= 80 }
                // Each worker finds out for itself, and may have to choose between equals before.
                #expect(isThere && pods[0].targets.count <= 8, "\(pods.map(\.targets.count))")
                for conversation in clients { conversation.close(reset: true) }
            }
        }

        @Test func `a cookie keeps a client on its endpoint, until that is gone`() throws {
            let annotations = ["affinity": "cookie", "session-cookie-name": "stick"]
            try Self.with("sticky", ["1", "2", "3"], annotations) { scene, pods in
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
            try Self.with("header", ["1", "2", "3"], annotations) { scene, pods in
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

        @Test func `a body that is too long is 413, at once where its length is told, else when that much has come`()
            throws
        {
            try Self.with("short", ["1"], ["proxy-body-size": "1k"]) { scene, pods in
                let fits = String(repeating: "x", count: 1024)
                #expect(try scene.fetch("http://short.test/", method: "POST", body: fits).status == 200)
                let before = pods[0].requests
                let told = try scene.connect()
                try told.send("POST / HTTP/1.1\r\nHost: short.test\r\nContent-Length: 1025\r\n\r\n")
                let early = try told.response(to: "POST")
                #expect(early.status == 413 && early.closes && early["X-Fairlead-Reason"] != nil)
                #expect(told.isClosed(within: .seconds(8)))
                // No 100 either.
                let expecting = try scene.connect()
                try expecting.send(
                    "POST / HTTP/1.1\r\nHost: short.test\r\nExpect: 100-continue\r\nContent-Length: 1025\r\n\r\n")
                #expect(try expecting.head().status == 413)
                let chunked = try scene.connect()
                try chunked.send("POST / HTTP/1.1\r\nHost: short.test\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<3 { try? chunked.send("200\r\n\(fits.prefix(512))\r\n") }
                #expect(try chunked.response(to: "POST").status == 413)
                #expect(pods[0].requests == before, "no backend has had a whole request")
                expectOwnAnswer(try scene.connect(), "after it", host: "short.test")
            }
        }
    }
}
