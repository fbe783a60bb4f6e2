/// Writes JSON (RFC 8259) member by member, for pages that can be long. Who writes sees to it that it is well formed.
///
/// ```
/// var json = JSONText()
/// json.object { json in
///     json.member("version", "v1")
///     json.array("routes") { json in for route in routes { json.object { ... } } }
/// }
/// ```
package struct JSONText: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    package var text: String { String(decoding: self.bytes, as: UTF8.self) }

    // MARK: - Structure

    package mutating func object(_ body: (inout JSONText) -> Void) {
        self.begin(UInt8(ascii: "{"))
        body(&self)
        self.end(UInt8(ascii: "}"))
    }

    package mutating func object(_ key: String, _ body: (inout JSONText) -> Void) {
        self.key(key)
        self.object(body)
    }

    package mutating func array(_ key: String, _ body: (inout JSONText) -> Void) {
        self.key(key)
        self.begin(UInt8(ascii: "["))
        body(&self)
        self.end(UInt8(ascii: "]"))
    }

    package mutating func array(_ key: String, _ values: some Sequence<String>) {
        self.array(key) { json in for value in values { json.element(value) } }
    }

    // MARK: - Values

    package mutating func member(_ key: String, _ value: String) {
        self.key(key)
        self.element(value)
    }

    /// Leaves the member out where there is no value.
    package mutating func member(_ key: String, _ value: String?) {
        if let value { self.member(key, value) }
    }

    package mutating func member(_ key: String, _ value: some BinaryInteger) {
        self.key(key)
        self.separate()
        self.append(value)
    }

    package mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        self.separate()
        self.bytes += (value ? "true" : "false").utf8
    }

    package mutating func null(_ key: String) {
        self.key(key)
        self.separate()
        self.bytes += "null".utf8
    }

    package mutating func element(_ value: String) {
        self.separate()
        self.quote(value)
    }

    // MARK: - Bytes

    private mutating func separate() {
        if self.needsComma { self.bytes.append(UInt8(ascii: ",")) }
        self.needsComma = true
    }

    private mutating func begin(_ bracket: UInt8) {
        self.separate()
        self.bytes.append(bracket)
        self.needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        self.bytes.append(bracket)
        self.needsComma = true
    }

    private mutating func key(_ key: String) {
        self.separate()
        self.quote(key)
        self.bytes.append(UInt8(ascii: ":"))
        self.needsComma = false
    }

    private mutating func append(_ value: some BinaryInteger) {
        guard let value = UInt64(exactly: value) else {
            self.bytes += "\(value)".utf8
            return
        }
        let start = self.bytes.count
        var rest = value
        repeat {
            self.bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        self.bytes[start...].reverse()
    }

    private mutating func quote(_ text: String) {
        self.bytes.append(UInt8(ascii: "\""))
        // Nearly all are.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            self.bytes += text.utf8
            self.bytes.append(UInt8(ascii: "\""))
            return
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): self.bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0..<0x20: self.bytes += "\\u00\(byte < 0x10 ? "0" : "1")\(String(byte & 15, radix: 16))".utf8
            default: self.bytes.append(byte)
            }
        }
        self.bytes.append(UInt8(ascii: "\""))
    }
}
