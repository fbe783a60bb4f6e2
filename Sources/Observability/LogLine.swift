internal import Linux
internal import Logging

/// An event as a line.
enum LogLine {
    static func text(_ event: LogEvent, _ label: String, _ metadata: [(key: String, value: String)]) -> String {
        let level = event.level.rawValue
        let padding = String(repeating: " ", count: max(0, 7 - level.count))
        var line = "\(UTCTime.now()) \(level)\(padding) \(label): \(event.message)"
        for (key, value) in metadata { line += " \(key)=\(Self.quoted(value))" }
        if let error = event.error { line += " error=\(Self.quoted("\(error)"))" }
        return line
    }

    static func json(_ event: LogEvent, _ label: String, _ metadata: [(key: String, value: String)]) -> String {
        var json = JSONText()
        json.object { json in
            json.member("time", UTCTime.now())
            json.member("level", event.level.rawValue)
            json.member("part", label)
            json.member("message", "\(event.message)")
            if let error = event.error { json.member("error", "\(error)") }
            guard !metadata.isEmpty else { return }
            json.object("metadata") { json in
                for (key, value) in metadata { json.member(key, value) }
            }
        }
        return json.text
    }

    /// Quotes values that hold spaces or quotes. What steers a terminal or turns the direction of a line
    /// is written as its number.
    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && $0 != "=" && !Self.steers($0) }
        guard !isPlain else { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case let scalar where Self.steers(scalar): text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    /// Control, format (which includes bidirectional overrides), line and paragraph separators.
    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
