import ClusterState
import FakeAPIServer
import IngressControl
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Lab
import Linux
import Logging
import Networking
import Routing
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// Statuses, against a fake API server.
@Suite struct StatusPublisherTests {
    private static func name(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }

    /// A server with some Ingresses, and a publisher that is told of them by hand.
    final class Scene: Sendable {
        let server: FakeAPIServer
        let client: APIClient
        let publisher: StatusPublisher
        let log = CollectedLog()

        static func with(
            _ source: AddressSource = .fixed([.hostname("lb.example"), .ip("192.0.2.7")]),
            forbidden: Bool = false,
            clearsAtEnd: Bool = true,
            pod: String? = nil,
            resync: Duration = .seconds(3600),
            _ body: @Sendable (Scene) async throws -> Void,
            afterwards: @Sendable (FakeAPIServer) async throws -> Void = { _ in }
        ) async throws {
            var configuration = FakeAPIServerConfiguration()
            if forbidden { configuration.forbidden = [.init(verb: "patch", resource: .ingresses)] }
            let server = try await FakeAPIServer.start(configuration)
            let outcome: Result<Void, any Error>
            do {
                for name in ["a", "b"] {
                    try await server.apply(
                        .ingress(Ingress(metadata: ObjectMeta(name: StatusPublisherTests.name(name)))))
                }
                let scene = try Scene(server, source, clearsAtEnd, pod, resync)
                try await scene.run(body)
                try await afterwards(server)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            try await server.stop()
            try outcome.get()
        }

        private init(
            _ server: FakeAPIServer, _ source: AddressSource, _ clearsAtEnd: Bool, _ pod: String?, _ resync: Duration
        ) throws {
            self.server = server
            let folder = try ManifestFolder()
            try folder.write("kubeconfig", server.kubeconfig())
            self.client = APIClient(try .kubeconfig(at: "\(folder.path)/kubeconfig"), logger: self.log.logger)
            var timing = StatusPublisher.Timing()
            timing.settling = .milliseconds(1)
            timing.resync = resync
            let client = self.client
            let workload = pod.map { AddressResolver.Workload(client, pod: StatusPublisherTests.name($0)) }
            self.publisher = StatusPublisher(
                StatusWriter(client),
                resolver: AddressResolver(source, workload: workload, logger: self.log.logger),
                clearsAtEnd: clearsAtEnd, timing: timing, logger: self.log.logger)
        }

        private func run(_ body: @Sendable (Scene) async throws -> Void) async throws {
            let group = ServiceGroup(
                services: [self.publisher], logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
            let outcome: Result<Void, any Error> = await withTaskGroup { tasks in
                tasks.addTask { _ = try? await group.run() }
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(self)) } catch { outcome = .failure(error) }
                await group.triggerGracefulShutdown()
                await tasks.waitForAll()
                return outcome
            }
            await self.client.shutdown()
            try outcome.get()
        }

        /// What the status of an Ingress says, in its order.
        func status(_ name: String) async throws -> [String] { try await Self.status(name, self.server) }

        static func status(_ name: String, _ server: FakeAPIServer) async throws -> [String] {
            let json = try #require(try await server.json(.ingresses, namespace: "default", name: name))
            let object = try DecodedObject(decoding: Array(json.utf8), kind: .ingress, format: .json).object
            guard case .ingress(let ingress) = object else { return [] }
            return ingress.loadBalancer.flatMap { [$0.ip?.description, $0.hostname].compactMap(\.self) }
        }

        /// Tells the publisher of what the server has.
        func tell(_ names: String..., released: String..., service: KubernetesAPI.Service? = nil) async throws {
            func served(_ names: [String]) async throws -> [ServedIngress] {
                var list: [ServedIngress] = []
                for name in names {
                    let addresses = try await self.status(name).map { text in
                        IPAddress(text).map { LoadBalancerAddress(ip: $0) } ?? LoadBalancerAddress(hostname: text)
                    }
                    list.append(ServedIngress(name: StatusPublisherTests.name(name), addresses: addresses))
                }
                return list
            }
            self.publisher.take(
                IngressNews(served: try await served(names), released: try await served(released), service: service))
        }

        /// Writes the status of an Ingress as somebody else would.
        func write(_ addresses: [PublishedAddress], _ name: String) async throws {
            _ = try await StatusWriter(self.client).publish(addresses, to: .ingress, StatusPublisherTests.name(name))
        }

        func patches() async throws -> Int { try await self.server.counts()["patch", .ingresses] }
    }

    private static let ours = ["192.0.2.7", "lb.example"]

    @Test func `only the leader writes, sorted, and once`() async throws {
        try await Scene.with { scene in
            try await scene.tell("a", "b")
            try await eventually("addresses are known") { scene.publisher.addresses != nil }
            #expect(try await scene.status("a") == [])
            scene.publisher.lead(true)
            for name in ["a", "b"] {
                try await eventually("the status of \(name)") { try await scene.status(name) == Self.ours }
            }
            let written = try await scene.patches()
            #expect(written == 2)
            try await scene.tell("a", "b")
            scene.publisher.lead(true)
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await scene.patches() == written)
        }
    }

    @Test func `an Ingress that comes later has its addresses too`() async throws {
        try await Scene.with { scene in
            scene.publisher.lead(true)
            try await scene.tell("a")
            try await eventually("the first") { try await scene.status("a") == Self.ours }
            #expect(try await scene.status("b") == [])
            try await scene.tell("a", "b")
            try await eventually("the second") { try await scene.status("b") == Self.ours }
        }
    }

    @Test func `what somebody else writes is put right in the next round`() async throws {
        try await Scene.with(resync: .milliseconds(300)) { scene in
            scene.publisher.lead(true)
            try await scene.tell("a")
            try await eventually("ours") { try await scene.status("a") == Self.ours }
            try await scene.write([.ip("203.0.113.9")], "a")
            try await scene.tell("a")
            try await eventually("ours again") { try await scene.status("a") == Self.ours }
        }
    }

    @Test func `one that lost its class keeps what is not ours`() async throws {
        try await Scene.with { scene in
            scene.publisher.lead(true)
            try await scene.tell("a", "b")
            try await eventually("ours") { try await scene.status("b") == Self.ours }
            try await scene.write([.ip("192.0.2.7"), .hostname("other.example"), .ip("203.0.113.9")], "b")
            try await scene.tell("a", released: "b")
            try await eventually("theirs alone") {
                try await scene.status("b") == ["other.example", "203.0.113.9"]
            }
            #expect(try await scene.status("a") == Self.ours)
        }
    }

    @Test func `the addresses of a Service are followed`() async throws {
        let name = Self.name("front")
        @Sendable func front(_ address: IPAddress) -> KubernetesAPI.Service {
            KubernetesAPI.Service(
                metadata: ObjectMeta(name: name), type: .loadBalancer, loadBalancer: [LoadBalancerAddress(ip: address)])
        }
        try await Scene.with(.service(name)) { scene in
            scene.publisher.lead(true)
            try await scene.tell("a")
            try await eventually("it is missed") { !scene.log.lines(with: "there is no Service default/front").isEmpty }
            try await scene.tell("a", service: front(IPAddress(203, 0, 113, 1)))
            try await eventually("the first address") { try await scene.status("a") == ["203.0.113.1"] }
            try await scene.tell("a", service: front(IPAddress(203, 0, 113, 2)))
            try await eventually("the second address") { try await scene.status("a") == ["203.0.113.2"] }
            // One that is gone takes nothing with it: nobody knows better.
            try await scene.tell("a")
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await scene.status("a") == ["203.0.113.2"])
        }
    }

    @Test func `what is forbidden is said once, with the rule that is missing`() async throws {
        try await Scene.with(forbidden: true, resync: .milliseconds(50)) { scene in
            scene.publisher.lead(true)
            try await scene.tell("a", "b")
            try await eventually("it is said") { !scene.log.lines(with: "cannot be written").isEmpty }
            try await Task.sleep(for: .milliseconds(300))
            let lines = scene.log.lines(with: "the status of Ingresses cannot be written")
            #expect(lines.count == 1)
            #expect(lines.first?.contains("ingresses/status") == true)
        }
    }

    // MARK: - The end

    @Test func `the last one takes its addresses along, and no others`() async throws {
        try await Scene.with { scene in
            scene.publisher.lead(true)
            try await scene.tell("a", "b")
            try await eventually("ours") { try await scene.status("b") == Self.ours }
            try await scene.write([.ip("192.0.2.7"), .ip("203.0.113.9"), .hostname("lb.example")], "b")
            try await scene.tell("a", "b")
        } afterwards: { server in
            let (first, second) = (try await Scene.status("a", server), try await Scene.status("b", server))
            #expect(first == [])
            #expect(second == ["203.0.113.9"])
        }
    }

    @Test func `who does not lead, or may not, leaves them`() async throws {
        for leads in [true, false] {
            try await Scene.with(clearsAtEnd: !leads) { scene in
                scene.publisher.lead(true)
                try await scene.tell("a")
                try await eventually("ours") { try await scene.status("a") == Self.ours }
                scene.publisher.lead(leads)
            } afterwards: { server in
                let status = try await Scene.status("a", server)
                #expect(status == Self.ours)
            }
        }
    }

    // MARK: - Replicas

    private static let pods = "/api/v1/namespaces/default/pods"

    private static func pod(_ name: String, node: String, ready: Bool = true, ending: Bool = false) -> String {
        """
        {"metadata":{"name":"\(name)","labels":{"app":"fairlead","pod-template-hash":"5d9c"}\
        \(ending ? #","deletionTimestamp":"2026-11-21T00:00:00Z""# : "")},"spec":{"nodeName":"\(node)"},\
        "status":{"phase":"Running","hostIP":"10.0.0.\(node.utf8.last ?? 0)",\
        "conditions":[{"type":"Ready","status":"\(ready ? "True" : "False")"}]}}
        """
    }

    private static func show(_ pods: [String], _ server: FakeAPIServer) async throws {
        let list = #"{"kind":"PodList","items":[\#(pods.joined(separator: ","))]}"#
        try await server.show(json: list, at: Self.pods)
        try await server.show(json: pods[0], at: "\(Self.pods)/self")
    }

    @Test func `without a Service it is the nodes of those that are ready`() async throws {
        try await Scene.with(.nodes, pod: "self") { scene in
            try await Self.show(
                [
                    Self.pod("self", node: "node-1"), Self.pod("b", node: "node-2"),
                    Self.pod("c", node: "node-3", ready: false), Self.pod("d", node: "node-4", ending: true),
                ], scene.server)
            let addresses =
                #"[{"type":"InternalIP","address":"10.0.0.1"},{"type":"ExternalIP","address":"198.51.100.1"}]"#
            try await scene.server.show(
                json: #"{"metadata":{"name":"node-1"},"status":{"addresses":\#(addresses)}}"#,
                at: "/api/v1/nodes/node-1")
            scene.publisher.lead(true)
            try await scene.tell("a")
            // Of node-2 there is no Node to be seen; its pod's status knows an address: 50 is the digit's code.
            try await eventually("addresses of nodes") {
                try await scene.status("a") == ["10.0.0.50", "198.51.100.1"]
            }
            // What tells pods of one Deployment from each other does not count.
            #expect(
                try await scene.server.query(ofDocumentAt: Self.pods)?["labelSelector"] == "app=fairlead")
        }
    }

    @Test(arguments: [
        (["self", "b"], ["b"], [String]()), (["self"], [], []), (["self", "b"], [], StatusPublisherTests.ours),
    ])
    func `one of several replicas is the last if all others are ending`(
        pods: [String], ending: [String], expected: [String]
    ) async throws {
        try await Scene.with(pod: "self") { scene in
            try await Self.show(
                pods.map { Self.pod($0, node: "node-1", ending: ending.contains($0)) }, scene.server)
            scene.publisher.lead(true)
            try await scene.tell("a")
            try await eventually("ours") { try await scene.status("a") == Self.ours }
        } afterwards: { server in
            let status = try await Scene.status("a", server)
            #expect(status == expected)
        }
    }

    @Test func `who cannot tell whether it is the last leaves them`() async throws {
        try await Scene.with(pod: "self") { scene in
            scene.publisher.lead(true)
            try await scene.tell("a")
            try await eventually("ours") { try await scene.status("a") == Self.ours }
        } afterwards: { server in
            let status = try await Scene.status("a", server)
            #expect(status == Self.ours)
        }
    }
}
