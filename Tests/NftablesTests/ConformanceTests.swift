import Networking
import Nftables
import TestSupport
import Testing

/// The same cases on the fake kernel and on the real one: what one accepts the other accepts, what one
/// refuses the other refuses with the same errno, and both read back the same.
@Suite(.serialized)
struct ConformanceTests {
    static let table = TableReference(.inet, "conformance")
    static let addresses = NamedSet(name: "addresses", key: .types(.ipv4Address))
    static let targets = NamedSet(name: "targets", key: .types(.ipv4Address, .port), data: .verdict, hasCounters: true)
    static let endpoints = NamedSet(
        name: "endpoints",
        key: .typeof(.address(.ipv4, .destination), .transportProtocol, .destinationPort, .random(modulus: 65536)),
        data: .values(.typeof(.address(.ipv4, .destination), .destinationPort)), hasCounters: true, size: 16)

    static func address(_ text: String) -> Element {
        var key = ElementBytes()
        if let address = IPAddress(text) { key.append(address) }
        return Element(key: key)
    }

    static func target(_ text: String, _ port: UInt16, _ verdict: Verdict, comment: String? = nil) -> Element {
        var element = self.address(text)
        element.key.append(port: port)
        element.value = .verdict(verdict)
        element.comment = comment
        return element
    }

    static func endpoint(_ slot: UInt32, _ last: UInt8) -> Element {
        var key = ElementBytes()
        key.append(IPAddress(10, 96, 0, 10))
        key.append(TransportProtocol.tcp)
        key.append(port: 80)
        key.append(integer: slot)
        var value = ElementBytes()
        value.append(IPAddress(10, 244, 0, last))
        value.append(port: 8080)
        return Element(key: key, value: .bytes(value))
    }

    static func transaction(_ operations: [Transaction.Operation]) -> Transaction {
        var transaction = Transaction(self.table)
        for operation in operations { transaction.append(operation) }
        return transaction
    }

    private func number(_ body: () throws -> CommitReceipt) -> Int32? {
        do {
            _ = try body()
            return nil
        } catch let error as NftablesError {
            return error.number
        } catch {
            return -1
        }
    }

    @Test(arguments: KernelKind.allCases)
    func everythingReadsBackAsItWasWritten(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let ranges = NamedSet(name: "ranges", key: .types(.ipv6Address), flags: .interval)
        let block = try #require(CIDR("fd00:10::/32"))
        let rules = [
            Rule(.lookup([.address(.ipv4, .source)], set: "addresses"), .counter, .verdict(.accept), comment: "known"),
            Rule(.transportProtocol(.tcp), .reject(.tcpReset)), Rule(.reject(.portUnreachable)),
        ]
        let translating = [
            Rule(
                .destinationNAT(
                    .ipv4, [.address(.ipv4, .destination), .transportProtocol, .destinationPort, .random(modulus: 2)],
                    map: "endpoints")),
            Rule(.verdictMap([.address(.ipv4, .destination), .destinationPort], map: "targets")),
            Rule(.networkProtocol(.ipv6), .verdict(.return)),
        ]
        let posting = [
            Rule(
                .destinationTranslated, .lookup([.address(.ipv6, .source)], set: "ranges", isInverted: true),
                .masquerade),
            Rule(.lookup([.originalAddress(.ipv4, .destination)], set: "addresses"), .verdict(.drop)),
        ]
        let nat = Chain(name: "nat", base: .init(.nat, .prerouting, priority: -100))
        let post = Chain(name: "post", base: .init(.nat, .postrouting, priority: 100))
        let elements = [
            Self.target("10.0.0.1", 80, .goto("filtering"), comment: "default/web:http"),
            Self.target("10.0.0.2", 53, .drop), Self.target("10.0.0.3", 53, .jump("filtering")),
        ]
        _ = try fixture.kernel.commit(
            Self.transaction(
                [
                    .addTable, .addChain(Chain(name: "filtering")), .addChain(nat), .addChain(post),
                    .addSet(Self.addresses), .addSet(Self.targets), .addSet(Self.endpoints), .addSet(ranges),
                    .addElements(Self.addresses, [Self.address("10.1.1.1")]), .addElements(Self.targets, elements),
                    .addElements(Self.endpoints, [Self.endpoint(0, 2), Self.endpoint(1, 3)]),
                    .addElements(ranges, Element.range(AddressRange(block))),
                ] + rules.map { .addRule(chain: "filtering", $0) } + translating.map { .addRule(chain: "nat", $0) }
                    + posting.map { .addRule(chain: "post", $0) }))

        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(snapshot.chains == ["filtering": Chain(name: "filtering"), "nat": nat, "post": post])
        #expect(snapshot.sets["targets"] == Self.targets.state)
        #expect(snapshot.sets["endpoints"] == Self.endpoints.state)
        #expect(snapshot.sets["ranges"] == ranges.state)
        #expect(Set(snapshot.elements["targets"] ?? []) == Set(elements))
        #expect(Set(snapshot.elements["endpoints"] ?? []) == [Self.endpoint(0, 2), Self.endpoint(1, 3)])
        #expect(Set(snapshot.elements["ranges"] ?? []) == Set(Element.range(AddressRange(block))))
        for (chain, written) in [("filtering", rules), ("nat", translating), ("post", posting)] {
            #expect(
                snapshot.rules[chain]?.map(\.expressions) == written.map { $0.expressions(in: .inet) }, "chain \(chain)"
            )
        }
        let counters = try fixture.kernel.counters(of: Self.endpoints, in: Self.table)
        #expect(
            counters == [
                Self.endpoint(0, 2).key: Counter(packets: 0, bytes: 0),
                Self.endpoint(1, 3).key: Counter(packets: 0, bytes: 0),
            ])
    }

    @Test(arguments: KernelKind.allCases)
    func elementsKeepTheirTimeouts(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let timed = NamedSet(name: "timed", key: .types(.ipv4Address), flags: .timeout)
        var element = Self.address("10.0.0.1")
        element.timeout = 60_000
        _ = try fixture.kernel.commit(
            Self.transaction([.addTable, .addSet(timed), .addElements(timed, [element, Self.address("10.0.0.2")])]))
        let snapshot = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(snapshot.sets["timed"] == timed.state)
        #expect(Set(snapshot.elements["timed"] ?? []) == [element, Self.address("10.0.0.2")])
    }

    @Test(arguments: KernelKind.allCases)
    func whatIsNotThereHasNoSnapshot(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        #expect(try fixture.kernel.snapshot(of: Self.table) == nil)
        #expect(try fixture.kernel.snapshot(of: Self.table, .elements(["targets": [Self.address("10.0.0.1")]])) == nil)
    }

    @Test(arguments: KernelKind.allCases)
    func elementsAreFoundByTheirKeys(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        // More than some requests take. Some are not there: at the start, at the end of a request and of all, one by one, and more of
        // them than a request takes.
        let all = (0..<1000).map { Self.target("10.0.\($0 / 250).\($0 % 250)", 80, .drop, comment: "number \($0)") }
        let missing = Set([0, 1, 129, 255, 256, 257, 699, 999]).union(300..<560)
        let standing = all.enumerated().filter { !missing.contains($0.offset) }.map(\.element)
        _ = try fixture.kernel.commit(
            Self.transaction([
                .addTable, .addSet(Self.targets), .addSet(Self.addresses), .addElements(Self.targets, standing),
                .addElements(Self.addresses, [Self.address("10.1.1.1"), Self.address("10.1.1.2")]),
            ]))
        let wanted = [
            // What they should be is not asked.
            "targets": all.prefix(700).map { Element(key: $0.key, value: .verdict(.accept)) },
            "addresses": [Self.address("10.1.1.2")], "nobody's": [Self.address("10.1.1.2")],
        ]
        let part = try #require(try fixture.kernel.snapshot(of: Self.table, .elements(wanted)))
        let whole = try #require(try fixture.kernel.snapshot(of: Self.table))
        #expect(part.sets == whole.sets && part.generation == whole.generation && !part.hasMore)
        #expect(part.elements["targets"] == (0..<700).filter { !missing.contains($0) }.map { all[$0] })
        #expect(part.elements["addresses"] == [Self.address("10.1.1.2")])
        let gone = missing.map { all[$0] }
        let none = try #require(try fixture.kernel.snapshot(of: Self.table, .elements(["targets": gone])))
        #expect(none.elements["targets"] == [] && !none.hasMore)
        #expect(part.elements["nobody's"] == nil && whole.elements["targets"]?.count == standing.count)
    }

    /// An operation on a table with a chain `used` that a map leads to, a chain `free`, a set and a map.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let errno: Int32?
        let operations: [Transaction.Operation]

        init(_ description: String, _ errno: Int32?, _ operations: [Transaction.Operation]) {
            self.testDescription = description
            self.errno = errno
            self.operations = operations
        }
    }

    static let refusals: [Refusal] = [
        Refusal(
            "adding what stands", nil,
            [
                .addTable, .addChain(Chain(name: "free")), .addSet(addresses),
                .addElements(addresses, [address("10.0.0.1")]),
            ]),
        Refusal("deleting an element that is not there", 2, [.deleteElements(addresses, [address("10.9.9.9")])]),
        Refusal(
            "deleting an element twice", 2, [.deleteElements(addresses, [address("10.0.0.1"), address("10.0.0.1")])]),
        Refusal(
            "deleting and adding again", nil,
            [.deleteElements(addresses, [address("10.0.0.1")]), .addElements(addresses, [address("10.0.0.1")])]),
        Refusal(
            "leading to a chain that is not there", 2,
            [.addElements(targets, [target("10.0.0.9", 80, .goto("nowhere"))])]),
        Refusal("leading to a base chain", 95, [.addElements(targets, [target("10.0.0.9", 80, .goto("base"))])]),
        Refusal(
            "the same key with another value", 17, [.addElements(targets, [target("10.0.0.1", 80, .goto("free"))])]),
        Refusal(
            "the same key with the same value", nil, [.addElements(targets, [target("10.0.0.1", 80, .goto("used"))])]),
        Refusal(
            "replacing a value", nil,
            [
                .deleteElements(targets, [target("10.0.0.1", 80, .drop)]),
                .addElements(targets, [target("10.0.0.1", 80, .goto("free"))]),
            ]),
        Refusal("deleting a chain that is led to", 16, [.deleteChain("used")]),
        Refusal("deleting a chain that is not there", 2, [.deleteChain("nowhere")]),
        Refusal("deleting a free chain", nil, [.deleteChain("free")]),
        Refusal("a rule that jumps nowhere", 2, [.addRule(chain: "free", Rule(.verdict(.jump("nowhere"))))]),
        Refusal("a rule in a chain that is not there", 2, [.addRule(chain: "nowhere", Rule(.verdict(.accept)))]),
        Refusal(
            "a rule that looks into a set that is not there", 2,
            [.addRule(chain: "free", Rule(.lookup([.address(.ipv4, .source)], set: "nowhere")))]),
        Refusal(
            "a set under the name of another kind", 17,
            [.addSet(NamedSet(name: "addresses", key: .types(.ipv6Address)))]),
        Refusal("deleting a set that a rule uses", 16, [.deleteSet("targets")]),
        Refusal("deleting a set that no rule uses", nil, [.deleteSet("addresses")]),
        Refusal("deleting a rule by a handle that none has", 2, [.deleteRule(chain: "base", handle: 4711)]),
        Refusal("a loop", 31, [.addElements(targets, [target("10.0.0.9", 80, .goto("looping"))])]),
        Refusal(
            "more elements than there is room for", 23,
            [.addElements(endpoints, (0..<17).map { endpoint(UInt32($0), 1) })]),
        Refusal(
            "as many elements as there is room for", nil,
            [.addElements(endpoints, (0..<16).map { endpoint(UInt32($0), 1) })]),
        Refusal(
            "a timeout in a set without them", 22,
            [
                .addElements(
                    addresses, [Element(key: address("10.0.0.9").key, timeout: 1000)])
            ]),
        Refusal("a key of another length", 22, [.addElements(addresses, [target("10.0.0.9", 80, .drop)])]),
    ]

    @Test(arguments: KernelKind.allCases, refusals)
    func refusesWhatTheKernelRefuses(kind: KernelKind, refusal: Refusal) throws {
        let fixture = try KernelFixture(kind)
        _ = try fixture.kernel.commit(
            Self.transaction([
                .addTable, .addChain(Chain(name: "used")), .addChain(Chain(name: "free")),
                .addChain(Chain(name: "looping")),
                .addChain(Chain(name: "base", base: .init(.filter, .input, priority: 0))),
                .addSet(Self.addresses), .addSet(Self.targets), .addSet(Self.endpoints),
                .addElements(Self.addresses, [Self.address("10.0.0.1")]),
                .addElements(Self.targets, [Self.target("10.0.0.1", 80, .goto("used"))]),
                .addRule(
                    chain: "base", Rule(.verdictMap([.address(.ipv4, .destination), .destinationPort], map: "targets"))),
                .addRule(
                    chain: "looping",
                    Rule(.verdictMap([.address(.ipv4, .destination), .destinationPort], map: "targets"))),
            ]))
        let before = try #require(try fixture.kernel.snapshot(of: Self.table))
        // A refused transaction takes all of itself back: the first operation of each is a good one.
        let marker = Self.address("10.7.7.7")
        let operations = [.addElements(Self.addresses, [marker])] + refusal.operations
        #expect(self.number { try fixture.kernel.commit(Self.transaction(operations)) } == refusal.errno)
        let after = try #require(try fixture.kernel.snapshot(of: Self.table))
        if refusal.errno == nil {
            #expect(after.generation != before.generation)
        } else {
            #expect(after.generation == before.generation)
            #expect(after.elements["addresses"] == [Self.address("10.0.0.1")])
        }
    }

    @Test(arguments: KernelKind.allCases)
    func errorsNameTheElement(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        _ = try fixture.kernel.commit(Self.transaction([.addTable, .addSet(Self.addresses)]))
        // Far enough for several messages, so that the place in the message and the message both count.
        let many = (0..<2000).map { Self.address("10.8.\($0 / 250).\($0 % 250)") }
        let wrong = [Self.address("10.8.6.66"), Self.address("10.9.9.9")]
        _ = try fixture.kernel.commit(Self.transaction([.addElements(Self.addresses, many)]))
        let error = #expect(throws: NftablesError.self) {
            try fixture.kernel.commit(
                Self.transaction([.deleteElements(Self.addresses, many.dropLast(100) + wrong.suffix(1))]))
        }
        #expect(error?.code == .refused)
        #expect(error?.number == 2)
        #expect(error?.subject == "element 10.9.9.9 of set addresses in table inet conformance")
    }

    @Test(arguments: KernelKind.allCases)
    func aTransactionFromAnOldGenerationIsRefused(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        _ = try fixture.kernel.commit(Self.transaction([.addTable, .addSet(Self.addresses)]))
        var stale = Self.transaction([.addElements(Self.addresses, [Self.address("10.0.0.1")])])
        stale.expectedGeneration = try fixture.kernel.generation()
        _ = try fixture.kernel.commit(Self.transaction([.addChain(Chain(name: "foreign"))]))
        let error = #expect(throws: NftablesError.self) { try fixture.kernel.commit(stale) }
        #expect(error?.code == .changedMeanwhile)
        #expect(try fixture.kernel.snapshot(of: Self.table)?.elements["addresses"] == [])
        stale.expectedGeneration = try fixture.kernel.generation()
        _ = try fixture.kernel.commit(stale)
        #expect(try fixture.kernel.snapshot(of: Self.table)?.elements["addresses"] == [Self.address("10.0.0.1")])
    }

    @Test(arguments: KernelKind.allCases)
    func anEmptyTransactionSendsNothing(kind: KernelKind) throws {
        let fixture = try KernelFixture(kind)
        let generation = try fixture.kernel.generation()
        #expect(try fixture.kernel.commit(Transaction(Self.table)) == CommitReceipt(bytes: 0, messages: 0))
        #expect(try fixture.kernel.generation() == generation)
    }
}
