/// RFC 7541's tables: what both ends know, and what they agree on as they go.
enum HPACK {
    /// Appendix A. The first has index 1.
    static let staticTable: [HTTPField] = [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
        (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
        (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
        ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
        ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""),
        ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""),
        ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""),
        ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""),
        ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""),
        ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""),
        ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ].map { HTTPField($0.0, $0.1) }

    /// Section 2.3.2: newest first, and never larger than its size.
    struct DynamicTable: Sendable {
        private(set) var entries: [HTTPField] = []
        private var used = 0

        var size: Int { didSet { self.evict() } }

        init(size: Int = 4096) { self.size = size }

        mutating func insert(_ field: HTTPField) {
            self.entries.insert(field, at: 0)
            self.used += Self.size(of: field)
            self.evict()
        }

        private mutating func evict() {
            while self.used > self.size, let last = self.entries.popLast() { self.used -= Self.size(of: last) }
        }

        /// Section 4.1.
        static func size(of field: HTTPField) -> Int { field.name.utf8.count + field.value.utf8.count + 32 }

        /// Section 2.3.3: the static table, and then this one. nil for an index of neither.
        subscript(index: Int) -> HTTPField? {
            switch index {
            case 1...HPACK.staticTable.count: HPACK.staticTable[index - 1]
            case HPACK.staticTable.count + 1..<HPACK.staticTable.count + 1 + self.entries.count:
                self.entries[index - HPACK.staticTable.count - 1]
            default: nil
            }
        }
    }
}

/// RFC 7541 appendix B.
enum HPACKHuffman {
    /// How many bits each symbol has; the last one is EOS. The code is canonical: among codes of a length the next
    /// symbol has the next number, so the lengths say it all.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
        28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
        6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22,
        20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23,
        23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22,
        22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26,
        27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
        26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
    ]

    /// Of each length: its first code, and its symbols in order.
    private static let codes: [(first: UInt32, symbols: [Int])] = {
        var next: UInt32 = 0
        return (0...30).map { length in
            next <<= 1
            let symbols = Self.lengths.indices.filter { Self.lengths[$0] == length }
            defer { next += UInt32(symbols.count) }
            return (next, symbols)
        }
    }()

    static func decode(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
        var result: [UInt8] = []
        var code: UInt32 = 0
        var length = 0
        for byte in bytes {
            for bit in (0..<8).reversed() {
                code = code << 1 | UInt32(byte >> bit & 1)
                length += 1
                guard length <= 30 else { throw LabError("Huffman: no such code") }
                let (first, symbols) = self.codes[length]
                guard code >= first, Int(code - first) < symbols.count else { continue }
                let symbol = symbols[Int(code - first)]
                guard symbol < 256 else { throw LabError("Huffman: EOS inside") }
                result.append(UInt8(symbol))
                (code, length) = (0, 0)
            }
        }
        // Section 5.2: the rest is the front of EOS, which is all ones, and less than an octet.
        guard length < 8, code == 1 << length - 1 else { throw LabError("Huffman: padding of \(length) bits") }
        return result
    }

    static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var bits: UInt64 = 0
        var count = 0
        for byte in bytes {
            let length = Int(self.lengths[Int(byte)])
            let (first, symbols) = self.codes[length]
            let place = symbols.firstIndex(of: Int(byte)) ?? 0
            bits = bits << length | UInt64(first + UInt32(place))
            count += length
            while count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        if count > 0 { result.append(UInt8(truncatingIfNeeded: bits << (8 - count) | 0xff >> count)) }
        return result
    }
}
