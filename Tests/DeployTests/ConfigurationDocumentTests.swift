import KubernetesAPI
import Lab
import Linux
import Testing

/// `docs/configuration.md` speaks of every field and of every flag of the node role; those of the ingress role are in
/// `docs/ingress.md` and `docs/limits.md`.
@Suite struct ConfigurationDocumentTests {
    /// The rows of a section's tables, as cells without backticks.
    private static func rows(_ section: String) throws -> [[String]] {
        let text = try DeployTests.text("docs/configuration.md")
        let start = try #require(text.firstRange(of: "\n## \(section)\n"))
        let rest = text[start.upperBound...]
        let end = rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex
        return rest[..<end].split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().map { cell in
                cell.filter { $0 != "`" }.split(separator: " ").joined(separator: " ")
            }
        }
    }

    @Test(arguments: [
        ("Honoured", ProxyConfigurationField.Meaning.honoured),
        ("Without meaning", ProxyConfigurationField.Meaning.none),
    ])
    func `every field has its row, with its flag`(section: String, meaning: ProxyConfigurationField.Meaning) throws {
        let rows = try Self.rows(section)
        let fields = ProxyConfigurationField.all.filter { $0.meaning == meaning }
        #expect(rows.map { $0[0] }.sorted() == fields.map(\.path).sorted())
        for field in fields {
            guard let flag = field.flag else { continue }
            let cell = rows.first { $0[0] == field.path }?[1] ?? ""
            #expect(cell.split(separator: ", ").contains(flag == "v" ? "-v" : "--\(flag)"), "\(field.path): \(cell)")
        }
    }

    @Test(arguments: [
        ("node", ["configuration", "userspace"]), ("ingress", ["ingress", "limits"]),
        ("run", ["configuration", "userspace", "ingress", "limits"]),
    ])
    func `every flag that there is has a row`(command: String, documents: [String]) throws {
        let help = try ChildProcess.run([try FairleadProcess.locate(), command, "--help-hidden"]).output
        let flags = help.split(separator: "\n").filter { $0.hasPrefix("  -") }.compactMap { line in
            line.split { " ,".contains($0) }.first { $0.hasPrefix("--") }.map(String.init)
        }
        #expect(flags.count > 50)
        let document = try documents.map { try DeployTests.text("docs/\($0).md") }.joined()
        for flag in flags where !["--version", "--help", "--v"].contains(flag) {
            #expect(["`\(flag)`", "`\(flag) "].contains { document.contains($0) }, "\(flag)")
        }
    }
}
