/// Reads JSON (RFC 8259) in one pass, by whoever knows what is to come; the counterpart of `JSONText`. A list of all endpoints of a large
/// cluster has some millions of bytes, and people wait for it: a decoder that makes a tree first takes several times as long.
package struct JSONReader {
    /// What is read is not JSON, or not what was to come.
    package struct Malformed: Error, Hashable {
        let offset: Int
    }

    /// Objects and arrays within each other, of what is passed over.
    private static let deepest = 64

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nothing but white space may be left.
    mutating func finish() throws(Malformed) {
        guard self.next() == nil else { throw self.malformed }
    }

    // MARK: - Values

    mutating func boolean() throws(Malformed) -> Bool {
        let isTrue = self.next() == UInt8(ascii: "t")
        try self.word(isTrue ? "true" : "false")
        return isTrue
    }

    /// Calls `body` for each member, to read its value, or to ``skip()`` it.
    mutating func object(_ body: (String, inout JSONReader) throws(Malformed) -> Void) throws(Malformed) {
        try self.list(UInt8(ascii: "{"), UInt8(ascii: "}")) { (reader) throws(Malformed) in
            let name = try reader.string()
            try reader.take(UInt8(ascii: ":"))
            try body(name, &reader)
        }
    }

    /// Calls `body` for each element.
    mutating func array(_ body: (inout JSONReader) throws(Malformed) -> Void) throws(Malformed) {
        try self.list(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    mutating func string() throws(Malformed) -> String {
        try self.take(UInt8(ascii: "\""))
        let start = self.position
        var isASCII = true
        while self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case UInt8(ascii: "\""):
                defer { self.position += 1 }
                // Validating takes several times as long, and ASCII is valid.
                if isASCII { return String(decoding: self.bytes[start..<self.position], as: UTF8.self) }
                guard let text = String(validating: self.bytes[start..<self.position], as: UTF8.self) else {
                    throw self.malformed
                }
                return text
            case UInt8(ascii: "\\"): return try self.escapedString(from: start)
            case 0..<0x20: throw self.malformed
            case 0x80...:
                isASCII = false
                self.position += 1
            default: self.position += 1
            }
        }
        throw self.malformed
    }

    /// A number without fraction and exponent, which fits.
    mutating func integer<Value: FixedWidthInteger>() throws(Malformed) -> Value {
        guard let first = self.next() else { throw self.malformed }
        let isNegative = first == UInt8(ascii: "-")
        if isNegative { self.position += 1 }
        var value = Value.zero
        let start = self.position
        while self.position < self.bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = self.bytes[self.position] {
            let digit = Value(self.bytes[self.position] - UInt8(ascii: "0"))
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw self.malformed }
            value = sum
            self.position += 1
        }
        guard self.position > start else { throw self.malformed }
        if self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): throw self.malformed
            default: break
            }
        }
        return value
    }

    /// nil for `null`.
    mutating func optional<Value>(
        _ body: (inout JSONReader) throws(Malformed) -> Value
    ) throws(Malformed) -> Value? {
        guard self.next() == UInt8(ascii: "n") else { return try body(&self) }
        try self.word("null")
        return nil
    }

    /// Passes over a value, whatever it is.
    mutating func skip() throws(Malformed) { try self.skip(depth: 0) }

    private mutating func skip(depth: Int) throws(Malformed) {
        guard depth < Self.deepest else { throw self.malformed }
        switch self.next() {
        case UInt8(ascii: "{"):
            try self.object { (_, reader) throws(Malformed) in try reader.skip(depth: depth + 1) }
        case UInt8(ascii: "["): try self.array { (reader) throws(Malformed) in try reader.skip(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try self.string()
        case UInt8(ascii: "t"): try self.word("true")
        case UInt8(ascii: "f"): try self.word("false")
        case UInt8(ascii: "n"): try self.word("null")
        default: try self.skipNumber()
        }
    }

    /// What comes next.
    enum Kind {
        case object
        case array
        case string
        /// A number, a boolean or null.
        case other
    }

    mutating func kind() throws(Malformed) -> Kind {
        switch self.next() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case nil: throw self.malformed
        default: .other
        }
    }

    /// A number, a boolean or null, as it is written.
    mutating func bare() throws(Malformed) -> String {
        _ = self.next()
        let start = self.position
        try self.skip()
        return String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    // MARK: - Bytes

    /// For what was to come, and is not what was just read.
    var malformed: Malformed { Malformed(offset: self.position) }

    /// The next byte that is no white space.
    private mutating func next() -> UInt8? {
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
            self.position += 1
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) throws(Malformed) {
        guard self.next() == byte else { throw self.malformed }
        self.position += 1
    }

    private mutating func list(
        _ opening: UInt8, _ closing: UInt8, _ element: (inout JSONReader) throws(Malformed) -> Void
    ) throws(Malformed) {
        try self.take(opening)
        if self.next() == closing {
            self.position += 1
            return
        }
        while true {
            try element(&self)
            if self.next() == closing {
                self.position += 1
                return
            }
            try self.take(UInt8(ascii: ","))
        }
    }

    private mutating func word(_ word: String) throws(Malformed) {
        for byte in word.utf8 {
            guard self.position < self.bytes.count, self.bytes[self.position] == byte else { throw self.malformed }
            self.position += 1
        }
    }

    private mutating func skipNumber() throws(Malformed) {
        var hasDigit = false
        while self.position < self.bytes.count {
            switch self.bytes[self.position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): hasDigit = true
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): break
            default:
                guard hasDigit else { throw self.malformed }
                return
            }
            self.position += 1
        }
        guard hasDigit else { throw self.malformed }
    }

    /// With at least one escape, which is seldom.
    private mutating func escapedString(from start: Int) throws(Malformed) -> String {
        var units = Array(self.bytes[start..<self.position])
        while self.position < self.bytes.count {
            let byte = self.bytes[self.position]
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else { throw self.malformed }
                return text
            case UInt8(ascii: "\\"): units += try self.escape().utf8
            case 0..<0x20: throw self.malformed
            default: units.append(byte)
            }
        }
        throw self.malformed
    }

    private mutating func escape() throws(Malformed) -> String {
        guard self.position < self.bytes.count else { throw self.malformed }
        let byte = self.bytes[self.position]
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try self.codeUnit()
            guard UTF16.isLeadSurrogate(unit) else {
                guard let scalar = Unicode.Scalar(unit) else { throw self.malformed }
                return String(scalar)
            }
            try self.word("\\u")
            let trail = try self.codeUnit()
            guard UTF16.isTrailSurrogate(trail) else { throw self.malformed }
            return String(decoding: [unit, trail], as: UTF16.self)
        default: throw self.malformed
        }
    }

    private mutating func codeUnit() throws(Malformed) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard self.position < self.bytes.count,
                let digit = Character(Unicode.Scalar(self.bytes[self.position])).hexDigitValue
            else { throw self.malformed }
            unit = unit << 4 | UInt16(digit)
            self.position += 1
        }
        return unit
    }
}
