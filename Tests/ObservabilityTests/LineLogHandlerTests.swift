import Logging
import Observability
import Synchronization
import Testing

@Suite struct LineLogHandlerTests {
    private func lines(_ body: (Logger) -> Void, level: Logger.Level = .info) -> [String] {
        let written = Written()
        body(
            Logger(label: "kernel") {
                LineLogHandler(label: $0, threshold: LogThreshold(level), write: { written.append($0) })
            })
        return written.lines
    }

    private final class Written: Sendable {
        private let state = Mutex<[String]>([])

        func append(_ line: String) { self.state.withLock { $0.append(line) } }

        var lines: [String] { self.state.withLock { $0 } }
    }

    @Test func aLineHasTimeLevelLabelMessageAndSortedMetadata() throws {
        let line = try #require(self.lines { $0.info("programmed", metadata: ["b": "2", "a": "1"]) }.first)
        #expect(line.hasSuffix("Z info    kernel: programmed a=1 b=2\n"))
        #expect(line.prefix(2) == "20")
    }

    @Test func valuesAreQuotedWhereTheyMustBe() {
        let line = self.lines {
            $0.error("x", metadata: ["a": "two words", "b": "say \"hi\"", "c": "", "d": "1\n2\u{1b}[0m", "e": "k=v"])
        }.first
        #expect(line?.contains(#"a="two words" b="say \"hi\"" c="" d="1\n2\u{1b}[0m" e="k=v""#) == true)
    }

    @Test(arguments: ["\u{9b}31m", "a\u{202e}b", "a\u{2028}b", "\u{7f}", "\r"])
    func whatSteersATerminalIsWrittenAsItsNumber(value: String) {
        let line = self.lines { $0.error("x", metadata: ["k": "\(value)"]) }.first ?? ""
        #expect(line.contains(#"\u{"#))
        #expect(!line.contains(value))
    }

    @Test func belowTheLevelNothingIsWritten() {
        #expect(self.lines({ $0.info("quiet") }, level: .warning).isEmpty)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199, "2024-02-29T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"), (1_795_229_139, "2026-11-21T02:45:39.000Z"),
    ])
    func timeIsCivil(seconds: Int64, text: String) {
        #expect(UTCTime.text(seconds: seconds, milliseconds: 0) == text)
    }
}
