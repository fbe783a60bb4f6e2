internal import CNetfilter

/// The type-length-value notes that `nft` keeps in the kernel beside objects: comments, and the
/// `typeof` expressions of a set. Layout as written by nftables 1.0 (`netlink.c`, `src/expression.c`,
/// the `*_build_udata` functions); lengths are one byte.
enum UserData {
    static func comment(_ text: String) -> [UInt8] {
        self.entry(0, self.terminated(text))
    }

    /// A comment as the kernel's tools take it: cut to what they show, between characters, and ended by
    /// a NUL.
    private static func terminated(_ text: String) -> [UInt8] {
        Array(Element.shortened(text).utf8) + [0]
    }

    /// An element's notes: its comment, and whether its range is open.
    static func element(comment: String?, isOpen: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        if let comment { bytes += self.comment(comment) }
        if isOpen { bytes += self.entry(1, self.word(1)) }
        return bytes
    }

    static func parseElement(_ bytes: UnsafeRawBufferPointer) -> (comment: String?, isOpen: Bool) {
        var comment: String?
        var isOpen = false
        var offset = 0
        while offset + 2 <= bytes.count {
            let (type, length) = unsafe (bytes[offset], Int(bytes[offset + 1]))
            let start = offset + 2
            guard start + length <= bytes.count else { break }
            let value = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
            switch type {
            case 0: comment = unsafe String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
            case 1: isOpen = unsafe value.first.map { $0 & 1 == 1 } ?? false
            default: break
            }
            offset = start + length
        }
        return (comment, isOpen)
    }

    /// A set's notes: byte orders, and the expressions that its key and data have the type of.
    static func set(_ set: NamedSet) -> [UInt8] {
        var bytes = self.entry(0, self.word(self.byteOrder(set.key)))
        if case .values(let values) = set.data {
            bytes += self.entry(1, self.word(self.byteOrder(values)))
            if set.key.isTypeof {
                bytes += self.entry(3, self.typeof(set.key))
                bytes += self.entry(4, self.typeof(values))
            }
        } else if set.key.isTypeof {
            bytes += self.entry(3, self.typeof(set.key))
        }
        if let comment = set.comment { bytes += self.entry(7, self.terminated(comment)) }
        return bytes
    }

    /// BYTEORDER_HOST_ENDIAN is 1, BYTEORDER_BIG_ENDIAN 2; a concatenation has none.
    private static func byteOrder(_ type: Concatenation) -> UInt32 {
        type.parts.count > 1 ? 0 : type.parts[0].datatype.isHostOrder ? 1 : 2
    }

    private static func typeof(_ type: Concatenation) -> [UInt8] {
        let expressions = type.parts.compactMap(\.selector).map(self.expression)
        guard expressions.count > 1 else { return expressions.first ?? [] }
        var nested: [UInt8] = []
        for (index, expression) in expressions.enumerated() { nested += self.entry(UInt8(index), expression) }
        return self.entry(0, self.word(13)) + self.entry(1, nested)  // EXPR_CONCAT
    }

    private static func expression(_ selector: Selector) -> [UInt8] {
        // (enum expr_types, its own attributes in order)
        let (kind, attributes): (UInt32, [UInt32]) =
            switch selector {
            // EXPR_PAYLOAD: protocol description, header field
            case .address(.ipv4, .source): (7, [12, 11])
            case .address(.ipv4, .destination): (7, [12, 12])
            case .address(.ipv6, .source): (7, [13, 8])
            case .address(.ipv6, .destination): (7, [13, 9])
            case .sourcePort: (7, [11, 1])
            case .destinationPort: (7, [11, 2])
            // EXPR_META: key
            case .networkProtocol: (9, [15])
            case .transportProtocol: (9, [16])
            // EXPR_CT: key, direction
            case .originalAddress(.ipv4, let direction): (11, [direction == .source ? 19 : 20, 0])
            case .originalAddress(.ipv6, let direction): (11, [direction == .source ? 21 : 22, 0])
            case .originalDestinationPort: (11, [12, 0])
            // EXPR_NUMGEN: type (random), modulus, offset
            case .random(let modulus, let offset): (23, [1, modulus, offset])
            // nft 1.0.6 crashes when it lists a set with the type of a hash; a draw's type is the same.
            case .hash: preconditionFailure("no set is declared with the type of a hash")
            }
        var nested: [UInt8] = []
        for (index, attribute) in attributes.enumerated() {
            nested += self.entry(UInt8(index), self.word(attribute))
        }
        return self.entry(0, self.word(kind)) + self.entry(1, nested)
    }

    private static func entry(_ type: UInt8, _ value: [UInt8]) -> [UInt8] { [type, UInt8(value.count)] + value }

    private static func word(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value.littleEndian >> UInt32($0 * 8)) }
    }
}
