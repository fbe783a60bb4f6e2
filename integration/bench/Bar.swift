/// What Fairlead has to reach, beside the others in the same run.
struct Bar {
    static let ratio = "x"

    let name: String
    /// At most this, in `unit`.
    let limit: Double
    let unit: String
    /// nan where it was not measured.
    let figure: Double
    /// Where it lies with 95 % confidence, of what differs from one round to the next by more than the bar is about.
    var interval: (lower: Double, upper: Double)?
    var places = 2

    private var verdict: String {
        if self.figure <= self.limit { return "yes" }
        return self.interval.map { $0.lower <= self.limit } ?? false ? "not told apart" : "no"
    }

    var cells: [String] {
        func text(_ value: Double) -> String { Table.decimal(value, self.places) }
        let interval = self.interval.map { " (\(text($0.lower)) to \(text($0.upper)))" } ?? ""
        return [
            self.name, "\(text(self.limit))\(self.unit)", "\(text(self.figure))\(self.unit)\(interval)", self.verdict,
        ]
    }

    /// Those that were measured.
    static func table(_ bars: [Bar], _ preamble: String) -> Table {
        var table = Table("Bars", preamble, ["what", "at most", "measured", "met"])
        table.rows = bars.filter { !$0.figure.isNaN }.map(\.cells)
        return table
    }
}
