import HTTP1
import Networking
import Testing

@Suite("PROXY protocol")
struct ProxyProtocolTests {
    static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    /// A header of version 2.
    static func binary(command: UInt8, family: UInt8, version: UInt8 = 2, _ payload: [UInt8]) -> [UInt8] {
        Self.signature + [version << 4 | command, family, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
            + payload
    }

    static func parse(_ bytes: [UInt8]) throws -> ProxyProtocol.Outcome {
        try ProxyInvariants.check(bytes)
        return ProxyProtocol.parse(bytes.span)
    }

    static func endpoint(_ address: String, _ port: UInt16) throws -> ProxiedEndpoint {
        ProxiedEndpoint(address: try #require(IPAddress(address)), port: port)
    }

    @Test("version 1")
    func text() throws {
        let line = "PROXY TCP4 192.0.2.1 198.51.100.9 49152 443\r\n"
        #expect(
            try Self.parse(Array((line + "GET / HTTP/1.1\r\n").utf8))
                == .complete(
                    length: line.utf8.count, source: Self.endpoint("192.0.2.1", 49_152),
                    destination: Self.endpoint("198.51.100.9", 443)))
        let six = "PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.1 0 65535\r\n"
        #expect(
            try Self.parse(Array(six.utf8))
                == .complete(
                    length: six.utf8.count, source: Self.endpoint("2001:db8::1", 0),
                    destination: Self.endpoint("::ffff:192.0.2.1", 65_535)))
        for unknown in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ::1 1 2\r\n"] {
            #expect(
                try Self.parse(Array(unknown.utf8))
                    == .complete(length: unknown.utf8.count, source: nil, destination: nil))
        }
    }

    @Test(
        "version 1, malformed",
        arguments: [
            ("GET / HTTP/1.1\r\n", ProxyProtocol.Fault.noHeader),
            ("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", .noHeader),
            ("PROXY\r\n", .noHeader),
            ("PROXY \r\n", .invalidText),
            ("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", .invalidText),
            ("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY TCP4 ::1 ::2 1 2\r\n", .invalidText),
            ("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY TCP6 ::1%eth0 ::2 1 2\r\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", .invalidText),
            ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r", .invalidText),
            ("PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n", .invalidText),
            ("PROXY UNKNOWN " + String(repeating: "x", count: 100) + "\r\n", .textTooLong),
        ])
    func malformedText(_ line: String, _ fault: ProxyProtocol.Fault) throws {
        #expect(try Self.parse(Array(line.utf8)) == .malformed(fault))
    }

    @Test("the longest line there can be")
    func longest() throws {
        let address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        let line = "PROXY TCP6 \(address) \(address) 65535 65535\r\n"
        #expect(line.utf8.count == 104)
        guard case .complete = try Self.parse(Array(line.utf8)) else {
            Issue.record("refused")
            return
        }
        let unknown = "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n"
        #expect(unknown.utf8.count == ProxyProtocol.longestText)
        #expect(try Self.parse(Array(unknown.utf8)) == .complete(length: 107, source: nil, destination: nil))
    }

    @Test("version 2")
    func binary() throws {
        let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 9, 0xc0, 0x00, 0x01, 0xbb]
        let expected = try (Self.endpoint("192.0.2.1", 49_152), Self.endpoint("198.51.100.9", 443))
        #expect(
            try Self.parse(Self.binary(command: 1, family: 0x11, addresses) + Array("GET".utf8))
                == .complete(length: 28, source: expected.0, destination: expected.1))
        // Extensions: ALPN, an empty one of a kind nobody knows.
        let extensions: [UInt8] = [0x01, 0, 2, 0x68, 0x32, 0xe0, 0, 0]
        #expect(
            try Self.parse(Self.binary(command: 1, family: 0x11, addresses + extensions))
                == .complete(length: 36, source: expected.0, destination: expected.1))

        let six: [UInt8] =
            [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1] + [UInt8](repeating: 0, count: 15) + [2]
        #expect(
            try Self.parse(Self.binary(command: 1, family: 0x21, six + [0, 1, 0xff, 0xff]))
                == .complete(
                    length: 52, source: Self.endpoint("2001:db8::1", 1), destination: Self.endpoint("::2", 65_535)))
    }

    @Test(
        "version 2 without addresses of use",
        arguments: [
            (0x20, 0x00, [UInt8]()),  // LOCAL
            (0x20, 0x11, [1, 2, 3]),  // LOCAL, whatever follows
            (0x21, 0x00, []),  // UNSPEC
            (0x21, 0x00, [1, 2, 3, 4]),
            (0x21, 0x12, [UInt8](repeating: 1, count: 12)),  // UDP
            (0x21, 0x31, [UInt8](repeating: 1, count: 216)),  // AF_UNIX
            (0x21, 0xf1, [1, 2, 3]),  // not known
        ])
    func withoutAddresses(_ command: UInt8, _ family: UInt8, _ payload: [UInt8]) throws {
        let bytes = Self.binary(command: command & 0xf, family: family, payload)
        #expect(try Self.parse(bytes) == .complete(length: bytes.count, source: nil, destination: nil))
    }

    @Test("version 2, malformed")
    func malformedBinary() throws {
        let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 9, 0xc0, 0x00, 0x01, 0xbb]
        func fault(_ bytes: [UInt8]) throws -> ProxyProtocol.Fault? {
            guard case .malformed(let fault) = try Self.parse(bytes) else { return nil }
            return fault
        }
        #expect(try fault(Self.binary(command: 1, family: 0x11, version: 1, addresses)) == .unsupportedVersion)
        #expect(try fault(Self.binary(command: 1, family: 0x11, version: 3, addresses)) == .unsupportedVersion)
        #expect(try fault(Self.binary(command: 2, family: 0x11, addresses)) == .unsupportedCommand)
        #expect(try fault(Self.binary(command: 1, family: 0x11, Array(addresses.dropLast()))) == .invalidAddresses)
        #expect(try fault(Self.binary(command: 1, family: 0x21, addresses)) == .invalidAddresses)
        #expect(try fault(Self.binary(command: 1, family: 0x31, addresses)) == .invalidAddresses)
        #expect(try fault(Self.binary(command: 1, family: 0x11, addresses + [0x04, 0])) == .invalidExtension)
        #expect(try fault(Self.binary(command: 1, family: 0x11, addresses + [0x04, 0, 2, 1])) == .invalidExtension)
        #expect(try fault(Self.binary(command: 1, family: 0x11, addresses + [0x03, 0, 2, 1, 1])) == .invalidExtension)
        var other = Self.binary(command: 1, family: 0x11, addresses)
        other[11] = 0
        #expect(try fault(other) == .noHeader)
        // 64 KB of extensions: refused before they come.
        let huge = Self.signature + [0x21, 0x11, 0xff, 0xff]
        #expect(try fault(huge) == .headerTooLong)
    }

    @Test("checksums (CRC32c) are checked")
    func checksum() throws {
        let addresses: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 9, 0xc0, 0x00, 0x01, 0xbb]
        let unset = Self.binary(command: 1, family: 0x11, addresses + [0x03, 0, 4, 0, 0, 0, 0])
        let sum = Self.crc32c(unset)
        var bytes = unset
        for index in 0..<4 { bytes[bytes.count - 4 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * index)) }
        guard case .complete(let length, _, _) = try Self.parse(bytes) else {
            Issue.record("refused")
            return
        }
        #expect(length == bytes.count)
        bytes[20] ^= 1
        #expect(try Self.parse(bytes) == .malformed(.wrongChecksum))
        // The check value of the polynomial's catalogue.
        #expect(Self.crc32c(Array("123456789".utf8)) == 0xe306_9283)
    }

    /// By long division, most significant bit first over reflected bytes.
    private static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        func reflected(_ value: UInt32) -> UInt32 {
            (0..<32).reduce(0) { $0 | (value >> UInt32($1) & 1) << UInt32(31 - $1) }
        }
        var register: UInt32 = .max
        for byte in bytes {
            register ^= reflected(UInt32(byte))
            for _ in 0..<8 { register = register & 0x8000_0000 != 0 ? register << 1 ^ 0x1edc_6f41 : register << 1 }
        }
        return ~reflected(register)
    }

    @Test("no bytes yet")
    func empty() throws { #expect(try Self.parse([]) == .needsMore) }
}
