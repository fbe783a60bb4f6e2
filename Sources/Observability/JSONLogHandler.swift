internal import Linux
package import Logging

/// Writes an event as one object in one line, for machines; in one write(2), so that lines of several threads never mix.
///
/// ```
/// {"time":"2026-11-21T02:45:39.123Z","level":"info","part":"kernel","message":"in force","metadata":{"services":"12"}}
/// ```
package struct JSONLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let threshold: LogThreshold
    private var ownLevel: Logger.Level?
    private let write: @Sendable (String) -> Void

    package init(
        label: String, threshold: LogThreshold,
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
        let metadata = event.merged(self.metadata, self.metadataProvider)
        var json = JSONText()
        json.object { json in
            json.member("time", UTCTime.now())
            json.member("level", event.level.rawValue)
            json.member("part", self.label)
            json.member("message", "\(event.message)")
            if let error = event.error { json.member("error", "\(error)") }
            guard !metadata.isEmpty else { return }
            json.object("metadata") { json in
                for (key, value) in metadata { json.member(key, "\(value)") }
            }
        }
        self.write(json.text + "\n")
    }
}

extension LogEvent {
    /// What is known of an event besides its message, by name: what stands closer to the event goes before what is further away.
    func merged(
        _ standing: Logger.Metadata, _ provider: Logger.MetadataProvider?
    ) -> [(key: String, value: Logger.Metadata.Value)] {
        var metadata = standing
        if let provided = provider?.get() { metadata.merge(provided) { $1 } }
        if let given = self.metadata { metadata.merge(given) { $1 } }
        return metadata.sorted { $0.key < $1.key }
    }
}
