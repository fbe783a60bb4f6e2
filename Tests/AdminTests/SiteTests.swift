import Lab
import Networking
import Synchronization
import TestSupport
import Testing

@testable import Admin

/// Pages at fixed addresses.
@Suite struct SiteTests {
    private static let port: UInt16 = 10249

    private static func site(
        _ address: IPAddress = .local, isRequired: Bool = false, pages: [String: Site.Page] = pages
    ) -> Site {
        Site(name: "metrics", address: BindAddress(address, port), isRequired: isRequired, pages: pages)
    }

    private static let pages: [String: Site.Page] = [
        "/healthz": { Answer.text("ok") }, "/configz": { Answer.json("{}") },
        "/sick": { Answer.json("{}", status: .serviceUnavailable) },
    ]

    @Test func aPageIsAnsweredToTheByte() async throws {
        try await ServedNode.with(sites: [Self.site()]) { node in
            let connection = try await node.connect(Self.port)
            let reply = try connection.ask("GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n")
            let head = [
                "HTTP/1.1 200 OK", "Content-Type: text/plain; charset=utf-8", "X-Content-Type-Options: nosniff",
                "Content-Length: 2",
            ]
            #expect(reply == Reply(head: head.joined(separator: "\r\n"), body: "ok"))
            let json = try connection.ask("GET /configz?verbose=1#x HTTP/1.1\r\nHost: node\r\n\r\n")
            #expect(json.header("Content-Type") == "application/json")
            #expect(json.body == "{}")
            #expect(try connection.ask("GET http://node:1/healthz HTTP/1.1\r\nHost: node\r\n\r\n").body == "ok")
            let sick = try connection.ask("GET /sick HTTP/1.1\r\nHost: node\r\n\r\n")
            #expect(sick.head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        }
    }

    @Test func headIsAnsweredWithoutABody() async throws {
        try await ServedNode.with(sites: [Self.site()]) { node in
            let connection = try await node.connect(Self.port)
            let head = try connection.ask("HEAD /healthz HTTP/1.1\r\nHost: node\r\n\r\n")
            #expect(head.status == 200)
            #expect(head.header("Content-Length") == "2")
            // What follows is the next answer, and no body.
            #expect(try connection.ask("GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n").body == "ok")
        }
    }

    @Test func otherPathsAndMethodsAreRefused() async throws {
        try await ServedNode.with(sites: [Self.site()]) { node in
            let connection = try await node.connect(Self.port)
            for path in ["/", "/healthz/", "/Healthz", "//healthz", "*", "/healthz%20"] {
                let reply = try connection.ask("GET \(path) HTTP/1.1\r\nHost: node\r\n\r\n")
                #expect(reply.status == 404, "\(path)")
                #expect(reply.body == "404 page not found\n")
            }
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
                let reply = try connection.ask("\(method) /healthz HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n\r\n")
                #expect(reply.status == 405, "\(method)")
                #expect(reply.header("Allow") == "GET, HEAD")
            }
            #expect(
                try connection.ask("POST /nothing HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n\r\n").status == 404)
        }
    }

    /// More than fits into the sockets' buffers at once: waiting for the reader is no reason to cut it off.
    @Test func aLargePageArrivesWhole() async throws {
        let body = String(repeating: "0123456789abcde\n", count: 64 << 10)
        let pages: [String: Site.Page] = ["/metrics": { Answer.text(body) }]
        try await ServedNode.with(sites: [Self.site(pages: pages)]) { node in
            let connection = try await node.connect(Self.port)
            for _ in 0..<3 {
                let reply = try connection.ask("GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n")
                #expect(reply.body.utf8.count == body.utf8.count)
                #expect(reply.body == body)
            }
        }
    }

    @Test(arguments: [IPAddress(ipv4: 0), IPAddress(ipv6High: 0, low: 0)])
    func theUnspecifiedAddressIsAllOfBothFamilies(address: IPAddress) async throws {
        try await ServedNode.with(sites: [Self.site(address)]) { node in
            for target in [IPAddress.local, .local6, IPAddress(127, 0, 0, 2)] {
                let reply = try await node.connect(Self.port, at: target)
                    .ask("GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n")
                #expect(reply.body == "ok")
            }
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func anotherAddressIsOnlyThatOne() async throws {
        try await ServedNode.with(sites: [Self.site(.local6)]) { node in
            _ = try await node.connect(Self.port, at: .local6)
            #expect(try node.isRefused(Self.port))
        }
    }

    @Test func sitesAndHealthChecksDoNotDisturbEachOther() async throws {
        let other = Site(
            name: "health", address: BindAddress(.local, 10256), pages: ["/livez": { Answer.text("alive") }])
        try await ServedNode.with(sites: [Self.site(), other]) { node in
            node.serve([HealthCheck(namespace: "default", name: "web", port: 31000, localEndpoints: 1)])
            let page = try await node.connect(10256)
            #expect(try page.ask("GET /livez HTTP/1.1\r\nHost: node\r\n\r\n").body == "alive")
            #expect(try page.ask("GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n").status == 404)
            #expect(try await node.ask(31000).status == 200)
            node.serve([])
            try await eventually("the health check port is closed") { try node.isRefused(31000) }
            #expect(try page.ask("GET /livez HTTP/1.1\r\nHost: node\r\n\r\n").body == "alive")
        }
    }

    @Test func aTakenPortIsTriedAgainAndSaidOnce() async throws {
        let node = try ServedNode(sites: [Self.site()])
        var holder: EchoServer? = try EchoServer(
            on: node.host, port: Self.port, addresses: [.local], transports: [.tcp])
        try await node.run { node in
            try await eventually("a warning") { !node.log.lines.isEmpty }
            try await Task.sleep(for: .milliseconds(150))
            #expect(
                node.log.lines == [
                    "warning the metrics port cannot be opened, which is tried again until it can "
                        + "address=127.0.0.1 find=ss -Htlnp 'sport = :10249' port=10249 reason=Address already in use"
                ])
            _ = holder
            holder = nil
            try await eventually("the port") { node.log.lines.count == 2 }
            #expect(node.log.lines.last?.hasPrefix("notice the metrics port could be opened now ") == true)
            #expect(try await node.connect(Self.port).ask("GET /healthz HTTP/1.1\r\n\r\n").body == "ok")
        }
    }

    @Test func aTakenPortThatIsRequiredEndsTheServer() async throws {
        let node = try ServedNode(sites: [Self.site(isRequired: true)])
        let holder = try EchoServer(on: node.host, port: Self.port, addresses: [.local], transports: [.tcp])
        defer { holder.stop() }
        let error = await #expect(throws: AdminServerError.self) { try await node.server.run() }
        #expect(error?.code == .cannotListen)
        #expect(
            error?.description
                == "the metrics port cannot be opened at 127.0.0.1:10249: Address already in use")
        // It is for whoever runs the server to say so.
        #expect(node.log.lines.isEmpty)
    }

    @Test func theQuestionsAreCountedByThePages() async throws {
        let count = Mutex(0)
        let pages: [String: Site.Page] = [
            "/healthz": { Answer.text("\(count.withLock { $0 += 1; return $0 })") }
        ]
        try await ServedNode.with(sites: [Self.site(pages: pages)]) { node in
            let connection = try await node.connect(Self.port)
            for expected in 1...3 {
                #expect(try connection.ask("GET /healthz HTTP/1.1\r\n\r\n").body == "\(expected)")
            }
        }
    }
}
