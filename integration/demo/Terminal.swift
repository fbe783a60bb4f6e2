internal import Glibc
internal import Lab

/// How the story looks: colour only where a person watches, the same text everywhere.
struct Terminal {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    private let hasColour: Bool

    init() { self.hasColour = unsafe getenv("NO_COLOR") == nil && isatty(1) == 1 }

    func styled(_ text: String, _ styles: Style...) -> String {
        guard self.hasColour else { return text }
        return "\u{1b}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1b}[0m"
    }

    func write(_ line: String = "") {
        print(line)
        fflush(nil)
    }

    func heading(_ number: Int, _ title: String) {
        self.write()
        self.write("\(self.styled(" \(number) ", .bold, .cyan)) \(self.styled(title, .bold))")
        self.write()
    }

    func say(_ text: String) { self.write("    \(text)") }

    /// A command as it was run, and where.
    func command(_ host: String, _ command: String) {
        self.write("    \(self.styled(padded(host, 7), .dim)) \(self.styled("$ \(command)", .yellow))")
    }

    /// What a command printed.
    func output(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) where !line.isEmpty {
            self.write("            \(self.clipped(line))")
        }
    }

    func quote(_ line: String) { self.write("      \(self.styled(self.clipped(line), .dim))") }

    func passed(_ text: String) { self.write("    \(self.styled("ok", .bold, .green))  \(text)") }

    func failed(_ text: String) {
        self.write()
        self.write("\(self.styled("FAILED", .bold, .red))  \(text)")
    }

    /// One bar of a chart: a name, a bar, a number.
    func bar(_ name: String, _ count: Int, of total: Int) {
        let length = total == 0 ? 0 : count * 60 / total
        let bar = String(repeating: "█", count: length)
        self.write("    \(padded(name, 7)) \(self.styled(bar, .cyan)) \(count)")
    }

    private func clipped(_ line: String) -> String {
        line.count > 108 ? "\(line.prefix(107))…" : line
    }
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// `12.3 ms`.
func inMilliseconds(_ duration: Duration) -> String {
    let tenths = Int((max(duration, .zero) / .microseconds(100)).rounded())
    return "\(tenths / 10).\(tenths % 10) ms"
}
