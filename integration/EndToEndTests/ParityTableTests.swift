import Linux
import Testing

/// `docs/kube-proxy-parity.md` says which test proves what: no row may be missing, and no test.
@Suite struct ParityTableTests {
    private struct Row {
        let name: String
        let tests: [String]
    }

    /// Everything that the table has to speak of.
    private static let expected: [String] = {
        func rows(_ letter: String, _ count: Int) -> [String] { (1...count).map { "\(letter)\($0)" } }
        return rows("A", 15) + rows("B", 11) + rows("C", 9) + ["1.4", "1.5"] + rows("D", 11)
            + ["E4", "E5", "E6", "E7", "E12"]
    }()

    /// The top of the package, from where this file is.
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    private static func text(_ command: String) throws -> String {
        let completion = try ChildProcess.run(["sh", "-c", "cd '\(self.root)' && \(command)"])
        try #require(completion.succeeded, "\(command): \(completion.errorOutput)")
        return completion.output
    }

    /// Rows are `| name | semantics | tests | difference |`, tests in backticks.
    private static func rows() throws -> [Row] {
        try self.text("cat docs/kube-proxy-parity.md").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard line.hasPrefix("| "), cells.count >= 3, self.expected.contains(cells[0]) else { return nil }
            // What is between backticks is every other piece.
            let pieces = cells[2].split(separator: "`", omittingEmptySubsequences: false)
            return Row(
                name: cells[0],
                tests: pieces.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) })
        }
    }

    @Test func `every row of the table names tests, and they exist`() throws {
        let rows = try Self.rows()
        #expect(rows.map(\.name) == Self.expected, "one line for each row, in order")
        let sources = try Self.text("find integration/EndToEndTests Tests -name '*.swift' -exec cat {} +")
        for row in rows {
            #expect(!row.tests.isEmpty, "\(row.name)")
            for test in row.tests {
                let exists = sources.contains("func `\(test)`") || sources.contains("struct \(test) {")
                #expect(exists, "\(row.name): there is no test called \"\(test)\"")
            }
        }
    }

    /// D10 is about settings of the kernel, which a unit test sees better.
    @Test func `every row has a test of its own name`() throws {
        let rows = try Self.rows().filter { $0.name != "D10" }
        for row in rows {
            #expect(row.tests.contains { $0.hasPrefix("\(row.name) ") }, "\(row.name): \(row.tests)")
        }
    }

    @Test func `every test that is named after a row is in it`() throws {
        let sources = try Self.text("cat integration/EndToEndTests/*.swift")
        let named = sources.split(separator: "\n").compactMap { line -> String? in
            guard let start = line.firstRange(of: "func `"), let end = line.lastIndex(of: "`") else { return nil }
            return String(line[start.upperBound..<end])
        }
        let rows = Dictionary(uniqueKeysWithValues: try Self.rows().map { ($0.name, $0.tests) })
        let claimed = named.filter { name in Self.expected.contains { name.hasPrefix("\($0) ") } }
        #expect(claimed.count > 50)
        for name in claimed {
            let row = String(name.prefix { $0 != " " })
            #expect(rows[row]?.contains(name) ?? false, "\(name) is not in the line of \(row)")
        }
    }
}
