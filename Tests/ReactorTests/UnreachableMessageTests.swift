import Networking
import Reactor
import Testing

@Suite struct UnreachableMessageTests {
    private static func bytes(_ message: UnreachableMessage) -> [UInt8] {
        let bytes = message.bytes
        return (0..<message.count).map { bytes[$0] }
    }

    /// RFC 1071, checksum included: 0 where it is right.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: bytes.startIndex, to: bytes.endIndex, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
        }
        while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
        return ~UInt16(sum)
    }

    @Test func `ICMP holds the headers of the datagram`() {
        let client = SocketAddress(IPAddress(10, 244, 1, 7), 40_000)
        let frontend = SocketAddress(IPAddress(10, 96, 0, 10), 53)
        let bytes = Self.bytes(UnreachableMessage(.port, of: client, to: frontend, payload: 100))
        #expect(bytes.prefix(2) == [3, 3], "destination unreachable, port")
        #expect(bytes[4..<8] == [0, 0, 0, 0])
        #expect(bytes[8] == 0x45 && bytes[17] == 17, "IPv4 without options, UDP")
        #expect(bytes[10..<12] == [0, 128])
        #expect(bytes[20..<28] == [10, 244, 1, 7, 10, 96, 0, 10], "from the client to the frontend")
        #expect(bytes[28..<36] == [0x9c, 0x40, 0, 53, 0, 108, 0, 0])
        #expect(bytes.count == 36)
        #expect(Self.checksum(bytes[...]) == 0 && Self.checksum(bytes[8..<28]) == 0)
    }

    @Test func `ICMPv6 holds the headers of the datagram, and leaves its checksum to the kernel`() throws {
        let client = SocketAddress(try #require(IPAddress("2001:db8::7")), 40_000)
        let frontend = SocketAddress(try #require(IPAddress("fd00::10")), 53)
        let bytes = Self.bytes(UnreachableMessage(.port, of: client, to: frontend))
        #expect(bytes.prefix(8) == [1, 4, 0, 0, 0, 0, 0, 0])
        #expect(bytes[8..<16] == [0x60, 0, 0, 0, 0, 8, 17, 64])
        #expect(Array(bytes[16..<32]) == client.address.bytes && Array(bytes[32..<48]) == frontend.address.bytes)
        #expect(bytes[48..<56] == [0x9c, 0x40, 0, 53, 0, 8, 0, 0])
        #expect(bytes.count == 56)
    }

    @Test(
        arguments: [
            (111, .port), (113, .host), (101, .host), (112, .host), (13, .prohibited), (1, .prohibited), (11, nil),
            (90, nil),
            (105, nil),
        ] as [(Int32, Unreachability?)])
    func `what an errno says of the way`(errno: Int32, reason: Unreachability?) {
        #expect(Unreachability(errno: errno) == reason)
    }

    @Test(
        arguments: [(Unreachability.port, 3, 4), (.host, 1, 3), (.prohibited, 13, 1)]
            as [(Unreachability, UInt8, UInt8)])
    func `codes of either family`(reason: Unreachability, ipv4: UInt8, ipv6: UInt8) {
        for (family, code) in [(AddressFamily.ipv4, ipv4), (.ipv6, ipv6)] {
            let address = SocketAddress(AddressRange.all(family).first, 1)
            #expect(Self.bytes(UnreachableMessage(reason, of: address, to: address))[1] == code)
        }
    }

    @Test func `a datagram too long for its length field says the longest`() {
        let address = SocketAddress(IPAddress(10, 0, 0, 1), 1)
        let bytes = Self.bytes(UnreachableMessage(.port, of: address, to: address, payload: 1 << 20))
        #expect(bytes[10..<12] == [255, 255] && bytes[32..<34] == [255, 255])
    }
}
