import Linux
import Testing

/// A table of a document that says which test proves what: `| name | semantics | tests | ...`, tests in backticks.
struct RuleTable {
    struct Row {
        let name: String
        let tests: [String]
    }

    let rows: [Row]

    /// The rows of those names, in the document's order.
    init(_ document: String, of names: [String]) throws {
        let names = Set(names)
        self.rows = try Self.text("cat '\(document)'").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard line.hasPrefix("| "), cells.count >= 3, names.contains(cells[0]) else { return nil }
            // What is between backticks is every other piece.
            let pieces = cells[2].split(separator: "`", omittingEmptySubsequences: false)
            return Row(
                name: cells[0],
                tests: pieces.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) })
        }
    }

    subscript(name: String) -> [String]? { self.rows.first { $0.name == name }?.tests }

    // MARK: - Sources

    /// The top of the package, from where this file is.
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    /// What a command prints at the top of the package.
    static func text(_ command: String) throws -> String {
        let completion = try ChildProcess.run(["sh", "-c", "cd '\(self.root)' && \(command)"])
        try #require(completion.succeeded, "\(command): \(completion.errorOutput)")
        return completion.output
    }

    /// The names of test functions in a source.
    static func functions(in source: String) -> [String] {
        source.split(separator: "\n").compactMap { line in
            guard let start = line.firstRange(of: "func `"), let end = line.lastIndex(of: "`") else { return nil }
            return String(line[start.upperBound..<end])
        }
    }
}
