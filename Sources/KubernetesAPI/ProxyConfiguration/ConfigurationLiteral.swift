/// A value as it is written, in YAML or JSON.
indirect enum ConfigurationLiteral: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let key: String
        let value: ConfigurationLiteral

        init(_ key: String, _ value: ConfigurationLiteral) {
            self.key = key
            self.value = value
        }
    }

    case null
    case boolean(Bool)
    /// As it stands in both.
    case number(String)
    case string(String)
    case list([ConfigurationLiteral])
    case mapping([Entry])

    /// On one line; texts without quotes where no YAML reader takes them for something else.
    var yaml: String {
        switch self {
        case .string(let text) where Self.isPlain(text): text
        case .list(let items): "[\(items.map(\.yaml).joined(separator: ", "))]"
        case .mapping(let entries):
            "{\(entries.map { "\(Self.string($0.key).yaml): \($0.value.yaml)" }.joined(separator: ", "))}"
        case .null, .boolean, .number, .string: self.json
        }
    }

    /// RFC 8259, without white space.
    var json: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): Self.quoted(text)
        case .list(let items): "[\(items.map(\.json).joined(separator: ","))]"
        case .mapping(let entries):
            "{\(entries.map { "\(Self.quoted($0.key)):\($0.value.json)" }.joined(separator: ","))}"
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return !bytes.isEmpty && bytes.allSatisfy(isPlain) && bytes[0] != UInt8(ascii: "-")
            && ScalarForm(plain: bytes[...]) == .text
    }

    /// What YAML reads the same way (YAML 1.2, 5.7).
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
