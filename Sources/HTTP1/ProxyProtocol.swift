package import Networking

/// An address and a port, as the PROXY protocol tells them.
@frozen
package struct ProxiedEndpoint: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16

    package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// The header by which a load balancer in front says for whom it opened a connection: the PROXY protocol, versions 1 and 2
/// (HAProxy's `proxy-protocol.txt`). Read only of peers that are trusted, and then required.
package enum ProxyProtocol {
    /// Bytes of a header of version 2 with all that it carries; the format would allow 65,551.
    package static let longestHeader = 4_096
    /// Bytes of a header of version 1 with its CRLF (section 2.1).
    package static let longestText = 107

    package enum Fault: UInt8, Hashable, Sendable, CaseIterable {
        /// The connection begins with something else.
        case noHeader
        case invalidText
        case textTooLong
        case unsupportedVersion
        case unsupportedCommand
        case invalidAddresses
        case headerTooLong
        case invalidExtension
        case wrongChecksum

        /// A few words, for logs.
        package var text: StaticString {
            switch self {
            case .noHeader: "no PROXY protocol header"
            case .invalidText: "invalid PROXY line"
            case .textTooLong: "PROXY line too long"
            case .unsupportedVersion: "unsupported PROXY protocol version"
            case .unsupportedCommand: "unsupported PROXY protocol command"
            case .invalidAddresses: "invalid addresses in PROXY protocol header"
            case .headerTooLong: "PROXY protocol header too long"
            case .invalidExtension: "invalid extension in PROXY protocol header"
            case .wrongChecksum: "wrong checksum of PROXY protocol header"
            }
        }
    }

    package enum Outcome: Hashable, Sendable {
        /// So far so good.
        case needsMore
        /// The header's bytes are followed by those of the client. Without endpoints (LOCAL, UNKNOWN, addresses
        /// that are none of IP) the connection's own are meant.
        case complete(length: Int, source: ProxiedEndpoint?, destination: ProxiedEndpoint?)
        /// The connection is closed without an answer.
        case malformed(Fault)
    }

    /// Reads a header from a connection's first bytes. Called again with all of them when there are more: a header
    /// is a few hundred bytes at most, or not looked at before it is whole.
    package static func parse(_ bytes: Span<UInt8>) -> Outcome {
        guard bytes.count > 0 else { return .needsMore }
        do throws(ProxyProblem) {
            return bytes[0] == Self.signature[0] ? try Self.parseBinary(bytes) : try Self.parseText(bytes)
        } catch {
            switch error {
            case .unfinished: return .needsMore
            case .fault(let fault): return .malformed(fault)
            }
        }
    }
}

enum ProxyProblem: Error {
    case unfinished
    case fault(ProxyProtocol.Fault)
}

// MARK: - Version 1

extension ProxyProtocol {
    /// `PROXY TCP4 192.0.2.1 192.0.2.9 49152 443` and CRLF (section 2.1).
    static func parseText(_ bytes: Span<UInt8>) throws(ProxyProblem) -> Outcome {
        let keyword: InlineArray<6, UInt8> = [0x50, 0x52, 0x4f, 0x58, 0x59, .space]
        for index in 0..<min(6, bytes.count) where bytes[index] != keyword[index] { throw .fault(.noHeader) }
        var end = 0
        let limit = min(bytes.count, Self.longestText)
        while end < limit, bytes[end] >= .space, bytes[end] < 0x7f { end += 1 }
        let isFull = limit == Self.longestText
        guard end < limit else { throw isFull ? .fault(.textTooLong) : .unfinished }
        guard bytes[end] == .carriageReturn else { throw .fault(.invalidText) }
        guard end + 1 < limit else { throw isFull ? .fault(.textTooLong) : .unfinished }
        guard bytes[end + 1] == .lineFeed else { throw .fault(.invalidText) }

        var words = Words(position: 6, end: end)
        guard let family = words.next(bytes) else { throw .fault(.invalidText) }
        // Whatever follows UNKNOWN is to be ignored.
        if family.count == 7, bytes.hasText("UNKNOWN", at: family.lowerBound) {
            return .complete(length: end + 2, source: nil, destination: nil)
        }
        let isIPv4 = family.count == 4 && bytes.hasText("TCP4", at: family.lowerBound)
        let isIPv6 = family.count == 4 && bytes.hasText("TCP6", at: family.lowerBound)
        guard isIPv4 || isIPv6,
            let source = Self.address(bytes, words.next(bytes), isIPv4: isIPv4),
            let destination = Self.address(bytes, words.next(bytes), isIPv4: isIPv4),
            let sourcePort = Self.port(bytes, words.next(bytes)),
            let destinationPort = Self.port(bytes, words.next(bytes)), words.isAtEnd
        else { throw .fault(.invalidText) }
        return .complete(
            length: end + 2,
            source: ProxiedEndpoint(address: source, port: sourcePort),
            destination: ProxiedEndpoint(address: destination, port: destinationPort)
        )
    }

    /// Words with single spaces between them.
    private struct Words {
        var position: Int
        let end: Int

        var isAtEnd: Bool { self.position == self.end + 1 }

        mutating func next(_ bytes: Span<UInt8>) -> Range<Int>? {
            guard self.position < self.end else { return nil }
            var index = self.position
            while index < self.end, bytes[index] != .space { index += 1 }
            guard index > self.position else { return nil }
            defer { self.position = index + 1 }
            return self.position..<index
        }
    }

    private static func address(_ bytes: Span<UInt8>, _ range: Range<Int>?, isIPv4: Bool) -> IPAddress? {
        guard let range, isIPv4 ? HostName.isIPv4(bytes, range) : HostName.isIPv6(bytes, range) else { return nil }
        // Once for a connection, and the text is known to be short.
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
        return IPAddress(text)
    }

    private static func port(_ bytes: Span<UInt8>, _ range: Range<Int>?) -> UInt16? {
        guard let range, range.count <= 5, range.count == 1 || bytes[range.lowerBound] != 0x30 else { return nil }
        var port: UInt32 = 0
        for index in range {
            guard bytes[index].isDigit else { return nil }
            port = port * 10 + UInt32(bytes[index] - 0x30)
        }
        return UInt16(exactly: port)
    }
}

// MARK: - Version 2

extension ProxyProtocol {
    /// What no other protocol begins with.
    static var signature: InlineArray<12, UInt8> {
        [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    }

    /// Signature, version and command, family and protocol, length; addresses; extensions (section 2.2).
    static func parseBinary(_ bytes: Span<UInt8>) throws(ProxyProblem) -> Outcome {
        let signature = Self.signature
        for index in 0..<min(12, bytes.count) where bytes[index] != signature[index] { throw .fault(.noHeader) }
        guard bytes.count > 12 else { throw .unfinished }
        guard bytes[12] >> 4 == 2 else { throw .fault(.unsupportedVersion) }
        let command = bytes[12] & 0x0f
        guard command <= 1 else { throw .fault(.unsupportedCommand) }
        guard bytes.count >= 16 else { throw .unfinished }
        let length = 16 + Int(Self.number(bytes, at: 14))
        guard length <= Self.longestHeader else { throw .fault(.headerTooLong) }
        guard bytes.count >= length else { throw .unfinished }

        let addressLength: Int =
            switch bytes[13] >> 4 {
            case 1: 4
            case 2: 16
            default: 0
            }
        // Section 2.2: families and protocols that are not known are like UNSPEC, and UDP is none of HTTP's.
        let isUsed = command == 1 && addressLength > 0 && bytes[13] & 0x0f == 1
        let addressesEnd: Int
        switch bytes[13] >> 4 {
        case 1, 2: addressesEnd = 16 + 2 * addressLength + 4
        case 3: addressesEnd = 16 + 216
        default: addressesEnd = 16
        }
        guard command == 0 || addressesEnd <= length else { throw .fault(.invalidAddresses) }
        // Of LOCAL everything is skipped. Without a known family nobody knows where extensions begin.
        if command == 1, bytes[13] >> 4 >= 1, bytes[13] >> 4 <= 3 {
            try Self.checkExtensions(bytes, from: addressesEnd, to: length)
        }
        guard isUsed else { return .complete(length: length, source: nil, destination: nil) }
        let ports = 16 + 2 * addressLength
        return .complete(
            length: length,
            source: ProxiedEndpoint(
                address: Self.address(bytes, at: 16, addressLength), port: Self.number(bytes, at: ports)),
            destination: ProxiedEndpoint(
                address: Self.address(bytes, at: 16 + addressLength, addressLength),
                port: Self.number(bytes, at: ports + 2))
        )
    }

    private static func number(_ bytes: Span<UInt8>, at index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }

    private static func address(_ bytes: Span<UInt8>, at start: Int, _ count: Int) -> IPAddress {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in start..<start + count {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(bytes[index])
        }
        return count == 4 ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(ipv6High: high, low: low)
    }

    /// Type, length and value, one behind the other, to the very end. Of the types only the checksum means anything
    /// here (section 2.2.2).
    private static func checkExtensions(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(ProxyProblem) {
        var index = start
        var hasChecksum = false
        while index < end {
            guard index + 3 <= end else { throw .fault(.invalidExtension) }
            let value = index + 3
            let count = Int(Self.number(bytes, at: index + 1))
            guard value + count <= end else { throw .fault(.invalidExtension) }
            if bytes[index] == 0x03 {
                guard count == 4, !hasChecksum else { throw .fault(.invalidExtension) }
                hasChecksum = true
                let expected = UInt32(Self.number(bytes, at: value)) << 16 | UInt32(Self.number(bytes, at: value + 2))
                guard Self.checksum(bytes, to: end, without: value..<value + 4) == expected else {
                    throw .fault(.wrongChecksum)
                }
            }
            index = value + count
        }
    }

    /// CRC32c of the header, in which the checksum itself counts as zeros.
    static func checksum(_ bytes: Span<UInt8>, to end: Int, without hole: Range<Int>) -> UInt32 {
        var register: UInt32 = ~0
        for index in 0..<end {
            register ^= hole.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        return ~register
    }
}
