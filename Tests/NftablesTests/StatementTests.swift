import Networking
import Nftables
import TestSupport
import Testing

/// Statements that write into packets and sets, and numbers that are computed: what is lowered is what a dump says.
@Suite(.serialized)
struct StatementTests {
    private static let table = TableReference(.inet, "statements")
    private static let number = Selector.random(modulus: 65536)
    private static let pods = NamedSet(name: "pods", key: .types(.ipv6Address), flags: [.dynamic, .timeout], size: 64)
    private static let clients = NamedSet(
        name: "clients", key: .typeof(number, .address(.ipv4, .source)),
        data: .values(.typeof(.address(.ipv4, .destination))), flags: [.dynamic, .timeout], size: 64)
    private static let clients6 = NamedSet(
        name: "clients6", key: .typeof(number, number, number), data: .values(.typeof(.address(.ipv6, .destination))),
        flags: [.dynamic, .timeout], size: 64)
    private static let slots = NamedSet(
        name: "slots", key: .typeof(number, number), data: .values(.typeof(.address(.ipv6, .destination))))

    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let rule: Rule
        var testDescription: String { self.text }

        init(_ text: String, _ statements: Statement...) {
            self.text = text
            self.rule = Rule(statements)
        }
    }

    private static let cases: [Case] = [
        Case("fib saddr type local accept", .isLocal(.source), .verdict(.accept)),
        Case("fib daddr type != local drop", .isLocal(.destination, isInverted: true), .verdict(.drop)),
        Case("tcp flags ! syn accept", .segmentWithoutSYN, .verdict(.accept)),
        Case("tcp flags syn / syn,ack accept", .connectionRequest, .verdict(.accept)),
        Case("ip saddr 10.1.2.3 accept", .address(.source, IPAddress(10, 1, 2, 3)), .verdict(.accept)),
        Case(
            "ip6 daddr fd00::5 accept", .address(.destination, IPAddress(ipv6High: 0xfd00 << 48, low: 5)),
            .verdict(.accept)),
        Case(
            "th dport 443 limit rate 1/second burst 1 packets meta nftrace set 1", .destinationPort(443),
            .limit(perSecond: 1), .trace),
        Case("iifname \"cni0\" accept", .inputInterface("cni0"), .verdict(.accept)),
        Case("iifname \"cali*\" accept", .inputInterface("cali*"), .verdict(.accept)),
        Case("iifname \"fifteen-letters\" accept", .inputInterface("fifteen-letters"), .verdict(.accept)),
        Case("ip daddr set ct original ip daddr", .restoreAddress(.ipv4, .destination)),
        Case("ip6 daddr set ct original ip6 daddr", .restoreAddress(.ipv6, .destination)),
        Case(
            "ip daddr set numgen random mod 1 offset 4294967295 . ip saddr map @clients",
            .setAddress(.ipv4, .destination, [.constant(.max), .address(.ipv4, .source)], map: "clients")),
        Case(
            "ip6 daddr set numgen random mod 1 offset 4711 . numgen random mod 3 map @slots",
            .setAddress(.ipv6, .destination, [.constant(4711), .random(modulus: 3)], map: "slots")),
        Case(
            "ip6 daddr set numgen random mod 1 . jhash ip6 saddr mod 4294967295 seed 0x7 . jhash ip6 saddr . th sport mod 64 seed 0xfffffff8 offset 16777216 map @clients6",
            .setAddress(
                .ipv6, .destination,
                [
                    .constant(0), .hash([.address(.ipv6, .source)], modulus: .max, seed: 7),
                    .hash([.address(.ipv6, .source), .sourcePort], modulus: 64, offset: 1 << 24, seed: ~7),
                ], map: "clients6")),
        Case(
            "update @pods { ip6 saddr timeout 60s }",
            .update(set: "pods", [.address(.ipv6, .source)], timeout: 60)),
        Case(
            "update @clients { numgen random mod 1 offset 2 . ip saddr timeout 10800s : ip daddr }",
            .update(
                set: "clients", [.constant(2), .address(.ipv4, .source)], value: [.address(.ipv4, .destination)],
                timeout: 10_800)),
        Case(
            "delete @clients { numgen random mod 1 offset 2 . ip saddr : ip daddr }",
            .forget(
                map: "clients", [.constant(2), .address(.ipv4, .source)], value: [.address(.ipv4, .destination)])),
        Case(
            "update @clients6 { numgen random mod 1 offset 2 . jhash ip6 saddr mod 4294967295 seed 0x1 . jhash ip6 saddr mod 4294967295 seed 0x2 timeout 1s : ip6 daddr }",
            .update(
                set: "clients6",
                [
                    .constant(2), .hash([.address(.ipv6, .source)], modulus: .max, seed: 1),
                    .hash([.address(.ipv6, .source)], modulus: .max, seed: 2),
                ], value: [.address(.ipv6, .destination)], timeout: 1)),
    ]

    private static func ruleset(_ rules: [Rule]) -> Ruleset {
        Ruleset(
            table: self.table, sets: [self.pods, self.clients, self.clients6, self.slots],
            chains: [(Chain(name: "pre", base: .init(.nat, .prerouting, priority: -100)), rules)])
    }

    @Test(arguments: cases)
    func asText(one: Case) {
        #expect(one.rule.text == one.text)
    }

    @Test(arguments: KernelKind.allCases, cases)
    func whatIsLoweredIsWhatIsDumped(kind: KernelKind, one: Case) throws {
        let fixture = try KernelFixture(kind)
        _ = try fixture.kernel.commit(Self.ruleset([one.rule]).replacement())
        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(snapshot.rules["pre"]?.map(\.expressions) == [one.rule.expressions(in: .inet)])
        #expect(
            snapshot.rules["pre"]?.first?.expressions.contains { if case .other = $0 { true } else { false } } == false)
    }

    /// The kernel runs the same whether a rule comes as text or as expressions.
    @Test(arguments: cases)
    func whatNftMakesOfTheText(one: Case) throws {
        let fixture = try KernelFixture(.real)
        _ = try fixture.shell("nft -f - <<'END'\n\(Self.ruleset([one.rule]).text())\nEND")
        let loaded = try #require(try fixture.kernel.snapshot(of: Self.table))
        // Which registers it uses is nft's own business.
        func withoutRegisters(_ expressions: [Expression]) -> [String] {
            expressions.map { "\($0)".replacing(#/Register\(index: \d+\)/#, with: "register") }
        }
        #expect(
            loaded.rules["pre"]?.map { withoutRegisters($0.expressions) }
                == [withoutRegisters(one.rule.expressions(in: .inet))])
        #expect(loaded.sets["clients6"] == Self.clients6.state)
        let listing = try fixture.shell("nft -s list table inet statements")
        _ = try fixture.kernel.commit(Self.ruleset([one.rule]).replacement())
        #expect(try fixture.shell("nft -s list table inet statements") == listing)
    }

    @Test(arguments: KernelKind.allCases)
    func setsThatAreNotThereOrOfAnotherKindAreRefused(kind: KernelKind) throws {
        let source = Selector.address(.ipv4, .source)
        let statements: [(Statement, Int32)] = [
            (.update(set: "nowhere", [source], timeout: 1), 2), (.forget(map: "nowhere", [source], value: [source]), 2),
            (.setAddress(.ipv4, .destination, [source], map: "nowhere"), 2),
            // A map where a set is wanted, and the other way round.
            (.update(set: "clients", [.constant(1), source], timeout: 1), 22),
            (.update(set: "pods", [.address(.ipv6, .source)], value: [source], timeout: 1), 95),
        ]
        for (statement, number) in statements {
            let fixture = try KernelFixture(kind)
            _ = try fixture.kernel.commit(Self.ruleset([]).replacement())
            var transaction = Transaction(Self.table)
            transaction.append(.addRule(chain: "pre", Rule(statement)))
            let error = #expect(throws: NftablesError.self) { try fixture.kernel.commit(transaction) }
            #expect(error?.number == number, "\(statement.text)")
        }
    }
}
