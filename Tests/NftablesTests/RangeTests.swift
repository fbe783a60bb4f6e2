import Networking
import Nftables
import TestSupport
import Testing

/// Ranges, as pairs of boundaries or, behind other parts of a key, as a first and a last one; and sets that rules write.
@Suite(.serialized)
struct RangeTests {
    private static let table = TableReference(.inet, "ranges")
    private static let plain = NamedSet(name: "plain", key: .types(.ipv4Address), flags: .interval)
    private static let four = NamedSet(
        name: "four", key: .types(.ipv4Address, .transportProtocol, .port, .ipv4Address), flags: .interval)
    private static let six = NamedSet(name: "six", key: .types(.ipv6Address, .port, .ipv6Address), flags: .interval)
    private static let seen = NamedSet(name: "seen", key: .types(.ipv4Address), flags: [.dynamic, .timeout], size: 100)

    private static func ip(_ text: String) -> IPAddress { IPAddress(text) ?? IPAddress(ipv4: 0) }

    private static func address(_ text: String) -> Element {
        var key = ElementBytes()
        key.append(Self.ip(text))
        return Element(key: key)
    }

    private static func range(_ first: String, _ last: String, _ port: UInt16 = 80) -> Element {
        func key(_ text: String) -> ElementBytes {
            var key = ElementBytes()
            key.append(IPAddress(203, 0, 113, 1))
            key.append(TransportProtocol.tcp)
            key.append(port: port)
            key.append(Self.ip(text))
            return key
        }
        return Element(key: key(first), value: .rangeEnd(key(last)))
    }

    private static func range6(_ first: String, _ last: String) -> Element {
        func key(_ text: String) -> ElementBytes {
            var key = ElementBytes()
            key.append(Self.ip("2001:db8::1"))
            key.append(port: 80)
            key.append(Self.ip(text))
            return key
        }
        return Element(key: key(first), value: .rangeEnd(key(last)))
    }

    private static func block(_ text: String) -> [Element] {
        CIDR(text).map { Element.range(AddressRange($0)) } ?? []
    }

    private static func transaction(_ operations: [Transaction.Operation]) -> Transaction {
        var transaction = Transaction(self.table)
        for operation in operations { transaction.append(operation) }
        return transaction
    }

    private static let standing: [Transaction.Operation] = [
        .addTable, .addSet(plain), .addSet(four), .addSet(six), .addSet(seen),
        .addElements(plain, block("10.1.0.0/16")),
        .addElements(four, [range("192.0.2.0", "192.0.2.127"), range("192.0.2.0", "192.0.2.255", 81)]),
    ]

    @Test(arguments: KernelKind.allCases)
    func rangesReadBackAsTheyWereWritten(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let four = [
            Self.range("192.0.2.0", "192.0.2.127"), Self.range("192.0.2.129", "198.51.100.6"),
            Self.range("203.0.113.9", "203.0.113.9"), Self.range("0.0.0.0", "255.255.255.255", 81),
        ]
        let six = [
            Self.range6("::", "2001:db8::ffff"), Self.range6("fd00::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ]
        _ = try fixture.kernel.commit(
            Self.transaction([
                .addTable, .addSet(Self.four), .addSet(Self.six), .addElements(Self.four, four),
                .addElements(Self.six, six),
            ]))
        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(snapshot.sets["four"] == Self.four.state)
        #expect(snapshot.sets["six"] == Self.six.state)
        #expect(Set(snapshot.elements["four"] ?? []) == Set(four))
        #expect(Set(snapshot.elements["six"] ?? []) == Set(six))
        let other = Self.range6("3000::1", "3000::2")
        let wanted = ["four": [four[2], four[0]], "six": [other, six[1]]]
        let found = try #require(try fixture.kernel.snapshot(of: Self.table, .elements(wanted)))
        #expect(found.elements == ["four": [four[2], four[0]], "six": [six[1]]])
        _ = try fixture.kernel.commit(
            Self.transaction([.deleteElements(Self.four, four), .deleteElements(Self.six, six)]))
        let empty = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(empty.elements["four"] == [])
        #expect(empty.elements["six"] == [])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let errno: Int32?
        let operations: [Transaction.Operation]

        init(_ description: String, _ errno: Int32?, _ operations: [Transaction.Operation]) {
            self.testDescription = description
            self.errno = errno
            self.operations = operations
        }
    }

    private static let changes: [Change] = [
        Change("the same again", nil, [.addElements(four, [range("192.0.2.0", "192.0.2.127")])]),
        Change("one behind it", nil, [.addElements(four, [range("192.0.2.128", "192.0.2.255")])]),
        Change("one that overlaps", 17, [.addElements(four, [range("192.0.2.127", "192.0.2.255")])]),
        Change("one inside", 17, [.addElements(four, [range("192.0.2.5", "192.0.2.9")])]),
        // The kernel only looks whether the ends of a new range are in one that stands.
        Change("one around", nil, [.addElements(four, [range("192.0.0.0", "192.0.3.255")])]),
        Change("one with the same start", 17, [.addElements(four, [range("192.0.2.0", "192.0.2.255")])]),
        Change("the same of another port", nil, [.addElements(four, [range("192.0.2.0", "192.0.2.127", 82)])]),
        Change(
            "two that overlap each other", 17,
            [.addElements(four, [range("198.51.100.0", "198.51.100.9"), range("198.51.100.9", "198.51.100.10")])]),
        Change("one that ends before it starts", 22, [.addElements(four, [range("192.0.2.200", "192.0.2.199", 83)])]),
        Change("deleting it", nil, [.deleteElements(four, [range("192.0.2.0", "192.0.2.127")])]),
        Change("deleting what is not there", 2, [.deleteElements(four, [range("198.51.100.0", "198.51.100.9")])]),
        Change(
            "deleting it twice", 2,
            [.deleteElements(four, [range("192.0.2.0", "192.0.2.127"), range("192.0.2.0", "192.0.2.127")])]),
        Change(
            "making it longer", nil,
            [
                .deleteElements(four, [range("192.0.2.0", "192.0.2.127")]),
                .addElements(four, [range("192.0.2.0", "192.0.2.255")]),
            ]),
        Change(
            "splitting it", nil,
            [
                .deleteElements(four, [range("192.0.2.0", "192.0.2.127")]),
                .addElements(four, [range("192.0.2.0", "192.0.2.63"), range("192.0.2.65", "192.0.2.127")]),
            ]),
        Change("blocks: one beside it", nil, [.addElements(plain, block("10.2.0.0/16"))]),
        Change("blocks: the same again", nil, [.addElements(plain, block("10.1.0.0/16"))]),
        Change("blocks: one inside", 17, [.addElements(plain, block("10.1.1.0/24"))]),
        Change("blocks: one around", 17, [.addElements(plain, block("10.0.0.0/8"))]),
        Change("blocks: deleting it", nil, [.deleteElements(plain, block("10.1.0.0/16"))]),
        Change(
            "blocks: making it longer", nil,
            [.deleteElements(plain, block("10.1.0.0/16")), .addElements(plain, block("10.0.0.0/15"))]),
        Change(
            "a range in a set without them", 22,
            [
                .addSet(NamedSet(name: "bare", key: four.key)),
                .addElements(NamedSet(name: "bare", key: four.key), [range("192.0.2.0", "192.0.2.127")]),
            ]),
    ]

    @Test(arguments: KernelKind.allCases, changes)
    func changesOfRanges(kind: KernelKind, change: Change) throws {
        let fixture = try KernelFixture(kind)
        _ = try fixture.kernel.commit(Self.transaction(Self.standing))
        do throws(NftablesError) {
            _ = try fixture.kernel.commit(Self.transaction(change.operations))
            #expect(change.errno == nil)
        } catch {
            #expect(error.number == change.errno, "\(error)")
        }
        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        if change.errno != nil {
            #expect(Set(snapshot.elements["plain"] ?? []) == Set(Self.block("10.1.0.0/16")))
            #expect(snapshot.elements["four"]?.count == 2)
        }
        #expect(snapshot.elements["four"]?.contains(Self.range("192.0.2.0", "192.0.2.255", 81)) == true)
    }

    /// What rules put into a set is not part of what anybody wants there.
    @Test(arguments: KernelKind.allCases)
    func setsThatRulesWriteAreLeftOut(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        var timed = Self.address("192.0.2.1")
        timed.timeout = 60_000
        _ = try fixture.kernel.commit(Self.transaction(Self.standing + [.addElements(Self.seen, [timed])]))
        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(snapshot.sets["seen"] == Self.seen.state)
        #expect(snapshot.elements["seen"] == nil)
        if kind == .real { #expect(try fixture.shell("nft list set inet ranges seen").contains("192.0.2.1")) }
    }

    @Test func asText() {
        let texts = Self.four.texts(of: [
            Self.range("192.0.2.0", "192.0.2.127"), Self.range("192.0.2.129", "198.51.100.6"),
            Self.range("203.0.113.9", "203.0.113.9"), Self.range("0.0.0.0", "255.255.255.255", 81),
        ])
        #expect(
            texts == [
                "203.0.113.1 . tcp . 80 . 192.0.2.0/25", "203.0.113.1 . tcp . 80 . 192.0.2.129-198.51.100.6",
                "203.0.113.1 . tcp . 80 . 203.0.113.9", "203.0.113.1 . tcp . 81 . 0.0.0.0/0",
            ])
        func text(_ first: String, _ last: String) -> [String] {
            Self.plain.texts(of: AddressRange(Self.ip(first), Self.ip(last)).map(Element.range) ?? [])
        }
        #expect(text("10.0.0.0", "10.0.255.255") == ["10.0.0.0/16"])
        #expect(text("10.0.0.0", "10.1.0.255") == ["10.0.0.0-10.1.0.255"])
        #expect(text("10.0.0.5", "10.0.0.5") == ["10.0.0.5"])
        #expect(text("10.0.0.5", "255.255.255.255") == ["10.0.0.5-255.255.255.255"])
        #expect(text("0.0.0.0", "255.255.255.255") == ["0.0.0.0/0"])
    }
}
