import Testing

/// `docs/kube-proxy-parity.md` says which test proves what: no row may be missing, and no test.
@Suite struct ParityTableTests {
    /// Everything that the table has to speak of.
    private static let expected: [String] = {
        func rows(_ letter: String, _ count: Int) -> [String] { (1...count).map { "\(letter)\($0)" } }
        return rows("A", 15) + rows("B", 11) + rows("C", 9) + ["1.4", "1.5"] + rows("D", 11)
            + ["E4", "E5", "E6", "E7", "E12"]
    }()

    private static func table() throws -> RuleTable {
        try RuleTable("docs/kube-proxy-parity.md", of: self.expected)
    }

    @Test func `every row of the table names tests, and they exist`() throws {
        let rows = try Self.table().rows
        #expect(rows.map(\.name) == Self.expected, "one line for each row, in order")
        let sources = try RuleTable.text("find integration/EndToEndTests Tests -name '*.swift' -exec cat {} +")
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
        let rows = try Self.table().rows.filter { $0.name != "D10" }
        for row in rows {
            #expect(row.tests.contains { $0.hasPrefix("\(row.name) ") }, "\(row.name): \(row.tests)")
        }
    }

    @Test func `every test that is named after a row is in it`() throws {
        let sources = try RuleTable.text("cat integration/EndToEndTests/*.swift")
        let named = RuleTable.functions(in: sources)
        let table = try Self.table()
        let claimed = named.filter { name in Self.expected.contains { name.hasPrefix("\($0) ") } }
        #expect(claimed.count > 50)
        for name in claimed {
            let row = String(name.prefix { $0 != " " })
            #expect(table[row]?.contains(name) ?? false, "\(name) is not in the line of \(row)")
        }
    }
}
