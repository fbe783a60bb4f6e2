/// The path of a rule in the form that requests' paths have when they are matched: percent-encodings of unreserved
/// characters decoded (RFC 3986 section 6.2.2), and what cannot stand in a URI encoded. Other encodings stay as they are
/// written, as those of requests do.
struct RulePath: Hashable {
    let text: String
    /// For Prefix: without one slash at the end (P3); empty for `/`.
    var element: String { self.text.utf8.last == UInt8(ascii: "/") ? String(self.text.dropLast()) : self.text }

    enum Fault: String, Error {
        case relative = "does not begin with \"/\""
        case encoding = "has a \"%\" without two hexadecimal digits"
        case empty = "has an empty element, which the path of no request has once it is normalised"
        case dots = "has a \".\" or \"..\", which the path of no request has once it is normalised"
        case null = "has a NUL character"
        case backslash = "has a backslash, which the path of no request has"
        case length = "is longer than 4096 bytes"
    }

    static let longest = 4_096

    init(_ text: String) throws(Fault) {
        // Only where the type is ImplementationSpecific (P10).
        if text.isEmpty {
            self.text = "/"
            return
        }
        let bytes = Array(text.utf8)
        guard bytes[0] == UInt8(ascii: "/") else { throw .relative }
        guard bytes.count <= Self.longest else { throw .length }
        let normal = try Self.normalized(bytes)
        let elements = normal.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard elements.dropLast().allSatisfy({ !$0.isEmpty }) else { throw .empty }
        guard elements.allSatisfy({ !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }) else { throw .dots }
        self.text = String(decoding: normal, as: UTF8.self)
    }

    private static func normalized(_ bytes: [UInt8]) throws(Fault) -> [UInt8] {
        var normal: [UInt8] = []
        normal.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\") { throw .backslash }
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, let high = Self.digit(bytes[index + 1]),
                    let low = Self.digit(bytes[index + 2])
                else { throw .encoding }
                let decoded = high << 4 | low
                if decoded == 0 { throw .null }
                if Self.isUnreserved(decoded) {
                    normal.append(decoded)
                } else {
                    normal += bytes[index...index + 2]
                }
                index += 3
                continue
            }
            if byte == 0 { throw .null }
            if Self.isLiteral(byte) {
                normal.append(byte)
            } else {
                normal += [UInt8(ascii: "%"), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
            index += 1
        }
        return normal
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Whether somebody may have meant a regular expression.
    static func looksLikeExpression(_ text: String) -> Bool {
        text.utf8.contains { "^*[](){}|$".utf8.contains($0) }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }

    /// What the parser of requests lets through: all visible ASCII, but what would end the path.
    private static func isLiteral(_ byte: UInt8) -> Bool { 0x21...0x7e ~= byte && !"%?#".utf8.contains(byte) }
}
