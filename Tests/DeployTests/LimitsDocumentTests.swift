import HTTPProxy
import Testing

/// `docs/limits.md` speaks of every limit, and says of it what the program does.
@Suite struct LimitsDocumentTests {
    /// The rows of all tables, as cells without backticks.
    private static func rows() throws -> [[String]] {
        try DeployTests.text("docs/limits.md").split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                cell.filter { $0 != "`" }.split(separator: " ").joined(separator: " ")
            }
        }
    }

    @Test func `every limit has its row, in the order of the table`() throws {
        let rows = try Self.rows()
        #expect(rows.map { $0[0] } == ProxyLimit.all.map(\.name))
        for (row, limit) in zip(rows, ProxyLimit.all) {
            try #require(row.count == 6, "\(limit.name)")
            #expect(row[1] == "--\(limit.flag)")
            #expect(row[2] == limit.annotation ?? "")
            #expect(row[3] == limit.defaultText)
            #expect(row[4] == limit.unit.rawValue)
            #expect(!row[5].isEmpty)
        }
    }

    @Test func `flags in the text are flags that there are`() throws {
        let text = try DeployTests.text("docs/limits.md")
        let flags = text.split { !($0.isLetter || $0.isNumber || $0 == "-") }.filter {
            $0.hasPrefix("--") && $0.contains { $0 != "-" }
        }
        #expect(flags.count > ProxyLimit.all.count)
        for flag in flags { #expect(ProxyLimit.all.contains { "--\($0.flag)" == flag }, "\(flag)") }
    }

    @Test func `what else may be 0 is named`() throws {
        let text = try DeployTests.text("docs/limits.md")
        let bullet = try #require(text.split(separator: "\n- ").first { $0.hasPrefix("`0` is no limit") })
        for limit in ProxyLimit.all {
            let isNamed = bullet.contains("`--\(limit.flag)`")
            #expect(isNamed == (limit.hasOff && limit.defaultText != "0"), "\(limit.flag)")
        }
    }

    /// A refusal is answered with a status that is for it (RFC 9110 section 15, RFC 6585).
    @Test(arguments: [
        ("requestHeadTimeout", "408"), ("bodyRateWindow", "408"), ("headSize", "431"), ("startLineSize", "414"),
        ("headFields", "431"), ("requestBodySize", "413"), ("connectTimeout", "504"), ("readTimeout", "504"),
        ("requestsPerEndpoint", "503"),
    ])
    func `statuses are those of the specification`(name: String, status: String) throws {
        let row = try #require(try Self.rows().first { $0[0] == name })
        #expect(row[5].contains("**\(status)**"), "\(row[5])")
    }
}
