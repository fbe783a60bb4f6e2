/// Text in columns as kubectl lays them out: each as wide as its widest cell, three spaces between two, nothing behind the last.
package struct TextTable: Hashable, Sendable {
    private static let gap = 3

    private struct Cell: Hashable, Sendable {
        let text: String
        /// Places that it takes on a terminal.
        let width: Int

        /// What would move the terminal's cursor is shown as a question mark: texts come from elsewhere.
        init(_ text: String) {
            // Nearly all are plain, and a table can have some hundred thousand.
            if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) {
                self.text = text
                self.width = text.utf8.count
                return
            }
            var printable = ""
            for scalar in text.unicodeScalars {
                let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                printable.unicodeScalars.append(isControl ? "?" : scalar)
            }
            self.text = printable
            self.width = printable.unicodeScalars.count
        }
    }

    private let columns: Int
    /// Row by row.
    private var cells: [Cell]
    private var widths: [Int]

    package init(header: [String]) {
        self.columns = header.count
        self.cells = header.map(Cell.init)
        self.widths = self.cells.map(\.width)
    }

    /// - Parameter cells: as many as the header has.
    package mutating func append(_ cells: [String]) {
        precondition(cells.count == self.columns, "a row has as many cells as the header")
        for (column, text) in cells.enumerated() {
            let cell = Cell(text)
            self.widths[column] = max(self.widths[column], cell.width)
            self.cells.append(cell)
        }
    }

    /// With a line break behind each row.
    package var text: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            self.cells.count / max(1, self.columns) * (self.widths.reduce(0, +) + Self.gap * self.columns))
        for (place, cell) in self.cells.enumerated() {
            let column = place % self.columns
            bytes += cell.text.utf8
            if column == self.columns - 1 {
                bytes.append(UInt8(ascii: "\n"))
            } else {
                let gap = self.widths[column] + Self.gap - cell.width
                bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: gap))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
