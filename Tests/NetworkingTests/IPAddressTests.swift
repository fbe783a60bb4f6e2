import Networking
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("10.96.0.10", "10.96.0.10"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        // Padding as old objects have it: decimal, never octal.
        ("172.30.0.041", "172.30.0.41"), ("010.000.000.001", "10.0.0.1"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("fd00:10:96::10", "fd00:10:96::10"),
        ("FD00:0010:0096:0000:0000:0000:0000:0010", "fd00:10:96::10"),
        // RFC 5952 section 4.2.2: one group of zeros is not shortened; 4.2.3: the first longest run is.
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ])
    func readsAndWritesTheCanonicalForm(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.0004", "1..2.3", ".1.2.3", "1.2.3.", " 1.2.3.4", "1.2.3.4 ",
        "1.2.3.a", "-1.2.3.4", "1.2.3.4/32", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
        "g::", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:", ":1",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func classifies() throws {
        func all(_ texts: [String], _ property: (IPAddress) -> Bool) -> Bool {
            texts.compactMap { IPAddress($0) }.allSatisfy(property)
        }
        #expect(all(["127.0.0.1", "127.255.255.255", "::1"], \.isLoopback))
        #expect(all(["128.0.0.1", "::2", "::"]) { !$0.isLoopback })
        #expect(all(["0.0.0.0", "::"], \.isUnspecified))
        #expect(all(["169.254.1.1", "fe80::1", "febf::1"], \.isLinkLocal))
        #expect(all(["169.253.1.1", "fec0::1"]) { !$0.isLinkLocal })
        #expect(all(["224.0.0.1", "239.255.255.255", "ff02::1"], \.isMulticast))
    }

    @Test func ordersByFamilyThenValue() {
        let sorted = ["::1", "10.0.0.2", "9.255.255.255", "fd00::", "10.0.0.1"].compactMap { IPAddress($0) }.sorted()
        #expect(sorted.map(\.description) == ["9.255.255.255", "10.0.0.1", "10.0.0.2", "::1", "fd00::"])
    }
}
