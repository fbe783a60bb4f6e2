internal import Linux
// Observability: how Fairlead says what it does. The log: one line an event on standard error, readable by
// people and splittable by machines. The metrics: numbers by name, and their text for Prometheus.
package import Logging

/// Writes `2026-11-21T02:45:39.123Z info    kernel: message key=value`, one line in one write(2), so
/// that lines of several threads never mix.
package struct TextLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let threshold: LogThreshold
    /// Of a logger that says less, or more, than the others.
    private var ownLevel: Logger.Level?
    private let write: @Sendable (String) -> Void

    package init(
        label: String,
        threshold: LogThreshold,
        write: @escaping @Sendable (String) -> Void = { StandardError.write($0) }
    ) {
        self.label = label
        self.threshold = threshold
        self.write = write
    }

    package var logLevel: Logger.Level {
        get { self.ownLevel ?? self.threshold.level }
        set { self.ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let level = event.level.rawValue
        let padding = String(repeating: " ", count: max(0, 7 - level.count))
        var line = "\(UTCTime.now()) \(level)\(padding) \(self.label): \(event.message)"
        for (key, value) in event.merged(self.metadata, self.metadataProvider) {
            line += " \(key)=\(Self.quoted("\(value)"))"
        }
        if let error = event.error { line += " error=\(Self.quoted("\(error)"))" }
        self.write(line + "\n")
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
