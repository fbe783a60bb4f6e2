import Networking
import Testing

@Suite struct AddressRangeTests {
    private func range(_ text: String) throws -> AddressRange {
        if let block = CIDR(text) { return AddressRange(block) }
        let parts = text.split(separator: "-").map(String.init)
        let (first, last) = (try #require(IPAddress(parts[0])), try #require(IPAddress(parts[1])))
        return try #require(AddressRange(first, last))
    }

    private func text(_ ranges: [AddressRange]) -> [String] { ranges.map { "\($0.first)-\($0.last)" } }

    @Test func aBlockReachesItsLastAddress() throws {
        #expect(self.text([try self.range("192.0.2.0/24")]) == ["192.0.2.0-192.0.2.255"])
        #expect(self.text([try self.range("0.0.0.0/0")]) == ["0.0.0.0-255.255.255.255"])
        #expect(try self.range("::/0") == .all(.ipv6))
        #expect(self.text([try self.range("2001:db8::/126")]) == ["2001:db8::-2001:db8::3"])
    }

    @Test func whatTouchesOrOverlapsIsMerged() throws {
        let halves = try ["128.0.0.0/1", "0.0.0.0/1"].map(self.range)
        #expect(AddressRange.merged(halves) == [.all(.ipv4)])
        let nested = try ["10.0.0.0/8", "10.1.0.0/16", "12.0.0.0/8", "10.255.255.255-11.0.0.5"].map(self.range)
        #expect(self.text(AddressRange.merged(nested)) == ["10.0.0.0-11.0.0.5", "12.0.0.0-12.255.255.255"])
    }

    @Test func holesAreCutOut() throws {
        let holes = try ["192.0.2.0/24", "255.255.255.255-255.255.255.255", "0.0.0.0-0.0.0.0"].map(self.range)
        #expect(
            self.text(AddressRange.subtracting(holes, from: [.all(.ipv4)])) == [
                "0.0.0.1-192.0.1.255", "192.0.3.0-255.255.255.254",
            ])
        #expect(AddressRange.subtracting([.all(.ipv6)], from: [try self.range("2001:db8::/32")]).isEmpty)
    }
}
