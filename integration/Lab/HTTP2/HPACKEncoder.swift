/// One representation of a header block (RFC 7541 section 6), whether it makes sense or not.
package enum HPACKField: Sendable {
    /// Section 6.1.
    case indexed(Int)
    /// Section 6.2.2, with the name as text, and Huffman's code where asked for.
    case literal(String, String, huffman: Bool = false)
    /// Section 6.2.1: it goes into the dynamic table.
    case indexing(String, String)
    /// The same with the name of an entry.
    case indexingNamed(Int, String)
    /// Section 6.2.3.
    case never(String, String)
    /// Section 6.3.
    case tableSize(Int)
    case raw([UInt8])
}

/// Writes header blocks as it is told, and keeps no table: who asks for an index has to know it.
package enum HPACKEncoder {
    package static func encode(_ fields: [HPACKField]) -> [UInt8] { fields.flatMap(self.encode) }

    /// All as literals that no table keeps.
    package static func encode(_ fields: [HTTPField]) -> [UInt8] {
        self.encode(fields.map { .literal($0.name, $0.value) })
    }

    private static func encode(_ field: HPACKField) -> [UInt8] {
        switch field {
        case .indexed(let index): self.integer(index, prefix: 7, first: 0x80)
        case .literal(let name, let value, let huffman):
            [0] + self.string(name, huffman: huffman) + self.string(value, huffman: huffman)
        case .indexing(let name, let value): [0x40] + self.string(name) + self.string(value)
        case .indexingNamed(let index, let value): self.integer(index, prefix: 6, first: 0x40) + self.string(value)
        case .never(let name, let value): [0x10] + self.string(name) + self.string(value)
        case .tableSize(let size): self.integer(size, prefix: 5, first: 0x20)
        case .raw(let bytes): bytes
        }
    }

    /// Section 5.1.
    package static func integer(_ value: Int, prefix: Int, first: UInt8 = 0) -> [UInt8] {
        let limit = 1 << prefix - 1
        guard value >= limit else { return [first | UInt8(value)] }
        var bytes = [first | UInt8(limit)]
        var rest = value - limit
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// Section 5.2.
    package static func string(_ text: String, huffman: Bool = false) -> [UInt8] {
        let content = huffman ? HPACKHuffman.encode(text.utf8) : Array(text.utf8)
        return self.integer(content.count, prefix: 7, first: huffman ? 0x80 : 0) + content
    }
}
