internal import Linux
// Observability: how Fairlead says what it does. The log: one line an event on standard error, readable by
// people or by machines. The metrics: numbers by name, and their text for Prometheus.
package import Logging

/// How an event is written.
package enum LogFormat: String, Hashable, Sendable, CaseIterable {
    /// `2026-11-21T02:45:39.123Z info    kernel: message key=value`
    case text
    /// `{"time":"2026-11-21T02:45:39.123Z","level":"info","part":"kernel","message":"in force","metadata":{"services":"12"}}`
    case json
}

/// Writes an event as one line in one write(2), so that lines of several threads never mix.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let threshold: LogThreshold
    private let format: LogFormat
    /// Of a logger that says less, or more, than the others.
    private var ownLevel: Logger.Level?
    private let write: @Sendable (String) -> Void

    package init(
        label: String,
        threshold: LogThreshold,
        format: LogFormat = .text,
        write: @escaping @Sendable (String) -> Void = { StandardError.write($0) }
    ) {
        self.label = label
        self.threshold = threshold
        self.format = format
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
        // What stands closer to the event goes before what is further away.
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { $1 } }
        if let given = event.metadata { metadata.merge(given) { $1 } }
        let sorted = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
        let line =
            switch self.format {
            case .text: LogLine.text(event, self.label, sorted)
            case .json: LogLine.json(event, self.label, sorted)
            }
        self.write(line + "\n")
    }
}
