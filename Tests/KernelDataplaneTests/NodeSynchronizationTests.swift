import ClusterState
import KernelDataplane
import KubernetesAPI
import Lab
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// What a change of the node is in the kernel.
@Suite(.serialized)
struct NodeSynchronizationTests {
    private static func settings(_ blocks: [String], addresses: [String] = ["192.168.50.2"]) -> NodeSettings {
        NodeSettings(nodePortAddresses: Set(addresses.map(Make.ip)), serviceCIDRs: Set(blocks.compactMap { CIDR($0) }))
    }

    private func check(_ synchronizer: KernelSynchronizer, _ fixture: KernelFixture) throws {
        let wanted = synchronizer.program.elements()
        let held = try fixture.table()
        for set in FairleadSet.all {
            #expect(Set(held.elements[set.name] ?? []) == Set(wanted[set] ?? []), "\(set.name)")
        }
    }

    @Test(arguments: KernelKind.allCases)
    func aChangeIsSmall(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = KernelSynchronizer(
            kernel: fixture.kernel, node: NodeFacts(name: "here"), settings: Self.settings([]))
        _ = try synchronizer.readBack()
        let base = ["10.96.0.0/16", "fd00:10:96::/112"]
        let steps: [(NodeSettings, Int)] = [
            (Self.settings(base), 4), (Self.settings(base), 0),
            // One that lies in another says nothing new; one that touches makes it longer.
            (Self.settings(base + ["10.96.128.0/20"]), 0), (Self.settings(base + ["10.97.0.0/16"]), 4),
            (Self.settings(base + ["10.95.0.0/16"]), 4), (Self.settings(["10.96.0.0/16"]), 6),
            (Self.settings(["10.96.0.0/16"], addresses: ["192.168.50.2", "fd00:50::2"]), 1),
            (Self.settings(["10.96.0.0/16"], addresses: ["192.168.50.3", "fd00:50::2"]), 2),
            (Self.settings([], addresses: []), 4),
        ]
        for (settings, bound) in steps {
            let report = try synchronizer.synchronize(settings)
            #expect(report.kind == (bound == 0 ? .unchanged : .updated), "\(settings)")
            #expect(report.elementOperations <= bound, "\(settings)")
            try self.check(synchronizer, fixture)
        }
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    /// Blocks come and go, in each other and side by side.
    @Test(arguments: KernelKind.allCases)
    func anyBlocksAfterAnyOthers(kind: KernelKind) throws {
        let blocks = [
            "10.96.0.0/16", "10.96.0.0/24", "10.96.1.0/24", "10.96.3.0/24", "10.95.255.0/24", "10.97.0.0/16",
            "10.97.0.0/24", "0.0.0.0/0", "224.0.0.0/3", "255.255.255.255/32", "0.0.0.0/32", "fd00::/112",
            "fd00::1:0/112",
            "fd00::/108", "::/0", "ff00::/8",
        ]
        for seed in UInt64(1)...3 {
            var random = SeededGenerator(seed: seed)
            let fixture = try KernelFixture(kind)
            let synchronizer = KernelSynchronizer(
                kernel: fixture.kernel, node: NodeFacts(name: "here"), settings: Self.settings([]))
            _ = try synchronizer.readBack()
            for _ in 0..<60 {
                let some = blocks.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
                _ = try synchronizer.synchronize(Self.settings(some))
                try self.check(synchronizer, fixture)
            }
            #expect(try synchronizer.readBack().kind == .unchanged)
        }
    }

    /// Source ranges of two load balancers at one table come and go, in each other and side by side.
    @Test(arguments: KernelKind.allCases)
    func anySourceRangesAfterAnyOthers(kind: KernelKind) throws {
        let blocks = [
            "192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "192.0.3.0/24", "192.0.0.0/16", "0.0.0.0/1",
            "128.0.0.0/1", "192.168.50.0/24", "255.255.255.255/32", "2001:db8::/32", "2001:db8:1::/48", "::/1",
        ]
        for seed in UInt64(1)...3 {
            var random = SeededGenerator(seed: seed)
            let fixture = try KernelFixture(kind)
            let settings = Self.settings([])
            let synchronizer = KernelSynchronizer(
                kernel: fixture.kernel, node: NodeFacts(name: "here", addresses: settings.nodePortAddresses),
                settings: settings)
            _ = try synchronizer.readBack()
            for _ in 0..<60 {
                let number = Int.random(in: 1...2, using: &random)
                var service = Make.service(
                    "web-\(number)", type: .loadBalancer, clusterIPs: ["10.96.0.\(number)", "fd00::\(number)"])
                service.loadBalancerIPs = [Make.ip("203.0.113.\(number)"), Make.ip("2001:db8::\(number)")]
                service.loadBalancerSourceRanges =
                    blocks.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.compactMap { CIDR($0) }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    service.metadata.annotations[ServiceAnnotations.Key.deniedSources] = blocks.randomElement(
                        using: &random)
                }
                let key = ObjectKey(kind: .service, name: service.metadata.name)
                let affected = synchronizer.take([ObjectChange(key: key, object: .service(service))])
                _ = try synchronizer.synchronize(affected)
                try self.check(synchronizer, fixture)
            }
            #expect(try synchronizer.readBack().kind == .unchanged)
        }
    }

    /// By which interface pods come is in the rules: the table is made anew, in one transaction.
    @Test(arguments: KernelKind.allCases)
    func otherRulesAreANewTable(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        var settings = Self.settings(["10.96.0.0/16"])
        let synchronizer = KernelSynchronizer(kernel: fixture.kernel, node: NodeFacts(name: "here"), settings: settings)
        _ = try synchronizer.readBack()
        let generation = try fixture.kernel.generation()
        settings.pods = .interface("cali*")
        #expect(try synchronizer.synchronize(settings).kind == .replaced)
        #expect(try fixture.kernel.generation() == generation + 1)
        try self.check(synchronizer, fixture)
        #expect(try synchronizer.readBack().kind == .unchanged)
        settings.pods = .blocks(["10.244.0.0/16"].compactMap { CIDR($0) })
        #expect(try synchronizer.synchronize(settings).kind == .replaced)
        settings.pods = .blocks(["10.0.0.0/8"].compactMap { CIDR($0) })
        #expect(try synchronizer.synchronize(settings).kind == .updated)
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    /// Settings that are adopted are written by the reading back.
    @Test func settingsThatComeBeforeAReadingBack() throws {
        let fake = FakeKernel()
        let synchronizer = KernelSynchronizer(kernel: fake, node: NodeFacts(name: "here"), settings: Self.settings([]))
        synchronizer.adopt(Self.settings(["10.96.0.0/16"]))
        #expect(synchronizer.needsReadback)
        _ = try synchronizer.readBack()
        #expect(try fake.snapshot(of: FairleadTable.reference)?.elements["service-cidrs4"]?.count == 2)
        #expect(try synchronizer.synchronize(Self.settings(["10.96.0.0/16"])).kind == .unchanged)
    }
}
