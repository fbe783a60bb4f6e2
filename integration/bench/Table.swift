/// Numbers for people.
struct Table {
    let title: String
    let note: String
    let header: [String]
    var rows: [[String]] = []

    init(_ title: String, _ note: String, _ header: [String]) {
        self.title = title
        self.note = note
        self.header = header
    }

    /// For a terminal: columns aligned, numbers to the right.
    var text: String {
        let widths = self.header.indices.map { column in ([self.header] + self.rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            "  "
                + cells.enumerated().map { column, cell in
                    let padding = String(repeating: " ", count: widths[column] - cell.count)
                    return column == 0 ? cell + padding : padding + cell
                }.joined(separator: "   ")
        }
        return ([self.title, "", line(self.header)] + self.rows.map(line)).joined(separator: "\n") + "\n"
    }

    var markdown: String {
        var lines = ["### \(self.title)", ""] + (self.note.isEmpty ? [] : [self.note, ""])
        lines.append("| " + self.header.joined(separator: " | ") + " |")
        lines.append("|" + self.header.enumerated().map { $0.offset == 0 ? " --- |" : " ---: |" }.joined())
        for row in self.rows { lines.append("| " + row.joined(separator: " | ") + " |") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// By the letters that their titles begin with; those with the same letter stay in order.
    static func byLetter(_ tables: [Table]) -> [Table] {
        let letters = Set(tables.compactMap(\.title.first)).sorted()
        return letters.flatMap { letter in tables.filter { $0.title.first == letter } }
    }

    // MARK: - Cells

    static func grouped(_ number: Int) -> String {
        var digits = String(number)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    static func milliseconds(_ duration: Duration) -> String {
        let microseconds = duration / .microseconds(1)
        return microseconds < 99_950
            ? Self.decimal(microseconds / 1000, 2) + " ms" : Self.decimal(microseconds / 1_000_000, 2) + " s"
    }

    static func ratio(_ value: Double) -> String { Self.decimal(value, 1) + "x" }

    static func factor(_ value: Double) -> String { value.isNaN ? "" : Self.decimal(value, 2) + "x" }

    static func percent(_ share: Double) -> String { share.isNaN ? "" : Self.decimal(share * 100, 0) + " %" }

    static func latency(microseconds: Double) -> String {
        if microseconds.isNaN { return "" }
        return microseconds < 1000
            ? Self.decimal(microseconds, 0) + " us" : Self.decimal(microseconds / 1000, 2) + " ms"
    }

    static func megabytes(_ bytes: Int) -> String { Self.decimal(Double(bytes) / 1_000_000, 1) + " MB" }

    static func decimal(_ value: Double, _ places: Int) -> String {
        let scale = (0..<places).reduce(1.0) { product, _ in product * 10 }
        let rounded = Int((value.magnitude * scale).rounded())
        let sign = value < 0 && rounded > 0 ? "-" : ""
        if places == 0 { return "\(sign)\(rounded)" }
        let fraction = String(rounded % Int(scale))
        return "\(sign)\(rounded / Int(scale))." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}
