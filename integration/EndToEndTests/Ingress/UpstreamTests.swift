import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Connections to endpoints: when a request may be sent again, and when not; who gets it.
    @Suite struct UpstreamTests {
        // MARK: - Again, or not

        @Test func `a pooled connection that the backend has closed is no client's error`() throws {
            try withApplication("pooled", ["1"]) { scene, pods in
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
            try withApplication("racing", ["1"]) { scene, pods in
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
            try withApplication("again", ["bad", "good"]) { scene, pods in
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
            try withApplication("begun", ["1", "2"]) { scene, pods in
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
            try withApplication("refusing", ["1", "2", "3"]) { scene, pods in
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

        @Test func `a body that is too long is 413, at once where its length is told, else when that much has come`()
            throws
        {
            try withApplication("short", ["1"], ["proxy-body-size": "1k"]) { scene, pods in
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
