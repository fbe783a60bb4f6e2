public import Logging
internal import Synchronization

/// What was said, as `level message key=value`.
public final class CollectedLog: Sendable {
    private let state = Mutex<[String]>([])

    public init() {}

    public var lines: [String] { self.state.withLock { $0 } }

    public func lines(with text: String) -> [String] { self.lines.filter { $0.contains(text) } }

    public var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: CollectedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let line = (["\(event.level)", "\(event.message)"] + metadata).joined(separator: " ")
            self.log.state.withLock { $0.append(line) }
        }
    }
}
