import ClusterState
import FakeAPIServer
import HTTPProxy
import IngressControl
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Lab
import Linux
import Logging
import Networking
import Observability
import Routing
import ServiceLifecycle
import TestSupport
import Testing

/// All of it around a fake API server: objects in; routes, statuses, events and a Lease out.
@Suite struct IngressClusterTests {
    private static func name(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }

    private static func ingress(_ className: String = "fairlead", addresses: [LoadBalancerAddress] = []) -> Ingress {
        Ingress(
            metadata: ObjectMeta(name: Self.name("web")), ingressClassName: className,
            rules: [
                IngressRule(
                    host: "shop.example",
                    paths: [IngressPath(path: "/", backend: .service(name: "web", port: .number(80)))])
            ],
            loadBalancer: addresses)
    }

    private static let ingressClass = IngressClass(
        metadata: ObjectMeta(name: ObjectName(namespace: "", name: "fairlead")),
        controller: "fairlead.dev/ingress-controller")

    /// One replica.
    private struct Replica {
        let board = IngressBoard()
        let log = CollectedLog()
        let services: [any ServiceLifecycle.Service]

        init(_ server: FakeAPIServer) throws {
            let folder = try ManifestFolder()
            try folder.write("kubeconfig", server.kubeconfig())
            let wakeUp = try WakeUp()
            let queue = ChangeQueue(wakeUp: wakeUp, kinds: ObjectKind.ofIngress)
            let log = self.log
            let connection = ClusterConnection(
                try .kubeconfig(at: "\(folder.path)/kubeconfig"), selections: ObjectSelection.ingress(IngressScope()),
                needed: ObjectSelection.neededByIngress, controller: "fairlead.dev/ingress-controller",
                instance: "replica", format: .protobuf, queue: queue, logger: log.logger)
            var timing = StatusPublisher.Timing()
            timing.settling = .milliseconds(1)
            let status = StatusPublisher(
                StatusWriter(connection.client),
                resolver: AddressResolver(.fixed([.ip("192.0.2.7")]), logger: log.logger), timing: timing,
                logger: log.logger)
            let events = ProblemEvents(connection.events, board: self.board, leads: false)
            let metrics = IngressMetrics(MetricRegistry(), board: self.board) { ProxyReport() }
            let control = try IngressControl(
                IngressControlConfiguration(), board: self.board, queue: queue, wakeUp: wakeUp,
                publish: IngressControl.Publishing(
                    snapshot: { _ in }, news: { status.take($0) }, problems: { events.take($0) }),
                metrics: metrics, logger: log.logger)
            var election = LeaderElection.Timing()
            election.retryPeriod = .milliseconds(50)
            let elector = LeaseElector(
                connection.client, lease: IngressClusterTests.name("fairlead-ingress"), identity: "replica",
                timing: election, logger: log.logger
            ) { leads in
                status.lead(leads)
                events.lead(leads)
            }
            self.services = [connection, control, elector, status]
        }
    }

    private static func status(_ server: FakeAPIServer) async throws -> [String] {
        let json = try #require(try await server.json(.ingresses, namespace: "default", name: "web"))
        let object = try DecodedObject(decoding: Array(json.utf8), kind: .ingress, format: .json).object
        guard case .ingress(let ingress) = object else { return [] }
        return ingress.loadBalancer.compactMap { $0.ip?.description }
    }

    private static func event(_ reason: String, _ server: FakeAPIServer) async throws -> String? {
        for name in try await server.names(.events) {
            let parts = name.split(separator: "/").map(String.init)
            let json = try await server.json(.events, namespace: parts[0], name: parts[1]) ?? ""
            if json.contains(#""reason":"\#(reason)""#) { return json }
        }
        return nil
    }

    @Test func `an Ingress is served, said to be reached, and let go`() async throws {
        let server = try await FakeAPIServer.start(FakeAPIServerConfiguration())
        try await server.apply(.ingressClass(Self.ingressClass), .ingress(Self.ingress()))
        let replica = try Replica(server)
        let group = ServiceGroup(
            services: replica.services, logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do {
                try await self.follow(server, replica.board)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
        // The last one has taken its address along, and let go of the Lease.
        #expect(try await Self.status(server) == ["203.0.113.9"])
        let lease = try #require(try await server.json(.leases, namespace: "default", name: "fairlead-ingress"))
        #expect(!lease.contains(#""holderIdentity":"replica""#))
        try await server.stop()
    }

    private func follow(_ server: FakeAPIServer, _ board: IngressBoard) async throws {
        try await eventually("it is served") { board.state?.plan.ingresses.count == 1 }
        try await eventually("its address") { try await Self.status(server) == ["192.0.2.7"] }
        try await eventually("the watch brings it back") {
            board.state?.plan.ingresses.first?.addresses == [LoadBalancerAddress(ip: IPAddress(192, 0, 2, 7))]
        }

        // What is wrong is an event of it, by its uid.
        try await eventually("an event") { try await Self.event("ServiceMissing", server) != nil }
        let event = try #require(try await Self.event("ServiceMissing", server))
        let json = try #require(try await server.json(.ingresses, namespace: "default", name: "web"))
        let object = try DecodedObject(decoding: Array(json.utf8), kind: .ingress, format: .json).object
        guard case .ingress(let ingress) = object else { return }
        #expect(!ingress.uid.isEmpty && event.contains(#""uid":"\#(ingress.uid)""#), "\(event)")
        #expect(event.contains(#""type":"Warning""#) && event.contains(#""kind":"Ingress""#))

        // Another controller's: our address goes, and comes back with the class.
        let ours = LoadBalancerAddress(ip: IPAddress(192, 0, 2, 7))
        let theirs = LoadBalancerAddress(ip: IPAddress(203, 0, 113, 9))
        try await server.apply(.ingress(Self.ingress("other", addresses: [ours, theirs])))
        try await eventually("theirs alone") { try await Self.status(server) == ["203.0.113.9"] }
        #expect(board.state?.plan.ingresses.isEmpty == true)
        try await server.apply(.ingress(Self.ingress(addresses: [theirs])))
        try await eventually("ours again") { try await Self.status(server) == ["192.0.2.7"] }
        // Somebody else adds his: that is not ours to take.
        try await server.apply(.ingress(Self.ingress(addresses: [ours, theirs])))
        try await eventually("it is seen") { board.state?.plan.ingresses.first?.addresses.count == 2 }
    }
}
