import Networking
import Testing

@Suite struct CIDRTests {
    @Test(arguments: [
        ("10.244.0.0/16", "10.244.0.0/16", "10.245.0.0"), ("10.244.3.7/16", "10.244.0.0/16", "10.245.0.0"),
        ("203.0.113.000/025", "203.0.113.0/25", "203.0.113.128"), ("1.2.3.4/32", "1.2.3.4/32", "1.2.3.5"),
        ("128.0.0.0/1", "128.0.0.0/1", nil), ("0.0.0.0/0", "0.0.0.0/0", nil),
        ("255.255.255.255/32", "255.255.255.255/32", nil),
        ("fd00:10:244::/48", "fd00:10:244::/48", "fd00:10:245::"), ("::/0", "::/0", nil), ("8000::/1", "8000::/1", nil),
        ("fd00::ffff:ffff:ffff:ffff/128", "fd00::ffff:ffff:ffff:ffff/128", "fd00:0:0:1::"),
        ("fd00::/64", "fd00::/64", "fd00:0:0:1::"), ("fd00::/65", "fd00::/65", "fd00::8000:0:0:0"),
    ])
    func readsBlocksAndKnowsTheirEnd(text: String, canonical: String, end: String?) throws {
        let block = try #require(CIDR(text))
        #expect(block.description == canonical)
        #expect(block.upperBound?.description == end)
        #expect(block.contains(block.network))
        if let upper = block.upperBound { #expect(!block.contains(upper)) }
    }

    @Test(arguments: [
        "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "/8", "10.0.0.0/8/8", "10.0.0.0/0008", "x/8",
    ])
    func refusesWhatIsNoBlock(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test func containsOnlyItsOwn() throws {
        let block = try #require(CIDR("10.244.0.0/16"))
        #expect(block.contains(IPAddress(10, 244, 255, 255)))
        #expect(!block.contains(IPAddress(10, 245, 0, 0)))
        #expect(!block.contains(IPAddress(ipv6High: 0, low: 0x0af4_0001)))
    }
}
