internal import Logging
internal import Observability
internal import ServiceLifecycle
internal import UnixSignals

/// SIGUSR1 says more: from the configured level to debug, to trace, and back.
struct LogLevelSignal: ServiceLifecycle.Service {
    private let threshold: LogThreshold
    private let logger: Logger

    init(_ threshold: LogThreshold, _ logger: Logger) {
        self.threshold = threshold
        self.logger = logger
    }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sigusr1).cancelOnGracefulShutdown() {
            let level = self.threshold.advance()
            // Said at any level.
            self.logger.critical("the level of the log is another one now", metadata: ["level": "\(level)"])
        }
    }
}
