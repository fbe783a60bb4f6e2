import Testing

/// `docs/http2-conformance.md` says which test proves what: no row may be missing, and no test.
@Suite struct HTTP2ConformanceTableTests {
    private static let document = "docs/http2-conformance.md"

    /// Rows of tests, by their letters: translation, combinations, attacks, gRPC.
    private static let expected: [String] = {
        func rows(_ letter: String, _ count: Int) -> [String] { (1...count).map { "\(letter)\($0)" } }
        return rows("Y", 11) + rows("C", 51) + rows("Z", 16) + rows("G", 15)
    }()

    private static func sources() throws -> String { try RuleTable.text("cat integration/EndToEndTests/HTTP2/*.swift") }

    /// The rows that a test says it holds: `C1 ...`, or `Y1 to Y8 ...`.
    private static func claims(_ test: String) -> [String] {
        let words = test.split(separator: " ").map(String.init)
        guard let first = words.first, self.expected.contains(first) else { return [] }
        guard words.count > 2, words[1] == "to", let start = Int(first.dropFirst()), let end = Int(words[2].dropFirst())
        else { return [first] }
        return (start...max(start, end)).map { "\(first.prefix(1))\($0)" }
    }

    @Test func `every rule of an RFC is a line of the table, word for word, and the other way round`() throws {
        let lines = try RuleTable.text("cat \(Self.document)").split(separator: "\n").map(String.init)
        // 3.4-1, H5.2-1, W3-1.
        let written = lines.filter { line in
            let name = line.split(separator: "|").first.map { $0.filter { $0 != " " } } ?? ""
            return line.hasPrefix("| ") && name.contains("-") && name.contains(where: \.isNumber)
        }
        let cases = HTTP2Case.all.map(\.line)
        for line in cases where !written.contains(line) { Issue.record("missing in \(Self.document): \(line)") }
        for line in written where !cases.contains(line) { Issue.record("no test has this line: \(line)") }
        #expect(written == cases, "in order")
        #expect(Set(HTTP2Case.all.map(\.row)).count == cases.count && cases.count > 150)
    }

    @Test func `every other row names tests, they exist, and hold it by their names`() throws {
        let table = try RuleTable(Self.document, of: Self.expected)
        let sources = try Self.sources()
        let functions = RuleTable.functions(in: sources)
        #expect(table.rows.map(\.name) == Self.expected, "one line for each row, in order")
        for row in table.rows {
            let own = row.tests.filter { Self.claims($0).contains(row.name) }
            #expect(!own.isEmpty && row.tests.allSatisfy(functions.contains), "\(row.name): \(row.tests)")
            // A test for several rows has cases that say which.
            let isSingle = own.contains { Self.claims($0) == [row.name] }
            #expect(isSingle || sources.contains("\"\(row.name)\","), "\(row.name): no case has this name")
        }
        for function in functions {
            for row in Self.claims(function) {
                #expect(table[row]?.contains(function) ?? false, "\(function) is not in the line of \(row)")
            }
        }
    }
}
