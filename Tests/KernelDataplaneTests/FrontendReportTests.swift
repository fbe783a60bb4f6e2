import ClusterState
import Conntrack
import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// What `fairlead get frontends` is told.
@Suite struct FrontendReportTests {
    private static let web = Frontend(.address(Make.ip("10.96.0.1")), .tcp, 80)
    private static let nodePort = Frontend(.node(.ipv4), .tcp, 30080)

    private final class World {
        let kernel = FakeKernel()
        let synchronizer: KernelSynchronizer

        init() throws {
            self.synchronizer = SynchronizerTests.synchronizer(self.kernel)
            _ = try self.synchronizer.readBack()
            try self.put(endpoints: ["10.244.0.1"])
        }

        func put(endpoints: [String]) throws {
            let service = Make.service(
                "web", type: .nodePort, clusterIPs: ["10.96.0.1"],
                ports: [.init(name: "http", transport: .tcp, port: 80, nodePort: 30080)])
            let slice = Make.slice("web-1", of: "web", endpoints: endpoints.map { Make.endpoint($0) })
            _ = try self.synchronizer.synchronize(
                self.synchronizer.take([
                    ObjectChange(
                        key: ObjectKey(kind: .service, name: service.metadata.name), object: .service(service)),
                    ObjectChange(
                        key: ObjectKey(kind: .endpointSlice, name: slice.metadata.name), object: .endpointSlice(slice)),
                ]))
        }

        func plan(isPending: Bool = false) -> TablePlan {
            TablePlan(
                program: self.synchronizer.program, revision: self.synchronizer.revision, isPending: isPending,
                mode: .nftables)
        }

        func reading() throws -> FrontendReport.Reading {
            .table(try self.kernel.snapshot(of: FairleadTable.reference))
        }

        var traffic: FrontendTraffic {
            FrontendTraffic(
                of: self.synchronizer.program.frontends, nodeAddresses: [Make.ip("192.168.50.2")],
                isAccounted: true)
        }
    }

    private static func standings(_ report: FrontendReport) -> [Frontend: FrontendReport.Standing] {
        Dictionary(uniqueKeysWithValues: report.items.map { ($0.frontend, $0.standing) })
    }

    @Test func `all is well`() throws {
        let world = try World()
        let report = FrontendReport(world.plan(), try world.reading(), world.plan(), world.traffic)
        #expect(report.isTableExact == true)
        #expect(Self.standings(report) == [Self.web: .exact, Self.nodePort: .exact])
        #expect(report.items.allSatisfy { $0.servicePort.hasPrefix("default/web") && $0.traffic.connections == 0 })
        #expect(report.items.allSatisfy { $0.traffic.bytes == 0 })
    }

    @Test func `some frontends say nothing of the table`() throws {
        let world = try World()
        let plan = world.plan()
        func report(_ plan: TablePlan, _ frontends: [Frontend]) throws -> FrontendReport {
            let scope = KernelAudit.scope(ofEach: frontends, in: plan.program)
            let snapshot = try world.kernel.snapshot(of: FairleadTable.reference, scope)
            return FrontendReport(plan, .table(snapshot), world.plan(), world.traffic, of: frontends)
        }
        var part = try report(plan, [Self.web])
        #expect(part.isTableExact == nil && part.items.map(\.frontend) == [Self.web])
        #expect(part.items.map(\.standing) == [.exact] && part.items.map(\.service.name) == ["web"])
        #expect(try report(plan, []).items.isEmpty)
        try world.put(endpoints: ["10.244.0.1", "10.244.0.2"])
        part = try report(plan, [Self.nodePort])
        #expect(part.items.map(\.standing) == [.changing])
    }

    @Test func `what others take away differs, and everything does where what all have in common is gone`() throws {
        let world = try World()
        let plan = world.plan()
        let set = FairleadSet(.frontends, .ipv4)
        let declaration = try #require(plan.program.declarations[set])
        let elements = try #require(try world.kernel.snapshot(of: FairleadTable.reference)?.elements[set.name])
        var transaction = Transaction(FairleadTable.reference)
        transaction.append(.deleteElements(declaration, elements.filter { $0.key == Self.web.key }))
        _ = try world.kernel.commit(transaction)
        var report = FrontendReport(plan, try world.reading(), world.plan(), world.traffic)
        #expect(report.isTableExact == false)
        #expect(Self.standings(report) == [Self.web: .differs, Self.nodePort: .exact])
        #expect(report.items.first { $0.frontend == Self.web }?.wrongElements == 1)

        transaction = Transaction(FairleadTable.reference)
        transaction.append(.flushChain("services"))
        _ = try world.kernel.commit(transaction)
        report = FrontendReport(plan, try world.reading(), world.plan(), world.traffic)
        #expect(Self.standings(report) == [Self.web: .differs, Self.nodePort: .differs])

        _ = try KernelSynchronizer.removeTable(from: world.kernel)
        report = FrontendReport(plan, try world.reading(), world.plan(), world.traffic)
        #expect(report.isTableExact == false && report.items.allSatisfy { $0.standing == .differs })
    }

    @Test func `what changes meanwhile is changing`() throws {
        let world = try World()
        let before = world.plan()
        try world.put(endpoints: ["10.244.0.1", "10.244.0.2"])
        var report = FrontendReport(before, try world.reading(), world.plan(), world.traffic)
        #expect(report.isTableExact == nil)
        #expect(report.items.allSatisfy { $0.standing == .changing }, "\(report)")

        // Not written yet, or refused by the kernel.
        let now = world.plan()
        report = FrontendReport(now, try world.reading(), world.plan(isPending: true), world.traffic)
        #expect(report.isTableExact == nil && report.items.allSatisfy { $0.standing == .changing })
        report = FrontendReport(now, .changing, now, world.traffic)
        #expect(report.isTableExact == nil && report.items.allSatisfy { $0.standing == .changing })
        #expect(FrontendReport(now, try world.reading(), now, world.traffic).isTableExact == true)
    }

    @Test func `connections are counted once, where they belong, until they are over`() throws {
        let world = try World()
        var traffic = world.traffic
        func flow(
            to destination: String, _ port: UInt16, from clientPort: UInt16, state: UInt8 = 3, isTranslated: Bool = true
        ) -> ConntrackFlow {
            let (client, target) = (Make.ip("192.168.50.9"), Make.ip(destination))
            return ConntrackFlow(
                transport: .tcp,
                original: .init(source: client, sourcePort: clientPort, destination: target, destinationPort: port),
                reply: .init(
                    source: Make.ip("10.244.0.1"), sourcePort: 8080, destination: client, destinationPort: clientPort),
                identifier: UInt32(clientPort), isDestinationTranslated: isTranslated, tcpState: state, bytes: 100)
        }
        traffic.note(flow(to: "10.96.0.1", 80, from: 1000, state: 1))
        // The same one, in an interrupted dump's repetition.
        traffic.note(flow(to: "10.96.0.1", 80, from: 1000))
        traffic.note(flow(to: "10.96.0.1", 80, from: 1001))
        traffic.note(flow(to: "10.96.0.1", 80, from: 1002))
        traffic.note(flow(to: "10.96.0.1", 80, from: 1002, state: 7))
        traffic.note(flow(to: "10.96.0.1", 81, from: 1003))
        traffic.note(flow(to: "192.168.50.2", 30080, from: 1004))
        // The same port of another host, and of ours without a translation.
        traffic.note(flow(to: "192.168.50.3", 30080, from: 1005))
        traffic.note(flow(to: "192.168.50.2", 30080, from: 1006, isTranslated: false))
        let counts = traffic.counts()
        #expect(counts.count == 2)
        #expect(counts[Self.web]?.connections == 2 && counts[Self.web]?.bytes == 200)
        #expect(counts[Self.nodePort]?.connections == 1)
        #expect(traffic.scopes.map(\.transport) == [.tcp] && traffic.scopes.map(\.family) == [.ipv4])

        // Of the NodePort alone: what goes to an address of its own is not its, whatever else is asked for.
        var part = FrontendTraffic(
            of: world.synchronizer.program.frontends, selected: [Self.nodePort],
            nodeAddresses: [Make.ip("192.168.50.2"), Make.ip("10.96.0.1")], isAccounted: false)
        part.note(flow(to: "10.96.0.1", 80, from: 1000))
        part.note(flow(to: "192.168.50.2", 30080, from: 1001))
        #expect(part.counts().mapValues(\.connections) == [Self.nodePort: 1])
    }
}
