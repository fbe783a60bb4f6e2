import KernelDataplane
import Networking
import TestSupport
import Testing

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
        #expect(
            self.resolve(.primary, primary: ["10.0.0.2", "fd00::1"], keeping: ["10.0.0.1"]) == ["10.0.0.2", "fd00::1"])
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
}
