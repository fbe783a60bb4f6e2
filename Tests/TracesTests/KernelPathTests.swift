import KernelDataplane
import Networking
import Nftables
import TestSupport
import Testing

@testable import Traces

/// What the kernel tells of a packet becomes the way that it took, and is compared with the plan.
@Suite struct KernelPathTests {
    private static let marker = TableReference(.inet, "fairlead-trace-1")
    private static let ours = FairleadTable.reference
    private static let filter = TableReference(.ipv4, "filter")
    private static let container = TableReference(.ipv4, "container")
    private static let client = Make.ip("198.51.100.7")
    private static let virtual = Make.ip("203.0.113.40")
    private static let endpoint = Make.ip("10.244.1.5")

    private static func headers(to destination: IPAddress, _ port: UInt16) -> TraceEvent.Headers {
        TraceEvent.Headers(source: self.client, 40_112, destination: destination, port)
    }

    private static func event(
        _ table: TableReference, _ chain: String, _ place: TraceEvent.Place, _ verdict: Verdict,
        _ headers: TraceEvent.Headers? = nil, output: UInt32? = nil, packet: UInt32 = 7
    ) -> TraceEvent {
        var event = TraceEvent(packet: packet, table, chain: chain, place, verdict)
        event.headers = headers
        event.input = headers.map { _ in 2 }
        event.output = output
        return event
    }

    /// The first rule that a packet meets: the one that marks it.
    private static let marked = event(marker, "prerouting", .rule(handle: 2), .continue, headers(to: virtual, 80))
    private static let looked = event(ours, "services", .rule(handle: 20), .goto("balance-2"))
    private static let translated = event(ours, "balance-2", .rule(handle: 30), .accept)
    private static let left = event(ours, "postrouting", .policy, .accept, headers(to: endpoint, 8080), output: 3)

    private static let register = Expression.Register(0)
    private static let rules: [TableReference: [UInt64: [Expression]]] = [
        ours: [
            20: [.lookupVerdict(map: "frontends4", key: register)],
            30: [
                .lookup(set: "endpoints4", key: register, into: register, isInverted: false),
                .destinationNAT(.ipv4, address: register, port: register),
            ],
            40: [.counter, .verdict(.drop)], 41: [.reject(kind: 1, code: 0)],
        ],
        filter: [8: [.counter, .other("target REJECT")]],
        container: [5: [.destinationNAT(.ipv4, address: register, port: register)]],
    ]

    private static func path(_ events: [TraceEvent]) throws -> KernelPath {
        try #require(KernelPath(self.packet(events), rules: self.rules))
    }

    private static func packet(_ events: [TraceEvent]) -> PacketEvents {
        var packet = PacketEvents(marker: self.marker)
        for event in events { packet.take(event) }
        return packet
    }

    private static func plan(_ verdict: PacketTrace.Verdict, targets: [String] = []) -> PacketTrace {
        var plan = PacketTrace(client: .outside, verdict: verdict, reason: "so it is")
        plan.server = verdict == .translated ? .kernel : nil
        plan.candidates = targets.map {
            PacketTrace.Candidate(
                address: $0, node: nil, zone: nil, permille: 500, isMasqueraded: false, reason: "ready")
        }
        return plan
    }

    private static func text(_ path: KernelPath, _ plan: PacketTrace?) -> String {
        TraceText.text(path, plan: plan) { index in index == 2 ? "eth0" : index == 3 ? "cni0" : nil }
    }

    @Test func translatedAsPlanned() throws {
        let path = try Self.path([Self.marked, Self.looked, Self.translated, Self.left])
        #expect(path.agrees(with: Self.plan(.translated, targets: ["10.244.1.6:8080", "10.244.1.5:8080"])) == true)
        #expect(path.agrees(with: Self.plan(.translated, targets: ["10.244.1.6:8080"])) == false)
        #expect(path.agrees(with: Self.plan(.refused)) == false)
        #expect(path.agrees(with: Self.plan(.passed)) == false)
        #expect(
            Self.text(path, Self.plan(.translated, targets: ["10.244.1.5:8080"])) == """
                packet      198.51.100.7:40112 -> 203.0.113.40:80, in by eth0
                  inet fairlead services     vmap @frontends4: goto balance-2
                  inet fairlead balance-2    map @endpoints4 dnat: accept
                now         198.51.100.7:40112 -> 10.244.1.5:8080
                  inet fairlead postrouting  policy accept
                kernel      goes on as 198.51.100.7:40112 -> 10.244.1.5:8080, out by cni0
                plan        as planned: translated: so it is

                """)
    }

    @Test func aRuleOfAnotherProgramThatDropsIsNamed() throws {
        let path = try Self.path([
            Self.marked, Self.looked, Self.translated,
            Self.event(Self.filter, "FORWARD", .rule(handle: 7), .drop, Self.headers(to: Self.endpoint, 8080)),
        ])
        #expect(path.agrees(with: Self.plan(.translated, targets: ["10.244.1.5:8080"])) == nil)
        let text = Self.text(path, Self.plan(.translated))
        #expect(text.contains("  ip filter FORWARD        rule 7: drop\n"), "\(text)")
        #expect(
            text.contains(
                "kernel      dropped by rule 7 of chain FORWARD in table ip filter (`nft -a list chain ip filter FORWARD`)\n"
            ),
            "\(text)")
    }

    @Test func aPolicyThatDropsIsNamed() throws {
        let path = try Self.path([Self.marked, Self.event(Self.filter, "INPUT", .policy, .drop)])
        #expect(Self.text(path, nil).contains("dropped by the policy of chain INPUT in table ip filter"))
        #expect(!Self.text(path, nil).contains("plan"))
    }

    @Test(arguments: [(UInt64(40), PacketTrace.Verdict.dropped), (41, .refused)])
    func refusedAndDroppedByOurs(handle: UInt64, verdict: PacketTrace.Verdict) throws {
        let path = try Self.path([Self.marked, Self.event(Self.ours, "end", .rule(handle: handle), .drop)])
        for planned in [PacketTrace.Verdict.dropped, .refused, .translated, .passed] {
            #expect(path.agrees(with: Self.plan(planned)) == (planned == verdict), "\(planned)")
        }
        #expect(Self.text(path, Self.plan(.passed)).contains("plan        not as planned: passed: so it is"))
    }

    /// Chains of kind nat get the first packet of a connection only.
    @Test func aConnectionThatIsKnownIsNotCompared() throws {
        let path = try Self.path([Self.marked, Self.event(Self.filter, "INPUT", .policy, .accept)])
        #expect(path.agrees(with: Self.plan(.translated, targets: ["10.244.1.5:8080"])) == nil)
        #expect(Self.text(path, nil).contains("it met no rule of Fairlead's"))
        let moved = try Self.path([
            Self.marked,
            Self.event(Self.filter, "FORWARD", .policy, .accept, Self.headers(to: Self.endpoint, 8080), output: 3),
        ])
        #expect(moved.agrees(with: Self.plan(.translated, targets: ["10.244.1.5:8080"])) == true)
    }

    @Test func translatedAndNotHeardOfAnyMore() throws {
        let path = try Self.path([Self.marked, Self.looked, Self.translated])
        #expect(path.agrees(with: Self.plan(.translated, targets: ["10.244.1.5:8080"])) == nil)
        #expect(Self.text(path, nil).contains("translated, and not heard of after that"))
    }

    @Test func theUserspaceBalancersArePassedByTheKernel() throws {
        let path = try Self.path([Self.marked, Self.event(Self.ours, "prerouting", .policy, .accept)])
        var plan = Self.plan(.translated)
        plan.server = .userspace
        #expect(path.agrees(with: plan) == nil)
        #expect(Self.text(path, plan).contains("plan        translated: so it is, by the userspace balancer"))
        #expect(path.agrees(with: Self.plan(.passed)) == true)
    }

    /// Others trace packets too, and the kernel tells everybody of all of them.
    @Test func ofSeveralPacketsTheFirstThatIsMarkedForUs() throws {
        let other = Self.event(Self.filter, "INPUT", .policy, .drop, Self.headers(to: Self.endpoint, 22), packet: 8)
        let second = Self.event(
            Self.marker, "prerouting", .rule(handle: 2), .continue, Self.headers(to: Self.virtual, 81), packet: 9)
        let passing = Self.event(
            Self.marker, "prerouting", .policy, .accept, Self.headers(to: Self.virtual, 81), packet: 8)
        for events in [[Self.marked, other, second, Self.looked], [other, passing, Self.marked, second, Self.looked]] {
            let path = try Self.path(events)
            #expect(path.verdict == .passed && path.first.destinationPort == 80 && path.steps.count == 2)
        }
        #expect(KernelPath(Self.packet([other]), rules: [:]) == nil)
        #expect(KernelPath(Self.packet([]), rules: [:]) == nil)
    }

    /// A port of the host that is a container's: nothing of ours, and nothing that would be wrong.
    @Test func whatAnotherProgramTranslatesIsNotHeldAgainstThePlan() throws {
        let entered = Self.event(Self.ours, "prerouting", .policy, .accept)
        let translated = Self.event(Self.container, "prerouting", .rule(handle: 5), .accept)
        for path in [[Self.marked, entered, translated], [Self.marked, entered, translated, Self.left]] {
            #expect(try Self.path(path).agrees(with: Self.plan(.passed)) == nil)
        }
        let missing = try Self.path([Self.marked, entered, translated, Self.left])
        #expect(missing.agrees(with: Self.plan(.translated, targets: ["10.244.9.9:80"])) == false)
    }

    @Test func aRefusalOfIptablesIsARefusal() throws {
        let path = try Self.path([Self.marked, Self.event(Self.filter, "INPUT", .rule(handle: 8), .drop)])
        let text = Self.text(path, nil)
        #expect(text.contains("refused by rule 8 of chain INPUT in table ip filter"), "\(text)")
        #expect(text.contains("counter target REJECT: drop"), "\(text)")
    }
}
