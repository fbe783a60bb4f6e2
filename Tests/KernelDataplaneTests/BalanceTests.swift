import KernelDataplane
import KubernetesAPI
import Lab
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// How evenly the kernel spreads connections, by its own counters.
@Suite(.serialized)
struct BalanceTests {
    private static let connections = 100_000
    private static let address = Make.ip("10.96.0.10")

    /// How many of 100,000 new connections each endpoint got.
    private func spread(_ service: Service, _ slices: [EndpointSlice]) throws -> [Backend: Int] {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        // What is translated has to go somewhere, and leave no entry behind for long.
        try sandbox.host.shell(
            "ip address add 10.9.0.1/32 dev lo; ip address add 10.9.0.2/32 dev lo; ip route add default dev lo; "
                + "sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1")
        let preview = RulesetPreview(
            of: [.service(service)] + slices.map { .endpointSlice($0) }, nodeName: "here"
        ) { _ in (NodeSettings(), NodeFacts(name: "here")) }
        let kernel = try sandbox.host.run { try NetlinkKernel() }
        _ = try kernel.commit(preview.ruleset.replacement())
        try sandbox.host.run {
            for source in ["10.9.0.1", "10.9.0.2"] {
                try FlowSource.datagrams(
                    from: Make.ip(source), to: Self.address, port: 53, count: Self.connections / 2)
            }
        }
        let set = FairleadSet(.endpoints, .ipv4)
        let counters = try kernel.counters(of: set.declaration(size: set.defaultSize), in: FairleadTable.reference)
        var spread: [Backend: Int] = [:]
        let elements = try #require(try kernel.snapshot(of: FairleadTable.reference)).elements[set.name] ?? []
        for element in elements {
            guard case .bytes(let value)? = element.value, let address = value.address(.ipv4, at: 0),
                let port = value.port(at: 4)
            else { continue }
            spread[Backend(address, port), default: 0] += Int(counters[element.key]?.packets ?? 0)
        }
        return spread
    }

    private func service() -> Service {
        Make.service(
            "dns", clusterIPs: ["\(Self.address)"], ports: [ServicePort(name: "dns", transport: .udp, port: 53)])
    }

    private func slice(_ name: String, _ addresses: [String], weight: Int? = nil) -> EndpointSlice {
        Make.slice(
            name, of: "dns", endpoints: addresses.map { Make.endpoint($0) },
            ports: [EndpointPort(name: "dns", transport: .udp, port: 5353)],
            labels: weight.map { [ServiceAnnotations.Key.weight: "\($0)"] } ?? [:])
    }

    /// An even spread is above the bound once in a million runs (chi-square of n-1 degrees of freedom).
    @Test(arguments: [(3, 27.6), (10, 47.0), (100, 182.0)])
    func aHundredThousandConnectionsAreSpreadEvenly(endpoints: Int, bound: Double) throws {
        let spread = try self.spread(
            self.service(), [self.slice("dns", (1...endpoints).map { "10.244.0.\($0)" })])
        #expect(spread.count == endpoints)
        #expect(spread.values.reduce(0, +) == Self.connections)
        let expected = Double(Self.connections) / Double(endpoints)
        let statistic = spread.values.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        print("balance: \(endpoints) endpoints, chi-square \(statistic) of \(bound)")
        #expect(statistic < bound, "\(spread)")
    }

    @Test func weightsOfThreeToOneAreKept() throws {
        let spread = try self.spread(
            self.service(), [self.slice("heavy", ["10.244.0.1"], weight: 3), self.slice("light", ["10.244.0.2"])])
        let share = Double(spread[Backend(Make.ip("10.244.0.1"), 5353)] ?? 0) / Double(Self.connections)
        print("balance: weights 3:1, share \(share)")
        #expect(abs(share - 0.75) < 0.02, "\(spread)")
    }

    /// The flows of the nine that stay, stay: the table is read alike whoever is in it.
    @Test func hashingMovesOnlyTheFlowsOfTheEndpointThatLeft() throws {
        var service = self.service()
        service.metadata.annotations[ServiceAnnotations.Key.algorithm] = "flow-hash"
        let addresses = (1...10).map { "10.244.0.\($0)" }
        let before = try self.spread(service, [self.slice("dns", addresses)])
        let after = try self.spread(service, [self.slice("dns", addresses.filter { $0 != "10.244.0.4" })])
        let left = before[Backend(Make.ip("10.244.0.4"), 5353)] ?? 0
        let gained = after.reduce(0) { $0 + $1.value - (before[$1.key] ?? 0) }
        // The same 100,000 flows, so each endpoint has what it had and some of those that were left over.
        #expect(after.allSatisfy { $0.value >= before[$0.key] ?? 0 }, "\(before) \(after)")
        #expect(gained == left)
        print("balance: flow-hash over ten, shares \(before.values.sorted()), moved \(left)")
        #expect(before.values.allSatisfy { (6000...14000).contains($0) }, "\(before)")
    }
}
