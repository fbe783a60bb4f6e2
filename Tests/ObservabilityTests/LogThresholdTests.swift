import Logging
import Observability
import Synchronization
import Testing

/// What is logged while a process runs, and as what.
@Suite struct LogThresholdTests {
    @Test func `it goes round, and never below what was asked for`() {
        for (level, steps) in [
            (Logger.Level.info, [Logger.Level.debug, .trace, .info, .debug]), (.debug, [.trace, .debug]),
            (.trace, [.trace]),
            (.critical, [.debug, .trace, .critical]),
        ] {
            let threshold = LogThreshold(level)
            #expect(threshold.level == level)
            for step in steps {
                #expect(threshold.advance() == step)
                #expect(threshold.level == step)
            }
        }
    }

    private final class Written: Sendable {
        private let state = Mutex<[String]>([])
        func append(_ line: String) { self.state.withLock { $0.append(line) } }
        var lines: [String] { self.state.withLock { $0 } }
    }

    @Test func `loggers that are there already follow`() {
        let (threshold, written) = (LogThreshold(.info), Written())
        let logger = Logger(label: "kernel") {
            LineLogHandler(label: $0, threshold: threshold, write: { written.append($0) })
        }
        var quiet = logger
        quiet.logLevel = .warning
        logger.debug("one")
        _ = threshold.advance()
        logger.debug("two")
        quiet.debug("three")
        #expect(written.lines.count == 1 && written.lines[0].hasSuffix("debug   kernel: two\n"))
    }

    @Test func `an object in a line`() throws {
        let (threshold, written) = (LogThreshold(.info), Written())
        var logger = Logger(label: "kernel") {
            LineLogHandler(label: $0, threshold: threshold, format: .json, write: { written.append($0) })
        }
        logger[metadataKey: "standing"] = "1"
        logger.info("in \"force\"\n", metadata: ["b": "2", "standing": "3"])
        logger.debug("not said")
        logger.warning("plain")
        let lines = written.lines
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix(#"{"time":"20"#))
        #expect(
            lines[0].hasSuffix(
                #"Z","level":"info","part":"kernel","message":"in \"force\"\n","metadata":{"b":"2","standing":"3"}}"#
                    + "\n"))
        #expect(
            lines[1].hasSuffix(
                #""level":"warning","part":"kernel","message":"plain","metadata":{"standing":"1"}}"# + "\n"))
    }
}
