/// A document as YAML (1.2.2), for `-o yaml`: block style, in the order of the JSON that it is made of.
package enum YAMLText {
    /// - Parameter json: a document of the admin API.
    package static func text(json: [UInt8]) throws(APIFailure) -> String {
        var reader = JSONReader(json)
        var text = ""
        do throws(JSONReader.Malformed) {
            try self.write(&reader, indent: 0, afterDash: true, to: &text)
            try reader.finish()
        } catch {
            throw APIFailure(code: 502, message: "the answer is no JSON from byte \(error.offset) on")
        }
        return text
    }

    /// Ends with a line break.
    ///
    /// - Parameter afterDash: the line has begun: what comes first goes on in it.
    private static func write(
        _ reader: inout JSONReader, indent: Int, afterDash: Bool, to text: inout String
    ) throws(JSONReader.Malformed) {
        let margin = String(repeating: " ", count: indent)
        var isEmpty = true
        switch try reader.kind() {
        case .object:
            var members = ""
            try reader.object { (name, reader) throws(JSONReader.Malformed) in
                members += isEmpty && afterDash ? "" : margin
                isEmpty = false
                members += "\(self.scalar(name)):"
                try self.writeBehind(&reader, indent: indent, to: &members)
            }
            text += isEmpty ? (afterDash ? "" : " ") + "{}\n" : (afterDash ? "" : "\n") + members
        case .array:
            var elements = ""
            try reader.array { (reader) throws(JSONReader.Malformed) in
                elements += isEmpty && afterDash ? "- " : "\(margin)- "
                isEmpty = false
                try self.write(&reader, indent: indent + 2, afterDash: true, to: &elements)
            }
            text += isEmpty ? (afterDash ? "" : " ") + "[]\n" : (afterDash ? "" : "\n") + elements
        case .string: text += (afterDash ? "" : " ") + self.scalar(try reader.string()) + "\n"
        case .other: text += (afterDash ? "" : " ") + (try reader.bare()) + "\n"
        }
    }

    /// The value of a member: lists stand below its name, objects two places further.
    private static func writeBehind(
        _ reader: inout JSONReader, indent: Int, to text: inout String
    ) throws(JSONReader.Malformed) {
        let isObject = try reader.kind() == .object
        try self.write(&reader, indent: isObject ? indent + 2 : indent, afterDash: false, to: &text)
    }

    /// Plain where nobody could read anything else in it; otherwise in double quotes, which are those of JSON.
    private static func scalar(_ text: String) -> String {
        let reserved: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isPlain =
            text.utf8.first.map { self.isLetter($0) || $0 == UInt8(ascii: "/") } ?? false
            && text.utf8.allSatisfy { self.isLetter($0) || "0123456789-_./".utf8.contains($0) }
            && !reserved.contains(text.lowercased())
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case let scalar where scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x\(digits.utf8.count < 2 ? "0" : "")\(digits)"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    }
}
