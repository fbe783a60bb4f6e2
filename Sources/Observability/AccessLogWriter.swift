internal import Glibc
package import Linux
package import Logging
internal import ServiceLifecycle

/// Writes what is left in an ``AccessLogSink`` to standard output or to a file, from a thread of its own.
///
/// A file that was renamed or removed is made anew within a second: who rotates it need not tell. A reader that takes
/// nothing (a pipe) costs lines and nothing else.
package final class AccessLogWriter: ServiceLifecycle.Service, Sendable {
    package enum Target: Hashable, Sendable {
        case standardOutput
        /// Appended to; made, with mode 0640, if it is not there.
        case file(String)
    }

    package let sink: AccessLogSink
    private let target: Target
    private let logger: Logger
    private let stop: WakeUp

    /// Fails if the file cannot be opened.
    package init(_ target: Target, sink: AccessLogSink, logger: Logger) throws(SystemError) {
        self.sink = sink
        self.target = target
        self.logger = logger
        self.stop = try WakeUp()
        if case .file(let path) = target { _ = try AccessLogFile.open(path) }
    }

    /// Until graceful shutdown or cancellation; what has been left by then is written, if that takes no longer than
    /// a second.
    package func run() async throws {
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "access log") { self.work() }
            } onGracefulShutdown: {
                self.stop.signal()
            }
        } onCancel: {
            self.stop.signal()
        }
    }

    private func work() {
        var output = AccessLogOutput(self.target)
        var trouble = AccessLogTrouble(logger: self.logger)
        var isLast = false
        while true {
            let blocks = self.sink.take()
            for block in blocks {
                do throws(AccessLogOutput.Failure) {
                    try output.write(block, stop: isLast ? nil : self.stop.number)
                    trouble.ended()
                } catch {
                    self.sink.drop(block.dropFirst(error.written))
                    trouble.happened(error.cause)
                }
            }
            trouble.dropped(self.sink.droppedLines, at: .now)
            if isLast { return }
            // Woken up by the first block only; and where there has been trouble, to say what became of it.
            let ready = try? Poller.wait(readable: [self.stop.number, self.sink.number], timeout: trouble.pause)
            isLast = ready?.contains(self.stop.number) ?? true
        }
    }
}

/// Says what is wrong with the access log, and how many lines that cost, once in a while.
private struct AccessLogTrouble {
    /// Between two messages about dropped lines.
    private static let interval = Duration.seconds(10)

    let logger: Logger
    private var cause: String?
    private var told: UInt64 = 0
    private var toldAt: ContinuousClock.Instant?

    init(logger: Logger) {
        self.logger = logger
    }

    mutating func happened(_ cause: String) {
        guard cause != self.cause else { return }
        self.cause = cause
        self.logger.error("the access log cannot be written", metadata: ["reason": "\(cause)"])
    }

    mutating func ended() {
        guard self.cause != nil else { return }
        self.cause = nil
        self.logger.notice("the access log is written again")
    }

    mutating func dropped(_ lines: UInt64, at now: ContinuousClock.Instant) {
        guard lines > self.told, self.toldAt.map({ now - $0 >= Self.interval }) ?? true else { return }
        self.logger.warning(
            "lines of the access log were dropped", metadata: ["lines": "\(lines - self.told)", "total": "\(lines)"])
        self.told = lines
        self.toldAt = now
    }

    /// When to look again though nothing comes.
    var pause: Duration? { self.toldAt == nil && self.cause == nil ? nil : Self.interval }
}
