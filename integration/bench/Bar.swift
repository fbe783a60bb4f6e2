/// What Fairlead has to reach, beside the others in the same run.
struct Bar {
    static let ratio = "x"

    let name: String
    /// At most this, in `unit`.
    let limit: Double
    let unit: String
    /// nan where it was not measured.
    let figure: Double
    var places = 2

    var isMet: Bool { self.figure <= self.limit }

    var cells: [String] {
        [
            self.name, "\(Table.decimal(self.limit, self.places))\(self.unit)",
            "\(Table.decimal(self.figure, self.places))\(self.unit)", self.isMet ? "yes" : "no",
        ]
    }

    /// Those that were measured.
    static func table(_ bars: [Bar], _ preamble: String) -> Table {
        var table = Table("Bars", preamble, ["what", "at most", "measured", "met"])
        table.rows = bars.filter { !$0.figure.isNaN }.map(\.cells)
        return table
    }
}
