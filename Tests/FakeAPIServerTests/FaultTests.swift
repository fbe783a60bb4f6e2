import FakeAPIServer
import KubernetesAPI
import KubernetesWire
import Linux
import Testing

/// What goes wrong on request does, and ends when it should.
@Suite struct FaultTests {
    private static let services = "/api/v1/services"

    @Test(arguments: ["--http2", "--http1.1"])
    func anObjectIsCutInTheMiddle(version: String) async throws {
        try await withServer { server in
            try await server.apply(json: service("web"), to: .services)
            let curl = Curl(server: server, version: version)
            let whole = try curl.request(Self.services).body
            try await server.setFaults { $0.cutsNextObject = true }
            let cut = try curl.request(Self.services)
            #expect(cut.exitCode != .exited(0))
            #expect(!cut.body.isEmpty && whole.hasPrefix(cut.body) && cut.body != whole)
            #expect(try curl.request(Self.services).body == whole)

            let running = try curl.start(Self.services + "?watch=1&resourceVersion=1001")
            try await server.waitForWatches(1)
            try await server.setFaults { $0.cutsNextObject = true }
            try await server.apply(json: service("web"), to: .services)
            let watch = try running.answer()
            #expect(watch.exitCode != .exited(0))
            #expect(watch.body.hasPrefix(#"{"type":"MODIFIED","object":{"#) && !watch.body.hasSuffix("\n"))
        }
    }

    @Test func failuresAreCounted() async throws {
        try await withServer { server in
            try await server.setFaults { $0.failures = [.init(code: 429, retryAfter: 2), .init(code: 500)] }
            let curl = Curl(server: server)
            let busy = try curl.request(Self.services)
            #expect(busy.code == 429 && busy.headers.contains("retry-after: 2"))
            #expect(busy.body.contains(#""reason":"TooManyRequests","details":{"retryAfterSeconds":2},"code":429"#))
            #expect(try curl.request(Self.services).code == 500)
            #expect(try curl.request(Self.services).code == 200)
        }
    }

    @Test func aFrozenServerAnswersWhenItThaws() async throws {
        try await withServer { server in
            try await server.setFaults { $0.isFrozen = true }
            let running = try Curl(server: server).start(Self.services)
            let deadline = ContinuousClock.now + .seconds(20)
            while try await server.counts()["list", .services] == 0, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(running.child.isRunning && running.child.output.isEmpty)
            try await server.setFaults { $0.isFrozen = false }
            #expect(try running.answer().code == 200)
        }
    }

    @Test func aSlowServerSendsEverythingInTheEnd() async throws {
        try await withServer { server in
            try await server.generate(GeneratedCluster(services: 20, endpoints: 1))
            let curl = Curl(server: server)
            let whole = try curl.request(Self.services).body
            try await server.setFaults {
                $0.bytesPerSecond = 40_000
                $0.chunkSize = 100
            }
            let clock = ContinuousClock()
            var slow = ""
            let time = try clock.measure { slow = try curl.request(Self.services).body }
            #expect(slow == whole)
            #expect(time > .seconds(Double(whole.utf8.count) / 40_000 * 0.5))
        }
    }

    @Test func droppedConnectionsEndWatches() async throws {
        try await withServer { server in
            let running = try Curl(server: server, version: "--http1.1").start(
                Self.services + "?watch=1&resourceVersion=1000")
            try await server.waitForWatches(1)
            try await server.dropConnections()
            #expect(try running.answer().exitCode != .exited(0))
            try await server.waitForWatches(0)
        }
    }

    @Test func aSpoiltEventIsNoEvent() async throws {
        try await withServer { server in
            let curl = Curl(server: server, accept: "application/vnd.kubernetes.protobuf")
            let path = Self.services + "?watch=1&timeoutSeconds=1"
            try await server.apply(json: service("web"), to: .services)
            try await server.setFaults { $0.spoilsNextEvent = true }
            var decoder = WatchDecoder(kind: .service, format: .protobuf)
            decoder.append(try curl.bytes(path))
            #expect(throws: WireError.self) { try decoder.next() }
        }
    }

    @Test func aRestoredServerHasLowerVersions() async throws {
        try await withServer { server in
            try await server.generate(GeneratedCluster(services: 3, endpoints: 1))
            let curl = Curl(server: server)
            #expect(try await server.resourceVersion() == 1_006)
            let running = try curl.start(Self.services + "?watch=1&resourceVersion=1006")
            try await server.waitForWatches(1)
            try await server.restart(resourceVersion: 500)
            #expect(try running.answer().exitCode != .exited(0))
            #expect(try await server.resourceVersion() == 500)
            let body = try curl.request(Self.services).body
            #expect(body.contains(#""metadata":{"resourceVersion":"500"}"#))
            let versions = body.matches(of: /"resourceVersion":"(\d+)"/).compactMap { Int($0.1) }
            #expect(versions.count == 4 && versions.allSatisfy { $0 <= 500 })
            let old = try curl.request(Self.services + "?watch=1&resourceVersion=499")
            #expect(events(old.body) == ["ERROR - -"])
        }
    }
}
