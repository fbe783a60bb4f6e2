import ClusterState
import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

extension KernelFixture {
    /// What the table holds, element by element.
    func table() throws -> TableSnapshot {
        try #require(try self.kernel.snapshot(of: FairleadTable.reference))
    }

    /// What the table means: which slot an endpoint has is left out, because that depends on history
    /// and no connection can tell.
    func meaning() throws -> [String: Set<String>] {
        let snapshot = try self.table()
        var meaning: [String: Set<String>] = [:]
        for (name, elements) in snapshot.elements {
            // Hash tables depend on no history, but are left out with the rest.
            let isSlotted =
                name.hasPrefix("endpoints") || name.hasPrefix("nodeport-endpoints") || name.hasPrefix("affinity-slots")
            meaning[name] = Set(
                elements.map { element in
                    let key = isSlotted ? Array(element.key.bytes.dropLast(4)) : element.key.bytes
                    return "\(key) \(element.value.map { "\($0)" } ?? "") \(element.comment ?? "") \(element.boundary)"
                })
        }
        return meaning
    }
}

@Suite(.serialized)
struct SynchronizerTests {
    static let node = NodeSettings(
        pods: .blocks(["10.244.0.0/16", "fd00:10:244::/48"].compactMap { CIDR($0) }),
        nodePortAddresses: [Make.ip("192.168.50.2"), Make.ip("fd00:50::2")])

    static func synchronizer(_ kernel: any NftablesKernel) -> KernelSynchronizer {
        KernelSynchronizer(
            kernel: kernel, node: NodeFacts(name: "here", zone: "a", addresses: self.node.nodePortAddresses),
            settings: self.node)
    }

    /// A difference that is applied makes what was there what is wanted: exactly what a kernel that
    /// has never held anything else gets.
    @Test(arguments: KernelKind.allCases)
    func anyHistoryEndsInTheSameTable(kind: KernelKind) throws {
        for seed in UInt64(1)...(kind == .fake ? 20 : 3) {
            let lived = try KernelFixture(kind)
            let synchronizer = Self.synchronizer(lived.kernel)
            _ = try synchronizer.readBack()
            var world = World(seed: seed)
            for _ in 0..<150 { _ = try synchronizer.synchronize(synchronizer.take([world.step()])) }

            let fresh = try KernelFixture(kind)
            let other = Self.synchronizer(fresh.kernel)
            _ = other.take(world.shuffled())
            _ = try other.readBack()
            #expect(try lived.meaning() == fresh.meaning(), "seed \(seed)")

            // The kernel holds what the program says, to the element.
            let wanted = synchronizer.program.elements()
            let held = try lived.table()
            for set in FairleadSet.all {
                #expect(Set(held.elements[set.name] ?? []) == Set(wanted[set] ?? []), "seed \(seed), \(set.name)")
            }
            // And a restart finds nothing to write.
            let restarted = Self.synchronizer(lived.kernel)
            _ = restarted.take(world.shuffled())
            #expect(try restarted.readBack().kind == .unchanged, "seed \(seed)")
        }
    }

    @Test(arguments: KernelKind.allCases)
    func whatDoesNotChangeIsNotSent(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = Self.synchronizer(fixture.kernel)
        var world = World(seed: 7)
        for _ in 0..<100 { _ = synchronizer.take([world.step()]) }
        _ = try synchronizer.readBack()
        let generation = try fixture.kernel.generation()
        #expect(try synchronizer.synchronize(synchronizer.take(world.shuffled())).kind == .unchanged)
        #expect(try synchronizer.readBack().kind == .unchanged)
        #expect(try fixture.kernel.generation() == generation)
    }

    /// Services with ten endpoints each, of which every one may be a client of its own.
    private func fill(_ synchronizer: KernelSynchronizer, services: Int, endpoints: Int) throws {
        for number in 0..<services {
            _ = synchronizer.take([
                self.change(
                    Make.service(
                        "svc-\(number)", clusterIPs: ["10.\(96 + number / 65536).\(number / 256 % 256).\(number % 256)"]
                    )),
                self.change(self.slice(number, endpoints: 0..<endpoints)),
            ])
        }
        _ = try synchronizer.readBack()
    }

    private func change(_ service: Service) -> ObjectChange {
        ObjectChange(key: ObjectKey(kind: .service, name: service.metadata.name), object: .service(service))
    }

    private func change(_ slice: EndpointSlice) -> ObjectChange {
        ObjectChange(key: ObjectKey(kind: .endpointSlice, name: slice.metadata.name), object: .endpointSlice(slice))
    }

    private func slice(_ number: Int, endpoints: some Sequence<Int>) -> EndpointSlice {
        Make.slice(
            "svc-\(number)", of: "svc-\(number)",
            endpoints: endpoints.map { Make.endpoint("10.\(128 + number % 100).\($0 / 256).\($0 % 256)", node: "here") }
        )
    }

    struct Scale: Sendable, CustomTestStringConvertible {
        let services: Int
        let endpoints: Int
        var testDescription: String { "\(self.services) x \(self.endpoints)" }
    }

    static let scales = [
        Scale(services: 1, endpoints: 1), Scale(services: 100, endpoints: 10), Scale(services: 2000, endpoints: 10),
        Scale(services: 1, endpoints: 5000),
    ]

    /// One endpoint that comes, goes or is replaced is at most six element operations, at any scale.
    @Test(arguments: KernelKind.allCases, scales)
    func oneEndpointIsAHandfulOfElements(kind: KernelKind, scale: Scale) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = Self.synchronizer(fixture.kernel)
        try self.fill(synchronizer, services: scale.services, endpoints: scale.endpoints)
        let all = Array(0..<scale.endpoints)
        let steps: [(String, [Int], Int)] = [
            ("one comes", all + [scale.endpoints], 4),
            ("the first goes", Array(all.dropFirst()) + [scale.endpoints], 6),
            ("it comes back", all + [scale.endpoints], 4),
            ("one is replaced", all + [scale.endpoints + 1], 4),
            ("the last goes", all, 6),
            ("nothing", all, 0),
        ]
        for (step, endpoints, bound) in steps {
            let report = try synchronizer.synchronize(
                synchronizer.take([self.change(self.slice(0, endpoints: endpoints))]))
            #expect(report.elementOperations <= bound, "\(step)")
            #expect((report.kind == .unchanged) == (bound == 0), "\(step)")
        }
    }

    /// Whatever another program did to the table, reading back mends it.
    @Test(arguments: [
        "delete table inet fairlead", "flush ruleset", "flush chain inet fairlead services",
        "flush map inet fairlead endpoints4", "add rule inet fairlead services accept",
        "add chain inet fairlead intruder",
        "add set inet fairlead intruder { type ipv4_addr; }", "flush set inet fairlead cluster-ips4",
        "add element inet fairlead cluster-ips4 { 1.2.3.4 }",
        "add element inet fairlead hairpins6 { fd00::9 . fd00::8 }",
        "add element inet fairlead endpoints4 { 10.96.0.0 . tcp . 80 . 77 : 9.9.9.9 . 9 }",
        "add element inet fairlead frontends4 { 10.96.9.9 . tcp . 80 : drop }",
        "delete element inet fairlead endpoints4 { 10.96.0.0 . tcp . 80 . 0 }",
        "insert rule inet fairlead balance-10 drop", "flush chain inet fairlead balance-10",
        "add table inet fairlead { flags dormant; }", "add chain inet fairlead output { policy drop; }",
        "add element inet fairlead nodeports4 { * : drop }", "add counter inet fairlead intruder",
        "add element inet fairlead pod-cidrs4 { 172.16.0.0/12 }", "flush set inet fairlead node-ips4",
        "add element inet fairlead pod-cidrs4 { 10.245.0.0/16, 10.243.0.0/16, 224.0.0.0/3 }",
        "add element inet fairlead service-cidrs4 { 0.0.0.0/0 }", "flush set inet fairlead plain-sources4",
        "add element inet fairlead admitted-sources4 { 10.96.0.0 . tcp . 80 . 192.0.2.0/24 }",
        "add element inet fairlead affinity-slots4 { 4711 . 0 : 10.9.9.9 }",
    ])
    func foreignEditsAreRepaired(edit: String) throws {
        let fixture = try KernelFixture(.real)
        let synchronizer = Self.synchronizer(fixture.kernel)
        try self.fill(synchronizer, services: 3, endpoints: 10)
        let before = try fixture.shell("nft -s list table inet fairlead")
        _ = try fixture.shell("nft '\(edit)'")
        #expect(try synchronizer.readBack().kind != .unchanged)
        #expect(try synchronizer.readBack().kind == .unchanged)
        let wanted = synchronizer.program.elements()
        let held = try fixture.table()
        for set in FairleadSet.all { #expect(Set(held.elements[set.name] ?? []) == Set(wanted[set] ?? [])) }
        let after = try fixture.shell("nft -s list table inet fairlead")
        #expect(before.split(separator: "\n").count == after.split(separator: "\n").count)
    }

    @Test func aRefusalIsFollowedByAReadback() throws {
        let fake = FakeKernel()
        let synchronizer = Self.synchronizer(fake)
        try self.fill(synchronizer, services: 2, endpoints: 3)
        fake.failures = [NftablesError(.refused, number: 12, subject: "x", reason: "out of memory")]
        let services = synchronizer.take([self.change(self.slice(0, endpoints: 0..<5))])
        #expect(throws: NftablesError.self) { try synchronizer.synchronize(services) }
        #expect(synchronizer.needsReadback)
        // Nothing is lost: the change that was refused is in force after the next one.
        let report = try synchronizer.synchronize([])
        #expect(report.kind == .updated)
        #expect(report.elementsRead != nil)
        #expect(synchronizer.program.frontends.values.map(\.main.slots.count).sorted() == [3, 5])
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    @Test func aForeignCommitBetweenDumpAndWriteIsNoticed() throws {
        let fake = FakeKernel()
        let synchronizer = Self.synchronizer(fake)
        try self.fill(synchronizer, services: 2, endpoints: 3)
        _ = synchronizer.take([self.change(self.slice(0, endpoints: 0..<5))])
        var foreign = Transaction(FairleadTable.reference)
        foreign.append(
            .addElements(
                FairleadSet(.clusterIPs, .ipv4).declaration(size: 16384), [Element(key: ElementBytes([9, 9, 9, 9]))]))
        fake.beforeCommit = { _ = try? fake.commit(foreign) }
        _ = try synchronizer.readBack()
        let held = try #require(try fake.snapshot(of: FairleadTable.reference))
        #expect(
            Set(held.elements["cluster-ips4"] ?? [])
                == Set(synchronizer.program.elements()[FairleadSet(.clusterIPs, .ipv4)] ?? []))
    }

    @Test(arguments: KernelKind.allCases)
    func aFullMapGrows(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = Self.synchronizer(fixture.kernel)
        try self.fill(synchronizer, services: 1, endpoints: 10)
        let small = try #require(try fixture.table().sets["nodeports4"]?.size)
        var changes: [ObjectChange] = []
        for number in 0..<Int(small) + 10 {
            let port = ServicePort(name: "http", transport: .tcp, port: 80, nodePort: UInt16(20000 + number))
            changes.append(
                self.change(
                    Make.service(
                        "np-\(number)", type: .nodePort, clusterIPs: ["10.97.\(number / 256).\(number % 256)"],
                        ports: [port])))
        }
        let report = try synchronizer.synchronize(synchronizer.take(changes))
        #expect(report.kind == .replaced)
        #expect(try fixture.table().sets["nodeports4"]?.size == small * 2)
        #expect(try fixture.table().elements["nodeports4"]?.count == changes.count)
        // The size is kept by a restart, and by the next change.
        #expect(try synchronizer.readBack().kind == .unchanged)
        #expect(
            try synchronizer.synchronize(synchronizer.take([self.change(self.slice(0, endpoints: 0..<3))])).kind
                == .updated)
    }

    @Test(arguments: KernelKind.allCases)
    func chainsThatNothingUsesGo(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = Self.synchronizer(fixture.kernel)
        try self.fill(synchronizer, services: 2, endpoints: 4)
        for count in [5, 6, 7] {
            _ = try synchronizer.synchronize(synchronizer.take([self.change(self.slice(0, endpoints: 0..<count))]))
        }
        #expect(Set(synchronizer.unusedChains.map(\.name)) == ["balance-5", "balance-6"])
        #expect(try fixture.table().chains["balance-6"] != nil)
        // One that is in use stays, whatever is asked.
        try synchronizer.remove(synchronizer.unusedChains.union([Balancer(.address, slots: 7)]))
        #expect(synchronizer.unusedChains.isEmpty)
        let chains = try fixture.table().chains.keys.filter { $0.hasPrefix("balance") }
        #expect(Set(chains) == ["balance-4", "balance-7"])
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    @Test(arguments: KernelKind.allCases)
    func theTableIsRemovedWhole(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        #expect(try KernelSynchronizer.removeTable(from: fixture.kernel) == false)
        _ = try Self.synchronizer(fixture.kernel).readBack()
        #expect(try KernelSynchronizer.removeTable(from: fixture.kernel) == true)
        #expect(try fixture.kernel.snapshot(of: FairleadTable.reference) == nil)
    }
}
