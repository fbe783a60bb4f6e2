import Networking
import Nftables
import TestSupport
import Testing

@testable import KernelDataplane

@Suite struct NodeSettingsTests {
    private let local = ["127.0.0.1", "10.0.0.1", "10.0.0.2", "192.168.1.1", "::1", "fd00::1", "fe80::1"].map(Make.ip)

    private func resolve(_ policy: NodePortAddressPolicy, primary: [String], keeping: [String] = []) -> [String] {
        policy.resolve(local: self.local, primary: primary.map(Make.ip), keeping: Set(keeping.map(Make.ip)))
            .sorted().map(\.description)
    }

    @Test func thePrimaryAddressOfEachFamily() {
        #expect(self.resolve(.primary, primary: ["10.0.0.1", "fd00::1"]) == ["10.0.0.1", "fd00::1"])
    }

    @Test func aFamilyWithoutOneAnswersOnAllButLoopback() {
        #expect(
            self.resolve(.primary, primary: ["10.0.0.1"]) == ["10.0.0.1", "fd00::1", "fe80::1"])
        #expect(self.resolve(.primary, primary: ["127.0.0.1", "fd00::1"]).count == 4)
    }

    /// A default route that is gone for a moment must not open NodePorts on every interface.
    @Test func aFamilyThatLosesItsPrimaryAddressKeepsWhatItHad() {
        #expect(
            self.resolve(.primary, primary: [], keeping: ["10.0.0.1", "fd00::1"]) == ["10.0.0.1", "fd00::1"])
        // A primary one stays as long as the host has it, whatever the kernel prefers by now.
        #expect(
            self.resolve(.primary, primary: ["10.0.0.2", "fd00::1"], keeping: ["10.0.0.1"]) == ["10.0.0.1", "fd00::1"])
        #expect(
            self.resolve(.primary, primary: ["10.0.0.2", "fd00::1"], keeping: ["10.9.9.9"]) == ["10.0.0.2", "fd00::1"])
        // Unless that is gone too.
        #expect(self.resolve(.primary, primary: ["fd00::1"], keeping: ["10.9.9.9"]).count == 4)
    }

    @Test func blocksChooseAmongTheLocalAddresses() {
        func blocks(_ texts: String...) -> NodePortAddressPolicy { .blocks(texts.compactMap { CIDR($0) }) }
        #expect(self.resolve(blocks("10.0.0.0/8", "fd00::/8"), primary: []) == ["10.0.0.1", "10.0.0.2", "fd00::1"])
        #expect(self.resolve(blocks("0.0.0.0/0", "::/0"), primary: []).count == 5)
        // A family that no block is of.
        #expect(self.resolve(blocks("10.0.0.0/8"), primary: []) == ["10.0.0.1", "10.0.0.2", "fd00::1", "fe80::1"])
        // Loopback never, not even by name.
        #expect(self.resolve(blocks("127.0.0.0/8", "::1/128"), primary: []).isEmpty)
    }

    @Test func whoIsAPod() {
        let block = CIDR("10.244.0.0/16").map { [$0] } ?? []
        #expect(NodeSettings(pods: .blocks(block)).plainSources(.ipv4) == block)
        #expect(NodeSettings(pods: .blocks(block)).plainSources(.ipv6).map(\.description) == ["::/0"])
        #expect(NodeSettings(pods: .blocks(block), masqueradeAll: true).plainSources(.ipv4).isEmpty)
    }

    /// Elements of one set, as pairs of boundaries.
    private func ranges(_ settings: NodeSettings, _ kind: FairleadSet.Kind, _ family: AddressFamily) -> [String] {
        let set = FairleadSet(kind, family)
        return settings.elements.filter { $0.set == set }.map { placed in
            let address = placed.element.key.address(family, at: 0)
            return "\(placed.element.boundary) \(address?.description ?? "?")"
        }
    }

    /// The kernel refuses ranges that share addresses.
    @Test func blocksInEachOtherAndSideBySideAreOne() {
        func settings(_ blocks: String...) -> NodeSettings {
            NodeSettings(serviceCIDRs: Set(blocks.compactMap { CIDR($0) }))
        }
        let nested = settings("10.96.0.0/12", "10.96.0.0/16", "10.100.1.0/24", "fd00::/112", "fd00::/108")
        #expect(self.ranges(nested, .serviceCIDRs, .ipv4) == ["none 10.96.0.0", "end 10.112.0.0"])
        #expect(self.ranges(nested, .serviceCIDRs, .ipv6) == ["none fd00::", "end fd00::10:0"])
        let touching = settings("10.97.0.0/24", "10.96.0.0/16", "10.98.0.0/24")
        #expect(
            self.ranges(touching, .serviceCIDRs, .ipv4) == [
                "none 10.96.0.0", "end 10.97.1.0", "none 10.98.0.0", "end 10.98.1.0",
            ])
        // What reaches the last address has no end.
        #expect(self.ranges(settings("240.0.0.0/4", "224.0.0.0/4"), .serviceCIDRs, .ipv4) == ["open 224.0.0.0"])
        #expect(self.ranges(settings(), .serviceCIDRs, .ipv4).isEmpty)
    }

    @Test func podsAreKnownByBlocksOrByInterface() {
        let blocks = NodeSettings(pods: .blocks(["10.244.0.0/16"].compactMap { CIDR($0) }))
        #expect(self.ranges(blocks, .podCIDRs, .ipv4) == ["none 10.244.0.0", "end 10.245.0.0"])
        #expect(self.ranges(blocks, .plainSources, .ipv4) == ["none 10.244.0.0", "end 10.245.0.0"])
        // Of the other family it is not known who is a pod: nobody is masqueraded, and nobody is a pod.
        #expect(self.ranges(blocks, .podCIDRs, .ipv6).isEmpty)
        #expect(self.ranges(blocks, .plainSources, .ipv6) == ["open ::"])
        let interface = NodeSettings(pods: .interface("cali*"))
        for family in AddressFamily.allCases {
            #expect(self.ranges(interface, .podCIDRs, family).isEmpty)
            #expect(self.ranges(interface, .plainSources, family).isEmpty)
        }
    }

    @Test func byInterfaceTheRulesLearnWhoIsAPod() throws {
        func prerouting(_ settings: NodeSettings) throws -> [String] {
            try #require(FairleadTable.chains(settings).first { $0.chain.name == "prerouting" }).rules.map(\.text)
        }
        let own = "tcp flags ! syn fib daddr type local accept"
        #expect(try prerouting(NodeSettings()) == [own, "jump services"])
        #expect(
            try prerouting(NodeSettings(pods: .interface("cni0"))) == [
                own, "iifname \"cni0\" update @pod-addresses4 { ip saddr timeout 60s }",
                "iifname \"cni0\" update @pod-addresses6 { ip6 saddr timeout 60s }", "jump services",
            ])
    }
}
