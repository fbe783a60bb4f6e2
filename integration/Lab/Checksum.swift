import Networking

/// What goes into the headers of packets that the lab makes by hand.
enum Checksum {
    /// RFC 1071, over the pseudo header of RFC 9293 section 3.1 and RFC 8200 section 8.1, and `segment`
    /// with zeros in place of the checksum.
    static func transport(
        _ transport: TransportProtocol, from source: IPAddress, to destination: IPAddress, _ segment: [UInt8]
    ) -> UInt16 {
        // IPv6's pseudo header has wider fields, all zero where IPv4's are not: the sum is the same.
        let length = UInt16(segment.count)
        let pseudo = source.bytes + destination.bytes + [0, transport.rawValue] + length.bigEndianBytes
        return ~self.sum(pseudo + segment)
    }

    private static func sum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            let low = index + 1 < bytes.count ? bytes[index + 1] : 0
            sum += UInt32(bytes[index]) << 8 | UInt32(low)
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return UInt16(sum)
    }

    /// CRC32c as SCTP has it (RFC 9260 appendix A), low byte first.
    static func crc32c(_ bytes: [UInt8]) -> [UInt8] {
        var remainder: UInt32 = 0xffff_ffff
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0x82f6_3b78 : remainder >> 1 }
        }
        return (~remainder).bigEndianBytes.reversed()
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// Network order.
    var bigEndianBytes: [UInt8] {
        stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> $0) }
    }

    /// From network order.
    init(bigEndianBytes bytes: some Collection<UInt8>) { self = bytes.reduce(0) { $0 << 8 | Self($1) } }
}
