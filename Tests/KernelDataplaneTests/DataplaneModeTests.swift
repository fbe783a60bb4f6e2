import ClusterState
import KernelDataplane
import KubernetesAPI
import Lab
import Linux
import Networking
import ServiceModel
import Synchronization
import TestSupport
import Testing

/// Who serves, on a real kernel that can be programmed, or not, or not any more.
@Suite(.serialized) struct DataplaneModeTests {
    /// A data plane in a sandbox, with a balancer that listens nowhere.
    final class Node: Sendable {
        let sandbox: Sandbox
        let folder: ManifestFolder
        let streams = FakeStreams()
        let log = CollectedLog()
        let queue: ChangeQueue
        private let dataplane: KernelDataplane
        private let modes = Mutex<[DataplaneMode]>([])

        init(
            _ sandbox: Sandbox, _ folder: ManifestFolder, _ choice: DataplaneChoice,
            _ change: (inout DataplaneConfiguration) -> Void = { _ in }
        ) throws {
            self.sandbox = sandbox
            self.folder = folder
            try sandbox.host.shell(
                "ip link add n0 type veth peer name n1; ip link set n0 up; ip address add 192.168.50.2/24 dev n0")
            var configuration = DataplaneConfiguration(nodeName: "here")
            configuration.dataplane = choice
            configuration.primaryAddress = Make.ip("192.168.50.2")
            configuration.conntrack.maximumPerCore = 0
            change(&configuration)
            let wakeUp = try WakeUp()
            self.queue = ChangeQueue(wakeUp: wakeUp)
            let modes = Relay()
            self.dataplane = try KernelDataplane(
                configuration: configuration, queue: self.queue, wakeUp: wakeUp, streams: self.streams,
                namespace: sandbox.host.namespace,
                publish: KernelDataplane.Publishing(mode: { modes.take($0) }), logger: self.log.logger)
            modes.node = self
        }

        /// The node, for what is told it while it is made.
        private final class Relay: Sendable {
            private let holder = Mutex<Node?>(nil)
            var node: Node? {
                get { self.holder.withLock { $0 } }
                set { self.holder.withLock { $0 = newValue } }
            }
            func take(_ mode: DataplaneMode) { self.node?.modes.withLock { $0.append(mode) } }
        }

        /// Runs `body` while the data plane runs.
        func run(_ body: @escaping @Sendable (Node) async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.dataplane.run() }
                group.addTask { try await body(self) }
                // Whichever ends first ends the other.
                defer { group.cancelAll() }
                try await group.next()
            }
        }

        func put(_ service: Service) {
            self.queue.submit([
                ObjectChange(key: ObjectKey(kind: .service, name: service.metadata.name), object: .service(service))
            ])
        }

        func fill(_ name: String, _ address: String) {
            self.queue.submit([
                ObjectChange(
                    key: ObjectKey(kind: .endpointSlice, name: Make.name("\(name)-1")),
                    object: .endpointSlice(Make.slice("\(name)-1", of: name, endpoints: [Make.endpoint(address)])))
            ])
        }

        func view(within patience: Duration = .seconds(20)) -> DataplaneView? { self.dataplane.view(within: patience) }

        var modeNames: [DataplaneMode.Name] { self.modes.withLock { $0.map(\.name) } }
        var served: Set<String> { Set(self.streams.served.keys.map(\.description)) }
        var reserved: Set<String> { Set(self.streams.reserved.map(\.description)) }

        func soon(_ what: Comment, _ condition: () throws -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while ContinuousClock.now < deadline {
                if try condition() { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("not in time: \(what)")
        }

        func ruleset() throws -> String { try self.sandbox.host.shell("nft list ruleset") }
        /// Virtual IPs that this host has.
        func virtual() throws -> Set<String> {
            let lines = try self.sandbox.host.shell("ip -4 route show table local proto 147").split(separator: "\n")
            return Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
        }

        /// Makes the table another program's, until ``releaseTable()``.
        func takeTable() async throws {
            try DataplaneModeTests.takeTable(self.sandbox.host, self.folder)
            try await self.soon("owned") { try self.ruleset().contains("flags owner") }
        }

        func releaseTable() throws { try self.folder.write("end", "") }
    }

    /// The owner of a table is there as long as it has something to read.
    static func takeTable(_ host: Host, _ folder: ManifestFolder) throws {
        let hasTable = try host.shell("nft list tables").contains("inet fairlead")
        let commands = (hasTable ? "delete table inet fairlead; " : "") + "add table inet fairlead { flags owner; }"
        try host.shell(
            """
            (echo '\(commands)'; i=0; while [ ! -e \(folder.path)/end -a $i -lt 600 ]; do sleep 0.05; i=$((i + 1)); done) \
            | nft -i > /dev/null 2>&1 &
            """)
    }

    private static func service(_ annotations: [String: String] = [:]) -> Service {
        var service = Make.service(
            "web", type: .nodePort, clusterIPs: ["10.96.0.10"],
            ports: [ServicePort(name: "http", transport: .tcp, port: 80, nodePort: 30080)])
        for (key, value) in annotations { service.metadata.annotations["fairlead.dev/\(key)"] = value }
        return service
    }

    private static let everything: Set = ["10.96.0.10:80/tcp", "192.168.50.2:30080/tcp", "127.0.0.1:30080/tcp"]
    private static let localhost: Set = ["127.0.0.1:30080/tcp"]
    /// For when nftables is gone.
    private static let reserved: Set = ["192.168.50.2:30080/tcp"]

    private static func withNode(
        _ choice: DataplaneChoice, _ change: (inout DataplaneConfiguration) -> Void = { _ in },
        service: Service = Self.service(), before: (Host, ManifestFolder) throws -> Void = { _, _ in },
        _ body: @escaping @Sendable (Node) async throws -> Void, after: (Node) throws -> Void = { _ in }
    ) async throws {
        let sandbox = try Sandbox()
        let folder = try ManifestFolder()
        defer {
            try? folder.write("end", "")
            sandbox.tearDown()
            folder.delete()
        }
        try before(sandbox.host, folder)
        let node = try Node(sandbox, folder, choice, change)
        node.put(service)
        node.fill("web", "10.244.1.2")
        node.queue.markSynced()
        try await node.run(body)
        try after(node)
    }

    @Test func whereTheKernelWorksItServes() async throws {
        try await Self.withNode(.auto) { node in
            try await node.soon("programmed") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            try await node.soon("localhost") { node.served == Self.localhost && node.reserved == Self.reserved }
            #expect(node.modeNames == [.nftables])
            #expect(try node.virtual().isEmpty)
        }
    }

    @Test func whoAsksIsToldWhoServes() async throws {
        @Sendable func server(_ view: DataplaneView?, _ transport: TransportProtocol = .tcp) -> DataplaneMode.Name? {
            let port = ServicePort(name: "http", transport: transport, port: 80, nodePort: 30080)
            return view?.server(of: port, of: Make.name("web"))
        }
        let before = WallTime.now.unixNanoseconds
        try await Self.withNode(.auto) { node in
            try await node.soon("programmed") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            let view = try #require(node.view())
            #expect(view.isSynced && server(view) == .nftables && server(view, .sctp) == .nftables)
            let endpoints = view.planner.listedEndpoints(of: Make.name("web"), view.history)
            #expect(endpoints.map(\.backend) == [Backend(Make.ip("10.244.1.2"), 8080)])
            #expect((before...WallTime.now.unixNanoseconds).contains(endpoints.first?.since ?? 0))
            // What was given stays as it was; what is given next is of then.
            node.put(Self.service(["proxy-protocol": "v2"]))
            try await node.soon("handed over") { server(node.view()) == .userspace }
            #expect(server(view) == .nftables)
        }
        try await Self.withNode(.userspace) { node in
            try await node.soon("served") { node.served == Self.everything }
            #expect(server(node.view()) == .userspace && server(node.view(), .sctp) == nil)
        } after: { node in
            #expect(node.view(within: .milliseconds(20)) == nil)
        }
    }

    /// nftables is taken away, changes while it is gone, and is given back.
    @Test func theBalancerTakesOverAndGivesBack() async throws {
        try await Self.withNode(.auto) { node in
            try await node.soon("programmed") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            try await node.takeTable()
            try await node.soon("taken over") { node.served == Self.everything }
            #expect(try node.virtual().contains("10.96.0.10"))
            try await node.soon("said") { node.modeNames == [.nftables, .userspace] }
            #expect(node.log.lines(with: "error nftables cannot be programmed").count == 1)
            node.fill("web", "10.244.1.9")
            try await node.soon("a change") {
                node.streams.served.values.allSatisfy { $0.plan.backends.map(\.address) == [Make.ip("10.244.1.9")] }
            }
            #expect(node.served == Self.everything)
            node.streams.setOpenConnections(1, at: Make.ip("10.96.0.10"))

            try node.releaseTable()
            try await node.soon("given back") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            #expect(try node.ruleset().contains("10.244.1.9 . 8080"))
            try await node.soon("withdrawn") { node.served == Self.localhost && node.reserved == Self.reserved }
            try await node.soon("said") { node.modeNames == [.nftables, .userspace, .nftables] }
            #expect(try node.virtual().contains("10.96.0.10"))
            node.streams.setOpenConnections(0, at: Make.ip("10.96.0.10"))
            try await node.soon("the address is gone") { try node.virtual().isEmpty }
        }
    }

    @Test func withoutTheKernelFromTheStart() async throws {
        try await Self.withNode(
            .auto,
            before: { host, folder in
                try Self.takeTable(host, folder)
                try #require(
                    try waitUntil(timeout: .seconds(20)) { try host.shell("nft list ruleset").contains("owner") })
            }
        ) { node in
            try await node.soon("taken over") { node.served == Self.everything }
            try await node.soon("said") { node.modeNames == [.nftables, .userspace] }
            try node.releaseTable()
            try await node.soon("given back") { node.modeNames == [.nftables, .userspace, .nftables] }
        }
    }

    @Test func whatTheLastProcessLeftOnLoopbackGoes() async throws {
        try await Self.withNode(
            .auto, before: { host, _ in try host.shell("ip route add local 10.96.7.7 dev lo table local proto 147") }
        ) { node in
            try await node.soon("programmed") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            try await node.soon("gone") { try node.virtual().isEmpty }
        }
    }

    @Test func userspaceTouchesNoTable() async throws {
        try await Self.withNode(.userspace) { node in
            try await node.soon("served") { node.served == Self.everything }
            #expect(node.modeNames == [.userspace])
            node.put(Self.service(["load-balancing": "least-connections"]))
            try await node.soon("a change") {
                node.streams.served.values.allSatisfy { $0.policy.algorithm == .leastConnections }
            }
            #expect(node.served == Self.everything)
            #expect(try node.ruleset().isEmpty)
        }
    }

    @Test func withoutAChoiceThereIsNoFallback() async throws {
        try await Self.withNode(.nftables) { node in
            try await node.soon("programmed") { try node.ruleset().contains("10.96.0.10 . tcp . 80") }
            try await node.takeTable()
            try await node.soon("failed") {
                node.log.lines(with: "programming failed").count > DataplaneFallback.failuresInARow
            }
            #expect(node.modeNames == [.nftables])
            #expect(node.served == Self.localhost)
            #expect(node.reserved.isEmpty)
            try node.releaseTable()
        }
    }

    /// Addresses that are there for the balancer are none of the node's.
    @Test func virtualAddressesTakeNoNodePorts() async throws {
        try await Self.withNode(.userspace, { $0.nodePortAddresses = .blocks([]) }) { node in
            try await node.soon("served") { node.served.isSuperset(of: Self.everything) }
            // An event of the host's, so that its addresses are looked at again.
            try node.sandbox.host.shell("ip address add 192.168.51.2/24 dev n0")
            try await node.soon("a new address") { node.served.contains("192.168.51.2:30080/tcp") }
            #expect(!node.served.contains("10.96.0.10:30080/tcp"))
        }
    }

    @Test func aServiceIsHandedOverAndBack() async throws {
        try await Self.withNode(.auto) { node in
            try await node.soon("programmed") { try node.ruleset().contains(": 10.244.1.2 . 8080") }
            node.put(Self.service(["health-check": "tcp"]))
            try await node.soon("handed over") { try node.ruleset().contains(": 169.254.77.77 . 2") }
            #expect(node.served.count == 3)
            #expect(try node.virtual() == ["169.254.77.77"])
            #expect(try !node.ruleset().contains(": 10.244.1.2 . 8080"))
            node.put(Self.service())
            try await node.soon("back") { try node.ruleset().contains(": 10.244.1.2 . 8080") }
            try await node.soon("withdrawn") { node.served == Self.localhost && node.reserved == Self.reserved }
            try await node.soon("the address is gone") { try node.virtual().isEmpty }
        }
    }

    /// With the process its balancer goes: what the kernel can serve, it serves.
    @Test(arguments: [("health-check", "tcp", false), ("proxy-protocol", "v2", true)])
    func atTheEnd(key: String, value: String, staysHandedOver: Bool) async throws {
        try await Self.withNode(.auto, service: Self.service([key: value])) { node in
            try await node.soon("handed over") { try node.ruleset().contains(": 169.254.77.77 . 2") }
        } after: { (node: Node) throws in
            #expect(try node.ruleset().contains(": 169.254.77.77 . 2") == staysHandedOver)
            #expect(try node.ruleset().contains(": 10.244.1.2 . 8080") != staysHandedOver)
        }
    }
}
