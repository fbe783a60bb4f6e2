internal import Bytes

/// The server name of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), read from the first bytes of a connection.
enum ServerName: Equatable {
    /// The ClientHello is not all here.
    case needsMore
    /// Where the name is; it may be of any case, and anything a client puts there.
    case name(ByteRange)
    /// No TLS, or no name.
    case absent

    /// A ClientHello that is longer is taken for one without a name. With post-quantum key shares they have some 2 KB.
    static let longestHello = 16 << 10

    static func read(_ bytes: Span<UInt8>) -> ServerName {
        // Records of the handshake (RFC 8446 section 5.1): a ClientHello may be spread over several.
        guard bytes.count >= 1 else { return .needsMore }
        guard bytes[0] == 22 else { return .absent }
        guard bytes.count >= 5 else { return .needsMore }
        guard bytes[1] == 3 else { return .absent }
        let length = Int(bytes[3]) << 8 | Int(bytes[4])
        guard length >= 4 else { return .absent }
        guard bytes.count >= 9 else { return .needsMore }
        guard bytes[5] == 1 else { return .absent }
        let hello = Int(bytes[6]) << 16 | Int(bytes[7]) << 8 | Int(bytes[8])
        // In one record it is in nearly all cases; where it is not, nobody can point at the name in one piece.
        guard hello + 4 <= length, hello <= Self.longestHello else { return .absent }
        guard bytes.count >= 9 + hello else { return .needsMore }
        return self.find(bytes, Cursor(position: 9, end: 9 + hello)) ?? .absent
    }

    private struct Cursor {
        var position: Int
        let end: Int

        mutating func skip(_ count: Int) -> Bool {
            guard count <= self.end - self.position else { return false }
            self.position += count
            return true
        }

        mutating func number(_ length: Int, _ bytes: Span<UInt8>) -> Int? {
            guard length <= self.end - self.position else { return nil }
            var value = 0
            for _ in 0..<length {
                value = value << 8 | Int(bytes[self.position])
                self.position += 1
            }
            return value
        }

        /// A vector that says how long it is.
        mutating func vector(_ length: Int, _ bytes: Span<UInt8>) -> Cursor? {
            guard let count = self.number(length, bytes), count <= self.end - self.position else { return nil }
            defer { self.position += count }
            return Cursor(position: self.position, end: self.position + count)
        }
    }

    private static func find(_ bytes: Span<UInt8>, _ hello: Cursor) -> ServerName? {
        var hello = hello
        // Version, random; session, cipher suites, compression methods.
        guard hello.skip(34), hello.vector(1, bytes) != nil, hello.vector(2, bytes) != nil,
            hello.vector(1, bytes) != nil, var extensions = hello.vector(2, bytes)
        else { return nil }
        while let type = extensions.number(2, bytes), var content = extensions.vector(2, bytes) {
            guard type == 0, var list = content.vector(2, bytes) else { continue }
            while let kind = list.number(1, bytes), let name = list.vector(2, bytes) {
                if kind == 0 { return name.position == name.end ? nil : .name(ByteRange(name.position..<name.end)) }
            }
            return nil
        }
        return nil
    }
}

/// `shop.example`, or `*.shop.example` for exactly one label in place of the star, as certificates have it (RFC 6125 section 6.4.3).
struct ServerNamePattern: Sendable {
    /// In lower case; of a wildcard what follows the star, with its dot.
    private let bytes: [UInt8]
    private let isWildcard: Bool

    init(_ text: String) {
        let lower = text.utf8.map(Self.lowercased)
        self.isWildcard = lower.starts(with: [42, 46])
        self.bytes = Array(self.isWildcard ? lower.dropFirst() : lower[...])
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }

    /// Without allocation.
    func matches(_ name: Span<UInt8>, _ range: ByteRange) -> Bool {
        let count = Int(range.count)
        let skipped = count - self.bytes.count
        guard self.isWildcard ? skipped > 0 : skipped == 0 else { return false }
        for index in self.bytes.indices
        where Self.lowercased(name[range.lowerBound + skipped + index]) != self.bytes[index] {
            return false
        }
        // The star is one label.
        for index in 0..<skipped where name[range.lowerBound + index] == 46 { return false }
        return true
    }
}
