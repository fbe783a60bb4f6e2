/// Text in columns as kubectl lays them out: each as wide as its widest cell, three spaces between two, nothing behind the last. It can be
/// taken piece by piece; columns that were once wide stay so.
package struct TextTable: Hashable, Sendable {
    private static let gap = 3

    private struct Cell: Hashable, Sendable {
        /// Of the bytes where it ends; it begins where the one before ends.
        let end: Int
        /// Places that it takes on a terminal.
        let width: Int
    }

    /// What all cells say, row by row.
    private var bytes: [UInt8] = []
    private var cells: [Cell] = []
    private var widths: [Int]

    package init(header: [String]) {
        self.widths = [Int](repeating: 0, count: header.count)
        self.append(header)
    }

    /// - Parameter cells: as many as the header has.
    package mutating func append(_ cells: [String]) {
        precondition(cells.count == self.widths.count, "a row has as many cells as the header")
        for (column, text) in cells.enumerated() {
            let width = self.append(text)
            self.cells.append(Cell(end: self.bytes.count, width: width))
            self.widths[column] = max(self.widths[column], width)
        }
    }

    /// What would move the terminal's cursor is shown as a question mark: texts come from elsewhere.
    private mutating func append(_ text: String) -> Int {
        // Nearly all are plain, and a table can have some hundred thousand.
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) {
            self.bytes += text.utf8
            return text.utf8.count
        }
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            self.bytes += String(isControl ? "?" : scalar).utf8
        }
        return text.unicodeScalars.count
    }

    /// With a line break behind each row.
    package var text: String {
        var copy = self
        return copy.take()
    }

    /// The rows that have come since the last time, at first with the header before them.
    package mutating func take() -> String {
        var text: [UInt8] = []
        text.reserveCapacity(
            self.cells.count / max(1, self.widths.count) * (self.widths.reduce(0, +) + Self.gap * self.widths.count))
        var start = 0
        for (place, cell) in self.cells.enumerated() {
            let column = place % self.widths.count
            text += self.bytes[start..<cell.end]
            start = cell.end
            if column == self.widths.count - 1 {
                text.append(UInt8(ascii: "\n"))
            } else {
                text.append(
                    contentsOf: repeatElement(UInt8(ascii: " "), count: self.widths[column] + Self.gap - cell.width))
            }
        }
        self.bytes.removeAll(keepingCapacity: true)
        self.cells.removeAll(keepingCapacity: true)
        return String(decoding: text, as: UTF8.self)
    }
}
