import Lab
import Linux
import Networking
import Nftables
import Testing

/// What only the real kernel does.
@Suite(.serialized)
struct NetlinkTests {
    private static let table = TableReference(.inet, "fairlead-test")
    private static let numbers = NamedSet(name: "numbers", key: .types(.ipv4Address, .port), size: 300_000)

    private static func elements(_ count: Int) -> [Element] {
        (0..<count).map { index in
            var key = ElementBytes()
            key.append(IPAddress(ipv4: UInt32(0x0a00_0000 + index)))
            key.append(port: 80)
            return Element(key: key)
        }
    }

    private static func subscribed(_ sandbox: Sandbox) throws -> (NetlinkKernel, NetlinkEvents) {
        try sandbox.host.run {
            let kernel = try NetlinkKernel()
            return (kernel, try NetlinkEvents(ignoring: kernel))
        }
    }

    /// Declares the set and fills it.
    private static func filling(_ count: Int) -> Transaction {
        var transaction = Transaction(Self.table)
        transaction.append(.addTable)
        transaction.append(.addSet(Self.numbers))
        transaction.add(Self.elements(count), to: Self.numbers)
        return transaction
    }

    @Test func aQuarterOfAMillionElementsGoInOneTransaction() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        let before = try kernel.generation()
        let receipt = try kernel.commit(Self.filling(250_000))
        #expect(try kernel.generation() == before + 1, "one transaction is one generation")
        #expect(receipt.bytes > 250_000 * 20)
        let snapshot = try #require(try kernel.snapshot(of: Self.table))
        #expect(Set(snapshot.elements["numbers"] ?? []) == Set(Self.elements(250_000)))
    }

    @Test func ownCommitsAreNotAnnouncedAndOthersAre() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let (kernel, events) = try Self.subscribed(sandbox)
        // More than any queue holds, if these were announced.
        _ = try kernel.commit(Self.filling(100_000))
        #expect(try events.receive() == [])

        try sandbox.host.shell("nft add table inet other")
        let foreign = try events.receive()
        #expect(foreign.first == .changed(TableReference(.inet, "other")))
        guard case .committed(let generation, _, let name)? = foreign.last else {
            Issue.record("no end of the commit in \(foreign)")
            return
        }
        #expect(generation == (try kernel.generation()))
        #expect(name == "nft")

        try sandbox.host.shell("nft add element inet fairlead-test numbers '{ 1.2.3.4 . 5 }'")
        #expect(try events.receive().contains(.changed(Self.table)))
        // Tables of others first: ours must be found behind them.
        try sandbox.host.shell("nft flush ruleset")
        #expect(try events.receive().contains(.changed(Self.table)))
    }

    @Test func anOverflowOfAnnouncementsIsToldNotHidden() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let (kernel, events) = try Self.subscribed(sandbox)
        let other = try sandbox.host.run { try NetlinkKernel() }
        _ = try other.commit(Self.filling(250_000))
        #expect(try events.receive().contains(.lost))
        // What can be asked for still can.
        #expect(try kernel.snapshot(of: Self.table)?.elements["numbers"]?.count == 250_000)
    }

    @Test func programmedAndLoadedFromTextAreTheSame() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        let ruleset = ExampleRuleset.make(Self.table)
        _ = try kernel.commit(ruleset.replacement())
        let programmed = try sandbox.host.shell("nft -s list ruleset")
        try sandbox.host.shell("nft flush ruleset; nft -f - <<'END'\n\(ruleset.text())\nEND")
        #expect(try sandbox.host.shell("nft -s list ruleset") == programmed)
        // And what nft lists loads again, to the same.
        try sandbox.host.shell(
            "nft -s list ruleset > /tmp/\(sandbox.host.namespace.name).nft; nft flush ruleset; nft -f /tmp/\(sandbox.host.namespace.name).nft; rm /tmp/\(sandbox.host.namespace.name).nft"
        )
        #expect(try sandbox.host.shell("nft -s list ruleset") == programmed)
        #expect(
            programmed.contains(
                "typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport"))
    }

    @Test func dumpsWhileOthersCommitAreConsistentOrRefused() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        _ = try kernel.commit(Self.filling(20_000))
        // Each commit replaces a pair: a dump that shows one of them, or three, is a mixture.
        let busy = try sandbox.host.spawn([
            "sh", "-c",
            "i=0; while [ $i -lt 60 ]; do i=$((i+1)); nft 'add element inet fairlead-test numbers { 1.1.1.1 . 1, 2.2.2.2 . 2 }'; nft 'delete element inet fairlead-test numbers { 1.1.1.1 . 1, 2.2.2.2 . 2 }'; done",
        ])
        var outcomes = 0
        while busy.isRunning {
            do {
                let count = try #require(try kernel.snapshot(of: Self.table)?.elements["numbers"]?.count)
                #expect(count == 20_000 || count == 20_002)
                outcomes += 1
            } catch let error as NftablesError {
                #expect(error.code == .changedMeanwhile)
                outcomes += 1
            }
        }
        #expect(outcomes > 0)
    }
}
