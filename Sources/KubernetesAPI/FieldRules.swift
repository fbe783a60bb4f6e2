package import Networking

/// Rules for the values of fields, in whatever form an object came.
package enum FieldRules {
    /// An address. Padding with white space and with zeros is accepted: objects stored by old API
    /// servers have both.
    package static func address(_ text: String) -> IPAddress? {
        IPAddress(self.trimmed(text))
    }

    /// An address block, padded as an address may be. Host bits are dropped.
    package static func block(_ text: String) -> CIDR? {
        CIDR(self.trimmed(text))
    }

    static func trimmed(_ text: String) -> String {
        // The ASCII part of what the API server trims.
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte) }
        guard let first = text.utf8.first, let last = text.utf8.last, isSpace(first) || isSpace(last) else {
            return text
        }
        let rest = text.utf8.drop(while: isSpace)
        let end = rest.lastIndex { !isSpace($0) }.map { rest.index(after: $0) } ?? rest.startIndex
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    /// What makes an address unfit to be served at or sent to; nil if nothing does.
    package static func specialRange(of address: IPAddress, refusingLoopback: Bool) -> String? {
        if address.isUnspecified { return "the unspecified address" }
        if refusingLoopback, address.isLoopback { return "a loopback address" }
        if address.isLinkLocal { return "a link-local address" }
        if address.isMulticast { return "a multicast address" }
        return nil
    }

    /// A value in quotes, cut where it is long.
    package static func quote(_ text: String) -> String {
        let limit = 64
        let shown = text.unicodeScalars.prefix(limit).map { $0.properties.generalCategory == .control ? "?" : $0 }
        let isCut = text.unicodeScalars.dropFirst(limit).first != nil
        return "\"\(String(String.UnicodeScalarView(shown)))\(isCut ? "…" : "")\""
    }
}

extension Sequence where Element: Hashable {
    /// Every element once, where it was first.
    package var unique: [Element] {
        var seen: Set<Element> = []
        return self.filter { seen.insert($0).inserted }
    }
}
