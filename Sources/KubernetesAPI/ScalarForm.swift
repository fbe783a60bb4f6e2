/// What an unquoted scalar stands for, by the rules of the YAML reader in `kubectl`: YAML 1.1's
/// booleans (`yes`, `on`), decimal, octal and hexadecimal integers.
enum ScalarForm: Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// A number that is not an integer of 64 bits.
    case number
    case text

    init(plain bytes: ArraySlice<UInt8>) {
        guard let first = bytes.first else {
            self = .null
            return
        }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
            self = Self.number(bytes)
        case UInt8(ascii: "~"):
            self = bytes.count == 1 ? .null : .text
        case _ where bytes.count <= 5:
            self = Self.words[String(decoding: bytes, as: UTF8.self)] ?? .text
        default:
            self = .text
        }
    }

    private static let words: [String: ScalarForm] = {
        var words: [String: ScalarForm] = [:]
        let forms: [(String, ScalarForm)] = [
            ("null", .null), ("true", .boolean(true)), ("yes", .boolean(true)), ("on", .boolean(true)),
            ("false", .boolean(false)), ("no", .boolean(false)), ("off", .boolean(false)),
        ]
        for (word, form) in forms {
            words[word] = form
            words[word.uppercased()] = form
            words[word.prefix(1).uppercased() + word.dropFirst()] = form
        }
        return words
    }()

    private static func number(_ bytes: ArraySlice<UInt8>) -> ScalarForm {
        var digits = bytes
        let sign = digits.first
        let isNegative = sign == UInt8(ascii: "-")
        if isNegative || sign == UInt8(ascii: "+") { digits = digits.dropFirst() }
        guard let first = digits.first else { return .text }

        if first == UInt8(ascii: "0"), digits.count > 1 {
            let second = digits[digits.startIndex + 1]
            if second == UInt8(ascii: "x") { return self.integer(digits.dropFirst(2), radix: 16, isNegative) ?? .text }
            if second == UInt8(ascii: "o") { return self.integer(digits.dropFirst(2), radix: 8, isNegative) ?? .text }
            if let octal = self.integer(digits.dropFirst(), radix: 8, isNegative) { return octal }
        } else if let decimal = self.integer(digits, radix: 10, isNegative) {
            return decimal
        }
        return self.isDecimalFraction(digits) ? .number : .text
    }

    /// nil if a byte is no digit.
    private static func integer(_ digits: ArraySlice<UInt8>, radix: Int64, _ isNegative: Bool) -> ScalarForm? {
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        var hasOverflow = false
        for byte in digits {
            let digit: Int64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = Int64(byte - UInt8(ascii: "a")) + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = Int64(byte - UInt8(ascii: "A")) + 10
            default: return nil
            }
            guard digit < radix else { return nil }
            let (product, first) = value.multipliedReportingOverflow(by: radix)
            let (sum, second) = product.addingReportingOverflow(digit)
            hasOverflow = hasOverflow || first || second
            value = sum
        }
        return hasOverflow ? .number : .integer(isNegative ? -value : value)
    }

    /// `1.5`, `.5`, `1.`, `1e9`; not `10.0.0.1`.
    private static func isDecimalFraction(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let whole = rest.prefix(while: isDigit)
        rest = rest[whole.endIndex...]
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest[fraction.endIndex...]
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return false }
        guard let mark = rest.first else { return true }
        guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }
}
