import Conntrack
import Networking
import ServiceModel
import TestSupport
import Testing

@testable import KernelDataplane

/// Which connections go where they would not go now.
@Suite struct FlowRulesTests {
    private static let frontend = Frontend(.address(Make.ip("10.96.0.10")), .udp, 53)
    private static let kept = Backend(Make.ip("10.244.0.1"), 5353)
    private static let gone = Backend(Make.ip("10.244.0.2"), 5353)
    private static let client = Make.ip("10.244.9.9")

    /// A flow to `destination`, answered by `backend`; nil: it was let pass untranslated.
    private func flow(
        to destination: String = "10.96.0.10",
        _ port: UInt16 = 53,
        _ transport: TransportProtocol = .udp,
        answeredBy backend: Backend?
    ) -> ConntrackFlow {
        let source = Make.ip(destination).family == .ipv4 ? Self.client : Make.ip("fd00::9")
        return ConntrackFlow(
            transport: transport,
            original: .init(
                source: source, sourcePort: 40_000, destination: Make.ip(destination), destinationPort: port),
            reply: .init(
                source: backend?.address ?? Make.ip(destination), sourcePort: backend?.port ?? port,
                destination: source,
                destinationPort: 40_000),
            identifier: 1, isDestinationTranslated: backend != nil, tcpState: transport == .tcp ? 3 : nil)
    }

    private func rules(
        _ targets: FlowRules.Targets,
        for frontend: Frontend = frontend,
        node: [String] = []
    ) -> FlowRules {
        var rules = FlowRules(nodeAddresses: Set(node.map(Make.ip)))
        rules.set(frontend, targets)
        return rules
    }

    @Test func aFlowToAnEndpointThatServesStays() {
        let rules = self.rules(.endpoints([Self.kept]))
        #expect(!rules.isStale(self.flow(answeredBy: Self.kept)))
    }

    @Test func aFlowToOneThatWasReplacedGoes() {
        let rules = self.rules(.endpoints([Self.kept]))
        #expect(rules.isStale(self.flow(answeredBy: Self.gone)))
        // The same address with another port is another endpoint.
        #expect(rules.isStale(self.flow(answeredBy: Backend(Self.kept.address, 5354))))
    }

    @Test func withoutEndpointsAllGo() {
        let rules = self.rules(.endpoints([]))
        #expect(rules.isStale(self.flow(answeredBy: Self.kept)))
        #expect(rules.isStale(self.flow(answeredBy: nil)))
    }

    @Test func whatWasLetPassBeforeThereWasAServiceGoes() {
        #expect(self.rules(.endpoints([Self.kept])).isStale(self.flow(answeredBy: nil)))
    }

    @Test func aFrontendThatIsGoneTakesWhatWasTranslatedWithIt() {
        let rules = self.rules(.removed)
        #expect(rules.isStale(self.flow(answeredBy: Self.kept)))
        #expect(!rules.isStale(self.flow(answeredBy: nil)))
    }

    @Test func otherServicesAreNotTouched() {
        for targets in [FlowRules.Targets.removed, .endpoints([])] {
            let rules = self.rules(targets)
            #expect(!rules.isStale(self.flow(to: "10.96.0.11", answeredBy: Self.gone)))
            #expect(!rules.isStale(self.flow(to: "10.96.0.10", 54, answeredBy: Self.gone)))
            #expect(!rules.isStale(self.flow(to: "10.96.0.10", 53, .tcp, answeredBy: Self.gone)))
            #expect(!rules.isStale(self.flow(to: "10.96.0.10", 53, .sctp, answeredBy: Self.gone)))
        }
        #expect(!FlowRules().isStale(self.flow(answeredBy: Self.gone)))
        #expect(FlowRules().isEmpty)
    }

    @Test func aNodePortIsOneOnTheNodesAddressesOnly() {
        let rules = self.rules(
            .endpoints([Self.kept]), for: Frontend(.node(.ipv4), .udp, 30053), node: ["192.168.50.2", "fd00:50::2"])
        #expect(rules.isStale(self.flow(to: "192.168.50.2", 30053, answeredBy: Self.gone)))
        #expect(rules.isStale(self.flow(to: "192.168.50.2", 30053, answeredBy: nil)))
        #expect(!rules.isStale(self.flow(to: "192.168.50.2", 30053, answeredBy: Self.kept)))
        #expect(!rules.isStale(self.flow(to: "192.168.50.2", 30054, answeredBy: Self.gone)))
        #expect(!rules.isStale(self.flow(to: "192.168.50.3", 30053, answeredBy: Self.gone)))
        #expect(!rules.isStale(self.flow(to: "8.8.8.8", 30053, answeredBy: nil)))
        // Of each family.
        #expect(!rules.isStale(self.flow(to: "fd00:50::2", 30053, answeredBy: nil)))
    }

    /// An external IP may be an address of the node.
    @Test func anAddressGoesBeforeANodePort() {
        var rules = self.rules(.endpoints([Self.gone]), for: Frontend(.node(.ipv4), .udp, 53), node: ["192.168.50.2"])
        rules.set(Frontend(.address(Make.ip("192.168.50.2")), .udp, 53), .endpoints([Self.kept]))
        #expect(!rules.isStale(self.flow(to: "192.168.50.2", 53, answeredBy: Self.kept)))
        #expect(rules.isStale(self.flow(to: "192.168.50.2", 53, answeredBy: Self.gone)))
    }

    /// TCP ends only where the endpoint is gone; what never was a Service's is not touched.
    @Test func connectionsOfTCP() {
        let frontend = Frontend(.address(Make.ip("10.96.0.10")), .tcp, 53)
        let rules = self.rules(.endpoints([Self.kept]), for: frontend)
        #expect(rules.isStale(self.flow(to: "10.96.0.10", 53, .tcp, answeredBy: Self.gone)))
        #expect(!rules.isStale(self.flow(to: "10.96.0.10", 53, .tcp, answeredBy: Self.kept)))
        #expect(!rules.isStale(self.flow(to: "10.96.0.10", 53, .tcp, answeredBy: nil)))
        // Nobody would tell the client.
        #expect(
            !self.rules(.removed, for: frontend).isStale(self.flow(to: "10.96.0.10", 53, .tcp, answeredBy: Self.gone)))
    }

    @Test func newerRulesReplaceOlderOnes() {
        var rules = self.rules(.removed, node: ["192.168.50.2"])
        var newer = FlowRules(nodeAddresses: [Make.ip("192.168.50.3")])
        newer.set(Self.frontend, .endpoints([Self.kept]))
        newer.set(Frontend(.node(.ipv6), .tcp, 30053), .removed)
        rules.merge(newer)
        #expect(rules.targets.count == 2)
        #expect(rules.nodeAddresses == [Make.ip("192.168.50.3")])
        #expect(!rules.isStale(self.flow(answeredBy: Self.kept)))
        #expect(rules.isStale(self.flow(answeredBy: nil)))
        #expect(
            rules.scopes == [
                FlowRules.Scope(transport: .udp, family: .ipv4), FlowRules.Scope(transport: .tcp, family: .ipv6),
            ])
    }
}
