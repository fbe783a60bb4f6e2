internal import Networking

/// Why a datagram did not reach anybody, as its sender is told.
public enum Unreachability: Hashable, Sendable, CaseIterable {
    case port, host, prohibited

    /// Of destination unreachable: ICMP (RFC 792, RFC 1812 section 5.2.7.1) and ICMPv6 (RFC 4443 section 3.1).
    func code(_ family: AddressFamily) -> UInt8 {
        switch self {
        case .port: family == .ipv4 ? 3 : 4
        case .host: family == .ipv4 ? 1 : 3
        case .prohibited: family == .ipv4 ? 13 : 1
        }
    }

    /// What a system call on the socket of an endpoint says that the sender of a datagram should know.
    public init?(errno: Int32) {
        switch errno {
        case 111: self = .port  // ECONNREFUSED
        case 112, 113, 101, 64: self = .host  // EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENONET
        case 13, 1: self = .prohibited  // EACCES, EPERM
        default: return nil
        }
    }
}

/// An ICMP or ICMPv6 packet that tells the sender of a UDP datagram that it did not arrive, with as much of the datagram as
/// the sender's kernel needs to find the socket: its IP and UDP headers.
public struct UnreachableMessage: Sendable {
    public private(set) var count = 0
    /// The first `count` bytes are the packet, from the ICMP header on.
    public var bytes: InlineArray<56, UInt8> { self.storage }
    private var storage = InlineArray<56, UInt8>(repeating: 0)

    /// - Parameters:
    ///   - payload: bytes of data that the datagram had; 0 if that is not known any more.
    public init(_ reason: Unreachability, of sender: SocketAddress, to target: SocketAddress, payload: Int = 0) {
        let family = sender.address.family
        self.append(family == .ipv4 ? 3 : 1)
        self.append(reason.code(family))
        for _ in 0..<6 { self.append(0) }
        let length = UInt16(clamping: 8 + payload)
        switch family {
        case .ipv4: self.appendIPv4(sender.address, target.address, length: length)
        case .ipv6: self.appendIPv6(sender.address, target.address, length: length)
        }
        // RFC 768. Of a datagram that is not there the checksum is not known: 0 says that there is none.
        self.append(word: sender.port)
        self.append(word: target.port)
        self.append(word: length)
        self.append(word: 0)
        // The kernel writes the checksum of ICMPv6, which has the addresses in it (RFC 3542 section 3.1).
        if family == .ipv4 { self.set(2, self.checksum(0..<self.count)) }
    }

    /// RFC 791 section 3.1.
    private mutating func appendIPv4(_ source: IPAddress, _ target: IPAddress, length: UInt16) {
        let start = self.count
        self.append(0x45)
        self.append(0)
        self.append(word: UInt16(clamping: Int(length) + 20))
        self.append(word: 0)
        self.append(word: 0x4000)
        self.append(64)
        self.append(Self.udp)
        self.append(word: 0)
        self.append(source)
        self.append(target)
        self.set(start + 10, self.checksum(start..<self.count))
    }

    /// RFC 8200 section 3.
    private mutating func appendIPv6(_ source: IPAddress, _ target: IPAddress, length: UInt16) {
        self.append(0x60)
        for _ in 0..<3 { self.append(0) }
        self.append(word: length)
        self.append(Self.udp)
        self.append(64)
        self.append(source)
        self.append(target)
    }

    private static let udp: UInt8 = 17

    private mutating func append(_ byte: UInt8) {
        self.storage[self.count] = byte
        self.count += 1
    }

    private mutating func append(word: UInt16) {
        self.append(UInt8(truncatingIfNeeded: word >> 8))
        self.append(UInt8(truncatingIfNeeded: word))
    }

    private mutating func append(_ address: IPAddress) {
        for index in 0..<address.family.addressLength { self.append(address.byte(index)) }
    }

    private mutating func set(_ index: Int, _ word: UInt16) {
        self.storage[index] = UInt8(truncatingIfNeeded: word >> 8)
        self.storage[index + 1] = UInt8(truncatingIfNeeded: word)
    }

    /// RFC 1071, of an even number of bytes.
    private func checksum(_ range: Range<Int>) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
            sum += UInt32(self.storage[index]) << 8 | UInt32(self.storage[index + 1])
        }
        while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
        return ~UInt16(sum)
    }
}
