import Lab
import Nftables
import Testing

/// Tables of other programs, as far as names go.
@Suite(.serialized)
struct TableOutlineTests {
    private static let table = TableReference(.ipv4, "nat")

    private static func kernel(_ sandbox: Sandbox) throws -> NetlinkKernel {
        try sandbox.host.run { try NetlinkKernel() }
    }

    @Test func tablesOfEveryFamilyThatHasAName() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try Self.kernel(sandbox)
        #expect(try kernel.tables() == [])
        try sandbox.host.shell(
            "for t in 'ip one' 'ip6 one' 'inet two' 'arp three' 'bridge four'; do nft add table $t; done")
        #expect(
            Set(try kernel.tables()) == [
                TableReference(.ipv4, "one"), TableReference(.ipv6, "one"), TableReference(.inet, "two"),
            ])
    }

    @Test func jumpsAreFoundWhateverElseARuleDoes() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try Self.kernel(sandbox)
        #expect(try kernel.outline(of: Self.table).chains == [])
        try sandbox.host.shell(
            """
            iptables-nft-restore <<'END'
            *nat
            :one - [0:0]
            :two - [0:0]
            -A PREROUTING -m comment --comment "-j two" -m statistic --mode random --probability 0.5 -j one
            -A PREROUTING -m addrtype --dst-type LOCAL -g two
            -A PREROUTING -m addrtype --dst-type LOCAL -j ACCEPT
            -A one -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80
            -A one -j two
            COMMIT
            *filter
            :two - [0:0]
            -A INPUT -j two
            COMMIT
            END
            """)
        let outline = try kernel.outline(of: Self.table)
        #expect(outline.chains == ["PREROUTING", "one", "two"])
        #expect(outline.generation == (try kernel.generation()))
        let jumps = outline.jumps.map { "\($0.chain) \($0.target)" }
        #expect(jumps.sorted() == ["PREROUTING one", "PREROUTING two", "one two"])
        let listing = try sandbox.host.shell("nft -a list table ip nat")
        for jump in outline.jumps {
            let line = listing.split(separator: "\n").first { $0.hasSuffix("# handle \(jump.handle)") }
            #expect(line?.contains(jump.target) == true, "\(jump) in \(listing)")
        }
    }

    @Test func aRuleOfAnybodyIsDeletedByItsHandle() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let kernel = try Self.kernel(sandbox)
        try sandbox.host.shell(
            """
            iptables-nft -t nat -N one
            for port in 1 2 3; do iptables-nft -t nat -A OUTPUT -p udp -m udp --dport $port -j one; done
            """)
        let jumps = try kernel.outline(of: Self.table).jumps
        #expect(jumps.count == 3)
        var transaction = Transaction(Self.table)
        transaction.append(.deleteRule(chain: "OUTPUT", handle: jumps[1].handle))
        _ = try kernel.commit(transaction)
        #expect(try kernel.outline(of: Self.table).jumps == [jumps[0], jumps[2]])
        let error = #expect(throws: NftablesError.self) { try kernel.commit(transaction) }
        #expect(error?.number == 2)
        #expect(error?.subject == "rule with handle \(jumps[1].handle) in chain OUTPUT in table ip nat")
    }
}
