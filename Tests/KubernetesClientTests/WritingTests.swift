import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Logging
import Networking
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// What is written to the API server: events, leases, statuses.
@Suite struct WritingTests {
    @Test(arguments: [WireFormat.protobuf, .json])
    func anEvent(format: WireFormat) async throws {
        var setting = Cluster.Setting()
        setting.format = format
        try await Cluster.with(setting) { cluster in
            cluster.connection.events.record(
                .normal, reason: "Starting", action: "StartKubeProxy", note: "fairlead is starting",
                regarding: ObjectReference(apiVersion: "v1", kind: "Node", name: "node-1", uid: "node-1"))
            try await eventually("it is written") { try await cluster.server.names(.events).count == 1 }
            let name = try #require(try await cluster.server.names(.events).first)
            #expect(name.hasPrefix("default/node-1."))
            let json = try #require(
                try await cluster.server.json(
                    .events, namespace: "default", name: String(name.dropFirst("default/".count))))
            for part in [
                #""reason":"Starting""#, #""type":"Normal""#, #""reportingController":"fairlead.dev/node""#,
                #""reportingInstance":"node-1""#, #""note":"fairlead is starting""#, #""kind":"Node""#,
            ] {
                #expect(json.contains(part), "\(part) in \(json)")
            }
        }
    }

    /// It is no reason to stop anything; the rule that is missing is said once.
    @Test func eventsThatAreForbidden() async throws {
        var setting = Cluster.Setting()
        setting.server.forbidden = [.init(verb: "create", resource: .events)]
        try await Cluster.with(setting) { cluster in
            for _ in 0..<5 {
                cluster.connection.events.record(
                    .warning, reason: "FailedToStartServiceHealthcheck", action: "Listen", note: "x",
                    regarding: ObjectReference(apiVersion: "v1", kind: "Service", namespace: "default", name: "web"))
            }
            try await eventually("it is said") { !cluster.log.lines(with: "events cannot be written").isEmpty }
            try await cluster.settle()
            let lines = cluster.log.lines(with: "events cannot be written")
            #expect(lines.count == 1)
            #expect(lines.first?.contains(#"apiGroups: ["events.k8s.io"], resources: ["events"]"#) == true)
        }
    }

    // MARK: - Leases

    /// Two instances: one leads; when it ends in good order the other does, without waiting for the lease to run out.
    @Test func oneLeaderAtATime() async throws {
        try await Cluster.with { cluster in
            var timing = LeaderElection.Timing()
            timing.retryPeriod = .milliseconds(50)
            let changes = Mutex<[String]>([])
            func elector(_ identity: String) -> LeaseElector {
                LeaseElector(
                    cluster.connection.client, lease: ObjectName(namespace: "default", name: "fairlead"),
                    identity: identity, timing: timing, logger: cluster.log.logger
                ) { leads in changes.withLock { $0.append("\(identity) \(leads)") } }
            }
            let (first, second) = (elector("a"), elector("b"))
            try await withThrowingTaskGroup { tasks in
                let group = ServiceGroup(
                    services: [first], logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
                tasks.addTask { try await group.run() }
                try await eventually("a leads") { first.isLeader }
                let other = Task { try await second.run() }
                try await Task.sleep(for: .milliseconds(300))
                #expect(!second.isLeader)
                #expect(first.isLeader)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                try await eventually("b leads", within: .seconds(10)) { second.isLeader }
                #expect(!first.isLeader)
                other.cancel()
                _ = await other.result
            }
            #expect(changes.withLock { $0 }.prefix(3) == ["a true", "a false", "b true"])
            let lease = try #require(
                try await cluster.server.json(.leases, namespace: "default", name: "fairlead"))
            #expect(lease.contains(#""leaseTransitions":1"#))
        }
    }

    // MARK: - Statuses

    @Test func theStatusOfAService() async throws {
        try await Cluster.with { cluster in
            try await cluster.settle()
            let writer = StatusWriter(cluster.connection.client)
            let name = ObjectName(namespace: "default", name: "web")
            let addresses: [PublishedAddress] = [.ip("192.0.2.7"), .hostname("lb.example")]
            #expect(try await writer.publish(addresses, to: .service, name) == .written)
            #expect(try await writer.publish(addresses, to: .service, name) == .unchanged)
            try await eventually("it is seen") {
                cluster.service("web")?.loadBalancerIPs.map(\.description) == ["192.0.2.7"]
            }
            #expect(
                try await writer.publish([], to: .service, ObjectName(namespace: "default", name: "none")) == .gone)
        }
    }

    /// Many who write the same object: each write is made on what the one before has left.
    @Test func statusesThatOthersWriteToo() async throws {
        try await Cluster.with { cluster in
            let writer = StatusWriter(cluster.connection.client)
            let name = ObjectName(namespace: "default", name: "web")
            try await withThrowingTaskGroup { group in
                for number in 1...8 {
                    group.addTask { _ = try await writer.publish([.ip("192.0.2.\(number)")], to: .service, name) }
                    group.addTask { try await cluster.server.apply(.service(.web("other", UInt8(number)))) }
                }
                try await group.waitForAll()
            }
            let json = try #require(try await cluster.server.json(.services, namespace: "default", name: "web"))
            #expect(json.contains(#""ip":"192.0.2."#))
        }
    }

    @Test func aStatusThatIsForbidden() async throws {
        var setting = Cluster.Setting()
        setting.server.forbidden = [.init(verb: "patch", resource: .services)]
        try await Cluster.with(setting) { cluster in
            let writer = StatusWriter(cluster.connection.client)
            let error = await #expect(throws: APIError.self) {
                _ = try await writer.publish(
                    [.ip("192.0.2.1")], to: .service, ObjectName(namespace: "default", name: "web"))
            }
            #expect(error?.status?.isForbidden == true)
            #expect(StatusWriter.neededRules(.service).contains("services/status"))
        }
    }
}
