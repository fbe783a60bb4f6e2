import ClusterState
import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// The kernel beside what is planned.
@Suite(.serialized)
struct KernelAuditTests {
    private static func synchronizer(_ fixture: KernelFixture, seed: UInt64) throws -> KernelSynchronizer {
        let synchronizer = SynchronizerTests.synchronizer(fixture.kernel)
        var world = World(seed: seed)
        _ = try synchronizer.readBack()
        for _ in 0..<100 { _ = try synchronizer.synchronize(synchronizer.take([world.step()])) }
        try #require(synchronizer.program.frontends.count > 3)
        return synchronizer
    }

    private static func audit(_ synchronizer: KernelSynchronizer, _ fixture: KernelFixture) throws -> KernelAudit {
        KernelAudit(synchronizer.program, try fixture.kernel.snapshot(of: FairleadTable.reference))
    }

    @Test(arguments: KernelKind.allCases)
    func `whatever has happened, it is exact`(kind: KernelKind) throws {
        for seed in UInt64(1)...(kind == .fake ? 10 : 2) {
            let fixture = try KernelFixture(kind)
            let audit = try Self.audit(try Self.synchronizer(fixture, seed: seed), fixture)
            #expect(audit.isExact == true, "seed \(seed): \(audit)")
        }
    }

    @Test(arguments: KernelKind.allCases)
    func `what others change is told of the frontend that it is of`(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let synchronizer = try Self.synchronizer(fixture, seed: 3)
        let (frontend, _) = try #require(
            synchronizer.program.frontends.first { frontend, _ in
                if case .address = frontend.location { frontend.family == .ipv4 } else { false }
            })
        let set = FairleadSet(.frontends, .ipv4)
        let elements = try fixture.table().elements[set.name] ?? []
        let element = try #require(elements.first { $0.key == frontend.key })
        let declaration = try #require(synchronizer.program.declarations[set])

        func commit(_ operations: Transaction.Operation...) throws {
            var transaction = Transaction(FairleadTable.reference)
            for operation in operations { transaction.append(operation) }
            _ = try fixture.kernel.commit(transaction)
        }
        try commit(.deleteElements(declaration, [element]))
        var audit = try Self.audit(synchronizer, fixture)
        #expect(audit.hasFrame && audit.differences == [frontend: 1] && audit.others == 0, "\(audit)")

        var other = element
        other.value = .verdict(.accept)
        other.comment = "somebody else's"
        try commit(.addElements(declaration, [other]))
        audit = try Self.audit(synchronizer, fixture)
        #expect(audit.differences == [frontend: 1], "\(audit)")

        try commit(.deleteElements(declaration, [other]), .addElements(declaration, [element]))
        #expect(try Self.audit(synchronizer, fixture).isExact == true)

        // Of nobody.
        let addresses = try #require(synchronizer.program.declarations[FairleadSet(.clusterIPs, .ipv4)])
        var key = ElementBytes()
        key.append(Make.ip("10.97.1.1"))
        try commit(.addElements(addresses, [Element(key: key)]))
        audit = try Self.audit(synchronizer, fixture)
        #expect(audit.hasFrame && audit.differences.isEmpty && audit.others == 1, "\(audit)")

        try commit(.flushChain("services"))
        #expect(try !Self.audit(synchronizer, fixture).hasFrame)
    }

    /// Of some frontends it says what it says of them among all, though the kernel is asked for their elements only.
    @Test(arguments: KernelKind.allCases)
    func `some frontends by themselves`(kind: KernelKind) throws {
        for seed in UInt64(20)...(kind == .fake ? 30 : 21) {
            let fixture = try KernelFixture(kind)
            let synchronizer = try Self.synchronizer(fixture, seed: seed)
            let program = synchronizer.program
            // What is taken away: every third element of a frontend.
            var gone = Transaction(FairleadTable.reference)
            for set in [FairleadSet.Kind.frontends, .nodeports, .endpoints, .admittedSources].flatMap({ kind in
                AddressFamily.allCases.map { FairleadSet(kind, $0) }
            }) {
                let elements = try fixture.table().elements[set.name] ?? []
                let some = elements.indices.filter { $0 % 3 == 0 }.map { elements[$0] }
                if let declaration = program.declarations[set], !some.isEmpty {
                    gone.append(.deleteElements(declaration, some))
                }
            }
            _ = try fixture.kernel.commit(gone)
            let whole = try Self.audit(synchronizer, fixture)
            try #require(whole.isExact == false && !whole.differences.isEmpty)

            func part(_ frontends: [Frontend]) throws -> KernelAudit {
                let scope = KernelAudit.scope(ofEach: frontends, in: program)
                return KernelAudit(
                    program, try fixture.kernel.snapshot(of: FairleadTable.reference, scope), of: frontends)
            }
            for frontend in program.frontends.keys {
                let audit = try part([frontend])
                #expect(audit.hasFrame && audit.others == nil, "seed \(seed): \(audit)")
                #expect(audit.differences[frontend] == whole.differences[frontend], "seed \(seed): \(frontend)")
                #expect(audit.isExact == (whole.differences[frontend] == nil ? nil : false))
            }
            #expect(try part(Array(program.frontends.keys)).differences == whole.differences, "seed \(seed)")
            #expect(try part([Frontend(.node(.ipv4), .tcp, 1)]).differences.isEmpty)
        }
    }

    @Test func `without a table nothing is there`() throws {
        let fixture = try KernelFixture(.fake)
        let synchronizer = try Self.synchronizer(fixture, seed: 1)
        _ = try KernelSynchronizer.removeTable(from: fixture.kernel)
        let audit = try Self.audit(synchronizer, fixture)
        #expect(!audit.hasFrame && audit.isExact == false)
        #expect(Set(audit.differences.keys) == Set(synchronizer.program.frontends.keys))
        #expect(audit.differences.values.allSatisfy { $0 > 0 })
    }

    @Test func `a revision tells that something was written, and nothing else`() throws {
        let fixture = try KernelFixture(.fake)
        let synchronizer = try Self.synchronizer(fixture, seed: 1)
        let revision = synchronizer.revision
        _ = try synchronizer.synchronize([])
        _ = try synchronizer.synchronize(synchronizer.planner.serviceNames.prefix(3).reduce(into: []) { $0.insert($1) })
        #expect(synchronizer.revision == revision)
        let service = Make.service(
            "brand-new", clusterIPs: ["10.96.9.9"], ports: [.init(name: "http", transport: .tcp, port: 80)])
        _ = try synchronizer.synchronize(
            synchronizer.take([
                .init(
                    key: .init(kind: .service, name: service.metadata.name), object: .service(service))
            ]))
        #expect(synchronizer.revision != revision)
    }
}
