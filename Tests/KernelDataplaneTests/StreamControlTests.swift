import ClusterState
import Glibc
import KernelDataplane
import KubernetesAPI
import Lab
import Logging
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// The balancer, the host's addresses and the kernel, in step. In network namespaces of their own, for the addresses.
@Suite(.serialized) struct StreamControlTests {
    /// A control in a sandbox, and all it talks to.
    final class Bench {
        let host: Host
        let streams = FakeStreams()
        let log = CollectedLog()
        let control: StreamControl
        var scene = StreamScene.web()
        var now = ContinuousClock.now

        init(_ host: Host, _ settings: StreamProgram.Settings) {
            self.host = host
            self.control = StreamControl(self.streams, settings: settings, logger: self.log.logger)
            _ = self.control.adopt(settings, host: Self.hostAddresses, podBlocks: [])
        }

        static let hostAddresses = Set(["192.168.50.2", "fd00:50::2"].map(Make.ip))

        @discardableResult
        func prepareAll() -> [ObjectName: ServicePlan?] { self.control.prepare(self.scene.plans, hints: nil) }

        func settle(isAtOnce: Bool = false) { self.control.settle(at: self.now, isAtOnce: isAtOnce) }

        func pass(_ duration: Duration) {
            self.now += duration
            self.control.tick(at: self.now)
        }

        var served: Set<String> { Set(self.streams.served.keys.map(\.description)) }

        func marked() throws -> Set<String> {
            let lines = try self.host.shell(
                "ip -4 route show table local proto 147; ip -6 route show table local proto 147"
            ).split(separator: "\n")
            return Set(lines.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
        }
    }

    private static func withBench(
        _ settings: StreamProgram.Settings, _ body: (Bench) throws -> Void
    ) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        // Its sockets stay in the namespace that they are made in.
        try body(sandbox.host.run { Bench(sandbox.host, settings) })
    }

    private static let everything = StreamScene.settings { $0.servesEverything = true }
    private static let handover = StreamScene.settings()

    @Test func addressesComeWithWhatIsServedThere() throws {
        try Self.withBench(Self.everything) { (bench: Bench) throws in
            bench.prepareAll()
            bench.settle(isAtOnce: true)
            #expect(bench.served == ["10.96.0.10:80/tcp", "203.0.113.4:80/tcp", "192.168.50.2:30080/tcp"])
            #expect(try bench.marked() == ["10.96.0.10", "203.0.113.4", "fd00::10"])
            // Who connects from there is this host.
            #expect(bench.streams.clients.kind(of: Make.ip("10.96.0.10")) == .thisNode)
            #expect(bench.streams.clients.kind(of: Make.ip("127.0.0.9")) == .thisNode)
            #expect(bench.streams.clients.kind(of: Make.ip("10.96.0.11")) == .outside)
            #expect(bench.control.ownAddresses.count == 3)
        }
    }

    @Test func anAddressStaysUntilItsConnectionsHaveEnded() throws {
        try Self.withBench(Self.everything) { (bench: Bench) throws in
            bench.prepareAll()
            bench.settle(isAtOnce: true)
            bench.streams.setOpenConnections(2, at: Make.ip("10.96.0.10"))
            _ = bench.control.prepare([Make.name("web"): nil], hints: nil)
            bench.settle(isAtOnce: true)
            #expect(bench.served.isEmpty)
            #expect(try bench.marked() == ["10.96.0.10"])
            bench.pass(.seconds(10))
            #expect(try bench.marked() == ["10.96.0.10"])
            bench.streams.setOpenConnections(0, at: Make.ip("10.96.0.10"))
            bench.pass(.seconds(1))
            #expect(try bench.marked().isEmpty)
            #expect(bench.control.deadline == nil)
            #expect(bench.streams.clients.kind(of: Make.ip("10.96.0.10")) == .outside)
        }
    }

    /// What a process left that was killed.
    @Test func leftoversGo() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell(
            "ip route add local 10.96.9.9 dev lo table local proto 147; ip address add 10.96.9.8/32 dev lo")
        let bench = try sandbox.host.run { Bench(sandbox.host, Self.everything) }
        #expect(bench.control.ownAddresses == [Make.ip("10.96.9.9")])
        bench.prepareAll()
        bench.settle(isAtOnce: true)
        #expect(try bench.marked() == ["10.96.0.10", "203.0.113.4", "fd00::10"])
        #expect(try sandbox.host.shell("ip address show dev lo").contains("10.96.9.8/32"))
    }

    @Test func anAddressOfTheHostsIsNotAdded() throws {
        try Self.withBench(Self.everything) { (bench: Bench) throws in
            bench.scene = StreamScene.web { $0.externalIPs = [Make.ip("192.168.50.2")] }
            bench.prepareAll()
            bench.settle(isAtOnce: true)
            #expect(bench.served.contains("192.168.50.2:80/tcp"))
            #expect(try !bench.marked().contains("192.168.50.2"))
        }
    }

    /// While the kernel leads clients somewhere, somebody is there.
    @Test func theKernelIsToldInBetween() throws {
        try Self.withBench(Self.handover) { (bench: Bench) throws in
            let kernel = FakeKernel()
            let synchronizer = KernelSynchronizer(
                kernel: kernel, streams: bench.control, node: NodeFacts(name: "here"), settings: NodeSettings())
            func take(_ annotations: [String: String]) -> Set<ObjectName> {
                synchronizer.take(Self.objects(annotations))
            }
            func endpoints() throws -> [String] {
                let elements = try kernel.snapshot(of: FairleadTable.reference)?.elements["endpoints4"] ?? []
                return elements.map { "\($0.value.map { "\($0)" } ?? "")" }
            }
            _ = take([:])
            _ = try synchronizer.readBack()
            let direct = try endpoints()
            #expect(bench.streams.served.isEmpty)

            var servedBefore = 0
            kernel.beforeCommit = { servedBefore = bench.streams.served.count }
            _ = try synchronizer.synchronize(take(["health-check": "tcp"]))
            #expect(servedBefore == 1)
            #expect(try endpoints() != direct)
            bench.settle()

            kernel.beforeCommit = { servedBefore = bench.streams.served.count }
            _ = try synchronizer.synchronize(take([:]))
            #expect(servedBefore == 1)
            #expect(try endpoints() == direct)
            // The connection that is being made now goes on where it began.
            #expect(bench.streams.served.count == 1)
            bench.settle()
            bench.pass(.milliseconds(900))
            #expect(bench.streams.served.count == 1)
            bench.pass(.milliseconds(200))
            #expect(bench.streams.served.isEmpty)
            #expect(try bench.marked().isEmpty)

            // The next process finds the port in the kernel's table, and writes nothing.
            _ = try synchronizer.synchronize(take(["health-check": "tcp"]))
            let streams = FakeStreams()
            let next = KernelSynchronizer(
                kernel: kernel,
                streams: try bench.host.run {
                    StreamControl(streams, settings: Self.handover, logger: bench.log.logger)
                },
                node: NodeFacts(name: "here"), settings: NodeSettings())
            _ = next.take(Self.objects(["health-check": "tcp"]))
            #expect(try next.readBack().kind == .unchanged)
            #expect(streams.served == bench.streams.served)
        }
    }

    private static func objects(_ annotations: [String: String]) -> [ObjectChange] {
        var service = Make.service(
            "web", clusterIPs: ["10.96.0.10"], ports: [ServicePort(name: "http", transport: .tcp, port: 80)])
        for (key, value) in annotations { service.metadata.annotations["fairlead.dev/\(key)"] = value }
        return [
            ObjectChange(key: ObjectKey(kind: .service, name: service.metadata.name), object: .service(service)),
            ObjectChange(
                key: ObjectKey(kind: .endpointSlice, name: Make.name("web-1")),
                object: .endpointSlice(
                    Make.slice("web-1", of: "web", endpoints: [Make.endpoint("10.244.1.2", node: "here")]))),
        ]
    }

    /// Where the kernel leads past, a socket is there only as long as it does.
    @Test func aReservationIsThereOnlyWhileTheKernelLeadsPast() throws {
        let settings = StreamScene.settings { $0.standsBy = true }
        try Self.withBench(settings) { (bench: Bench) throws in
            let address = StreamAddress(.tcp, Make.ip("192.168.50.2"), 30080)
            bench.prepareAll()
            #expect(bench.streams.reserved.isEmpty)
            bench.settle()
            #expect(bench.streams.reserved == [address])
            bench.prepareAll()
            bench.settle()
            #expect(bench.streams.takeHistory() == [.reserve(address)])
            _ = bench.control.prepare([Make.name("web"): nil], hints: nil)
            #expect(bench.streams.takeHistory() == [.withdraw(address)])
            bench.settle()
            #expect(bench.streams.takeHistory().isEmpty)
        }
    }

    @Test func whatIsServedNoLongerStaysReserved() throws {
        var settings = StreamScene.settings { $0.standsBy = true }
        try Self.withBench(settings) { (bench: Bench) throws in
            let address = StreamAddress(.tcp, Make.ip("192.168.50.2"), 30080)
            bench.prepareAll()
            bench.settle()
            settings.servesEverything = true
            _ = bench.control.adopt(settings, host: Bench.hostAddresses, podBlocks: [])
            bench.prepareAll()
            bench.settle(isAtOnce: true)
            #expect(bench.streams.served[address] != nil)
            #expect(bench.streams.reserved.isEmpty)
            settings.servesEverything = false
            _ = bench.control.adopt(settings, host: Bench.hostAddresses, podBlocks: [])
            bench.prepareAll()
            bench.settle()
            #expect(bench.streams.served[address] != nil)
            bench.pass(.seconds(1))
            #expect(bench.streams.served.isEmpty)
            #expect(bench.streams.reserved == [address])
        }
    }

    /// The kernel leads nobody to loopback, so nobody is on the way there.
    @Test func localhostIsLeftAtOnce() throws {
        try Self.withBench(StreamScene.settings { $0.servesLocalhost = true }) { (bench: Bench) throws in
            bench.prepareAll()
            bench.settle()
            #expect(bench.served == ["127.0.0.1:30080/tcp"])
            _ = bench.control.prepare([Make.name("web"): nil], hints: nil)
            bench.settle()
            #expect(bench.served.isEmpty)
        }
    }

    @Test func whatComesBackInTimeWasNeverGone() throws {
        try Self.withBench(Self.handover) { (bench: Bench) throws in
            bench.scene = StreamScene.web(["health-check": "tcp"])
            bench.prepareAll()
            bench.settle()
            let before = bench.streams.served
            _ = bench.streams.takeHistory()
            _ = bench.control.prepare([Make.name("web"): nil], hints: nil)
            bench.settle()
            bench.pass(.milliseconds(500))
            bench.prepareAll()
            bench.settle()
            bench.pass(.seconds(5))
            #expect(bench.streams.served == before)
            #expect(bench.streams.takeHistory().isEmpty)
        }
    }

    @Test func aTakenPortIsSaidOnceAndTriedAgain() throws {
        try Self.withBench(StreamScene.settings { $0.servesLocalhost = true }) { (bench: Bench) throws in
            let address = StreamAddress(.tcp, Make.ip("127.0.0.1"), 30080)
            bench.streams.refuse(address, "bind: Address already in use")
            for _ in 0..<3 {
                bench.prepareAll()
                bench.settle()
                bench.now = ContinuousClock.now + .seconds(6)
                bench.pass(.zero)
            }
            #expect(
                bench.log.lines == [
                    "warning a Service is not served at an address; it is tried again "
                        + "address=127.0.0.1:30080/tcp object=Service default/web:http reason=bind: Address already in use"
                ])
            #expect(bench.control.missingCount == 1)
            bench.streams.refuse(address, nil)
            bench.now = ContinuousClock.now + .seconds(12)
            bench.pass(.zero)
            #expect(bench.served == ["127.0.0.1:30080/tcp"])
            #expect(bench.control.missingCount == 0)
            #expect(
                bench.log.lines.last
                    == "notice a Service is no longer missing at an address address=127.0.0.1:30080/tcp")
        }
    }

    @Test func whatIsNotWantedAnyMoreIsNotMissed() throws {
        try Self.withBench(StreamScene.settings { $0.servesLocalhost = true }) { (bench: Bench) throws in
            bench.streams.refuse(StreamAddress(.tcp, Make.ip("127.0.0.1"), 30080), "taken")
            bench.prepareAll()
            bench.settle()
            _ = bench.control.prepare([Make.name("web"): nil], hints: nil)
            bench.settle()
            #expect(bench.control.missingCount == 0)
            #expect(bench.log.lines.count == 2)
        }
    }

    /// A port of the balancer's own can be another one, and the kernel leads there.
    @Test func aHandoverTakesAnotherPort() throws {
        try Self.withBench(Self.handover) { (bench: Bench) throws in
            bench.scene = StreamScene.web(["health-check": "tcp"])
            var fresh = StreamProgram(Self.handover)
            _ = fresh.apply(bench.scene.plans)
            for address in fresh.served.keys { bench.streams.refuse(address, "taken") }
            let plans = bench.prepareAll()
            bench.settle()
            let plan = try #require(plans[Make.name("web")])
            let targets = Set((plan?.frontends ?? []).flatMap(\.backends))
            #expect(!targets.isEmpty)
            #expect(targets == Set(bench.streams.served.keys.map { Backend($0.address, $0.port) }))
            #expect(bench.control.missingCount == 0)
            #expect(bench.log.lines.isEmpty)
        }
    }

    /// Without any port the Service is the kernel's, and not nobody's.
    @Test func aHandoverThatCannotBeIsNone() throws {
        try Self.withBench(StreamScene.settings { $0.balancer.ports = 20_000...20_007 }) { (bench: Bench) throws in
            bench.scene = StreamScene.web(["health-check": "tcp"])
            for port in UInt16(20_000)...20_007 {
                bench.streams.refuse(StreamAddress(.tcp, Make.ip("169.254.77.77"), port), "taken")
            }
            #expect(bench.prepareAll() == bench.scene.plans)
            bench.settle()
            #expect(bench.streams.served.isEmpty)
            #expect(bench.control.missingCount == 0)
        }
    }

    /// Without the right to change addresses, NodePorts are served all the same.
    @Test func withoutTheCapabilityNodePortsAreServed() throws {
        try Self.withBench(StreamScene.settings { $0.servesEverything = true }) { (bench: Bench) throws in
            try Capability.withoutNetworkAdministration {
                bench.prepareAll()
                bench.settle(isAtOnce: true)
            }
            #expect(bench.served == ["192.168.50.2:30080/tcp"])
            #expect(bench.log.lines(with: "error virtual IPs cannot be made").count == 1)
            #expect(bench.control.missingCount == 2)
            // Given later, it is used.
            bench.now = ContinuousClock.now + .seconds(6)
            bench.pass(.zero)
            #expect(bench.served.count == 3)
            #expect(bench.control.missingCount == 0)
        }
    }

    @Test func withoutTheCapabilityNothingIsHandedOver() throws {
        try Self.withBench(Self.handover) { (bench: Bench) throws in
            bench.scene = StreamScene.web(["health-check": "tcp"])
            var plans: [ObjectName: ServicePlan?] = [:]
            try Capability.withoutNetworkAdministration { plans = bench.prepareAll() }
            #expect(plans == bench.scene.plans)
        }
    }

    /// To everything and back, as when nftables goes and comes.
    @Test func fromOneModeToTheOther() throws {
        try Self.withBench(StreamScene.settings { $0.servesLocalhost = true }) { (bench: Bench) throws in
            bench.prepareAll()
            bench.settle()
            #expect(bench.served == ["127.0.0.1:30080/tcp"])
            var settings = StreamScene.settings { $0.servesLocalhost = true }
            settings.servesEverything = true
            #expect(bench.control.adopt(settings, host: Bench.hostAddresses, podBlocks: []))
            bench.prepareAll()
            bench.settle(isAtOnce: true)
            #expect(bench.served.count == 4)
            bench.streams.setOpenConnections(1, at: Make.ip("203.0.113.4"))
            settings.servesEverything = false
            #expect(bench.control.adopt(settings, host: Bench.hostAddresses, podBlocks: []))
            #expect(!bench.control.adopt(settings, host: Bench.hostAddresses, podBlocks: []))
            bench.prepareAll()
            bench.settle()
            #expect(bench.served.count == 4)
            bench.pass(.seconds(1))
            #expect(bench.served == ["127.0.0.1:30080/tcp"])
            #expect(try bench.marked() == ["203.0.113.4"])
        }
    }
}
