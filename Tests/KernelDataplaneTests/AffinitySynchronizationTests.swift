import ClusterState
import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// Session affinity in the kernel: what a change writes, and what it leaves alone.
@Suite(.serialized)
struct AffinitySynchronizationTests {
    private static func change(_ service: Service) -> ObjectChange {
        ObjectChange(key: ObjectKey(kind: .service, name: service.metadata.name), object: .service(service))
    }

    private static func slice(_ service: String, _ endpoints: some Sequence<Int>) -> ObjectChange {
        let slice = Make.slice(
            service, of: service,
            endpoints: endpoints.map { Make.endpoint("10.244.\($0 / 250).\($0 % 250 + 1)", node: "here") })
        return ObjectChange(
            key: ObjectKey(kind: .endpointSlice, name: slice.metadata.name), object: .endpointSlice(slice))
    }

    private static func service(_ name: String = "sticky", timeout: Int? = 600, number: Int = 10) -> Service {
        var service = Make.service(
            name, type: .nodePort, clusterIPs: ["10.96.0.\(number)"], externalIPs: ["203.0.113.\(number)"],
            ports: [ServicePort(name: "http", port: 80, nodePort: UInt16(30000 + number))])
        if let timeout { service.sessionAffinity = .clientIP(timeoutSeconds: timeout) }
        return service
    }

    /// Writes some changes, and sees that the kernel then holds what the program says, rule by rule.
    @discardableResult
    private func write(
        _ changes: [ObjectChange],
        _ synchronizer: KernelSynchronizer,
        _ fixture: KernelFixture
    ) throws -> KernelSynchronizer.Report {
        let report = try synchronizer.synchronize(synchronizer.take(changes))
        let held = try fixture.table()
        for chain in synchronizer.program.chainsInUse {
            #expect(
                held.rules[chain.name]?.map(\.expressions) == chain.rules.map { $0.expressions(in: .inet) },
                "\(chain.name)")
        }
        let wanted = synchronizer.program.elements()
        for set in FairleadSet.all {
            #expect(Set(held.elements[set.name] ?? []) == Set(wanted[set] ?? []), "\(set.name)")
        }
        return report
    }

    private func affinityChains(_ synchronizer: KernelSynchronizer) -> Set<String> {
        Set(synchronizer.program.chainsInUse.map(\.name).filter { $0.hasPrefix("affinity-") })
    }

    // MARK: - What a change writes

    /// A Service with three frontends and so many endpoints, beside others: three elements for an endpoint, and the
    /// verdicts of its frontends where their number changes.
    @Test(arguments: KernelKind.allCases, [3, 1000])
    func oneEndpointIsAFewElements(kind: KernelKind, count: Int) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        for number in 11..<30 {
            _ = synchronizer.take([
                Self.change(Self.service("other-\(number)", number: number)), Self.slice("other-\(number)", 0..<5),
            ])
        }
        _ = synchronizer.take([Self.change(Self.service()), Self.slice("sticky", 0..<count)])
        _ = try synchronizer.readBack()
        // One for addresses and one for NodePorts, for five endpoints and for so many.
        #expect(self.affinityChains(synchronizer).count == 4)
        let all = Array(0..<count)
        let steps: [(String, [Int], Int)] = [
            ("one comes", all + [count], 10), ("the first goes", Array(all.dropFirst()) + [count], 12),
            ("it comes back", all + [count], 10), ("one is replaced", all + [count + 1], 8), ("it goes", all, 12),
        ]
        for (step, endpoints, bound) in steps {
            let report = try self.write([Self.slice("sticky", endpoints)], synchronizer, fixture)
            #expect(report.kind == .updated)
            #expect(report.elementOperations <= bound, "\(step)")
        }
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    @Test(arguments: KernelKind.allCases)
    func anotherTimeoutIsAnotherChain(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        _ = synchronizer.take([Self.change(Self.service()), Self.slice("sticky", 0..<3)])
        _ = try synchronizer.readBack()
        let report = try self.write([Self.change(Self.service(timeout: 60))], synchronizer, fixture)
        #expect(report.kind == .updated)
        // The verdicts of three frontends.
        #expect(report.elementOperations == 6)
        #expect(Set(synchronizer.unusedChains.map(\.name)) == ["affinity-600s-3", "affinity-600s-nodeport-3"])
        if kind == .real { #expect(try fixture.shell("nft list table inet fairlead").contains("timeout 1m")) }
        #expect(try self.write([Self.change(Self.service(timeout: 60))], synchronizer, fixture).kind == .unchanged)
    }

    /// However many Services: no rule is a Service's own.
    @Test func servicesShareTheirChains() throws {
        let fixture = try KernelFixture(.fake)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        for number in 11..<200 {
            _ = synchronizer.take([
                Self.change(Self.service("sticky-\(number)", number: number)), Self.slice("sticky-\(number)", 0..<5),
            ])
        }
        _ = try synchronizer.readBack()
        #expect(self.affinityChains(synchronizer) == ["affinity-600s-5", "affinity-600s-nodeport-5"])
    }

    // MARK: - Who is remembered

    /// What rules have written is nobody's to mend: it stays through changes, a reading back and a restart.
    @Test func whoIsRememberedStaysRemembered() throws {
        let fixture = try KernelFixture(.real)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        let objects = [Self.change(Self.service()), Self.slice("sticky", 0..<3)]
        _ = synchronizer.take(objects)
        _ = try synchronizer.readBack()
        _ = try fixture.shell(
            """
            nft 'add element inet fairlead affinity4 { 192.0.2.77 . 0.0.18.103 timeout 600s : 10.244.0.1 }'
            nft 'add element inet fairlead affinity4 { 192.0.2.78 . 0.0.18.104 timeout 600s : 10.9.9.9 }'
            """)
        func areRemembered() throws -> Bool {
            let listing = try fixture.shell("nft list map inet fairlead affinity4")
            return listing.contains("192.0.2.77") && listing.contains("192.0.2.78")
        }
        #expect(try areRemembered())
        #expect(try fixture.table().elements["affinity4"] == nil)
        #expect(try synchronizer.readBack().kind == .unchanged)
        let restarted = SynchronizerTests.synchronizer(fixture.kernel)
        _ = restarted.take(objects)
        #expect(try restarted.readBack().kind == .unchanged)
        try self.write([Self.slice("sticky", 1..<5)], restarted, fixture)
        try self.write([Self.change(Self.service(timeout: 60))], restarted, fixture)
        #expect(try areRemembered())
        // Mending a table is not making it anew.
        _ = try fixture.shell("nft flush map inet fairlead affinity-slots4")
        #expect(try restarted.readBack().kind == .updated)
        #expect(try areRemembered())
    }

    // MARK: - There and back

    @Test(arguments: KernelKind.allCases)
    func affinityThatGoesAndComesBack(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        _ = synchronizer.take([Self.change(Self.service()), Self.slice("sticky", 0..<3)])
        _ = try synchronizer.readBack()
        let chains = self.affinityChains(synchronizer)
        #expect(chains == ["affinity-600s-3", "affinity-600s-nodeport-3"])

        try self.write([Self.change(Self.service(timeout: nil))], synchronizer, fixture)
        #expect(self.affinityChains(synchronizer).isEmpty)
        #expect(Set(synchronizer.unusedChains.map(\.name)) == chains)
        try self.write([Self.change(Self.service())], synchronizer, fixture)
        #expect(self.affinityChains(synchronizer) == chains)
        #expect(Set(synchronizer.unusedChains.map(\.name)) == ["balance-3", "balance-nodeport-3"])

        // And once more, with its chains removed meanwhile.
        try self.write([Self.change(Self.service(timeout: nil))], synchronizer, fixture)
        try synchronizer.remove(synchronizer.unusedChains)
        #expect(try fixture.table().chains.keys.filter { $0.hasPrefix("affinity-") }.isEmpty)
        try self.write([Self.change(Self.service())], synchronizer, fixture)
        #expect(self.affinityChains(synchronizer) == chains)
        #expect(try synchronizer.readBack().kind == .unchanged)
    }

    /// With hash tables and policies, there and back, all of one Service at once.
    @Test(arguments: KernelKind.allCases)
    func chainsThatComeBackHaveTheRightRules(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        _ = synchronizer.take([Self.slice("sticky", 0..<3)])
        _ = try synchronizer.readBack()
        let plain = Self.service(timeout: nil)
        var local = Self.service()
        local.externalTrafficPolicy = .local
        var hashed = plain
        hashed.metadata.annotations = [
            ServiceAnnotations.Key.algorithm: "flow-hash", ServiceAnnotations.Key.tableSize: "64",
        ]
        for service in [plain, local, hashed, plain, hashed, Self.service(), local, plain] {
            try self.write([Self.change(service)], synchronizer, fixture)
        }
        #expect(!synchronizer.unusedChains.isEmpty)
        try synchronizer.remove(synchronizer.unusedChains)
        #expect(try synchronizer.readBack().kind == .unchanged)
        for service in [local, hashed, plain] { try self.write([Self.change(service)], synchronizer, fixture) }
        #expect(try synchronizer.readBack().kind == .unchanged)
    }
}
