import Testing

/// `docs/ingress-conformance.md` says which test proves what: no row may be missing, and no test.
@Suite struct ConformanceTableTests {
    /// Everything that the table has to speak of. S, about status, needs an API server.
    private static let expected: [String] = {
        func rows(_ letter: String, _ count: Int) -> [String] { (1...count).map { "\(letter)\($0)" } }
        return rows("I", 30) + rows("P", 13) + rows("H", 6) + rows("D", 5) + rows("T", 12) + rows("C", 6) + rows("B", 8)
            + rows("X", 4) + rows("M", 28) + rows("F", 13).filter { $0 != "F10" } + rows("N", 11) + rows("R", 11)
    }()

    private static func table() throws -> RuleTable {
        try RuleTable("docs/ingress-conformance.md", of: self.expected)
    }

    private static func sources() throws -> String {
        try RuleTable.text("cat integration/EndToEndTests/Ingress/*.swift")
    }

    /// The rows that a test says it holds: `P1 ...`, or `M1 to M4 ...`.
    private static func claims(_ test: String) -> [String] {
        let words = test.split(separator: " ").map { $0.split(separator: ":").first.map(String.init) ?? "" }
        guard let first = words.first, self.expected.contains(first) else { return [] }
        guard words.count > 2, words[1] == "to", let start = Int(first.dropFirst()), let end = Int(words[2].dropFirst())
        else { return [first] }
        return (start...max(start, end)).map { "\(first.prefix(1))\($0)" }.filter(self.expected.contains)
    }

    @Test func `every row of the table names tests, and they exist`() throws {
        let table = try Self.table()
        #expect(table.rows.map(\.name) == Self.expected, "one line for each row, in order")
        let functions = Set(RuleTable.functions(in: try Self.sources()))
        for row in table.rows {
            #expect(!row.tests.isEmpty, "\(row.name)")
            for test in row.tests {
                #expect(functions.contains(test), "\(row.name): there is no test called \"\(test)\"")
            }
        }
    }

    @Test func `every row has a test of its own name, and what stands for it in that test's cases`() throws {
        let sources = try Self.sources()
        for row in try Self.table().rows {
            let own = row.tests.filter { Self.claims($0).contains(row.name) }
            #expect(!own.isEmpty, "\(row.name): \(row.tests)")
            // A test for several rows has cases that say which.
            let isSingle = own.contains { Self.claims($0) == [row.name] }
            #expect(isSingle || sources.contains("\"\(row.name)\","), "\(row.name): no case has this name")
        }
    }

    @Test func `every test that is named after a row is in it`() throws {
        let table = try Self.table()
        let functions = RuleTable.functions(in: try Self.sources())
        #expect(functions.count > 80)
        for function in functions {
            for row in Self.claims(function) {
                #expect(table[row]?.contains(function) ?? false, "\(function) is not in the line of \(row)")
            }
        }
    }
}
