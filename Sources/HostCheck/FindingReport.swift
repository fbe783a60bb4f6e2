internal import Observability

/// Findings as people and scripts read them.
package struct FindingReport: Sendable {
    private let findings: [Finding]

    package init(_ findings: [Finding]) { self.findings = findings }

    package var worst: Finding.Level { self.findings.map(\.level).max() ?? .ok }

    private func count(_ level: Finding.Level) -> Int { self.findings.count { $0.level == level } }

    /// A line for each, the remedy below it, and a line with how many there are of each level.
    package func text(isQuiet: Bool = false) -> String {
        var lines: [String] = []
        for finding in self.findings where !isQuiet || finding.level > .ok {
            let level = finding.level.rawValue
            lines.append("\(level)\(String(repeating: " ", count: max(1, 10 - level.utf8.count)))\(finding.message)")
            if let remedy = finding.remedy { lines.append("\(String(repeating: " ", count: 10))-> \(remedy)") }
        }
        func number(_ level: Finding.Level, _ name: String) -> String {
            let count = self.count(level)
            return "\(count) \(name)\(count == 1 ? "" : "s")"
        }
        lines.append("\(number(.failure, "failure")), \(number(.warning, "warning")), \(self.count(.ok)) ok")
        return lines.joined(separator: "\n") + "\n"
    }

    /// `{"level": "warning", "findings": [{"topic": "forwarding", "level": "warning", "message": "...", "remedy": "..."}]}`
    package var json: String {
        var json = JSONText()
        json.object { json in
            json.member("level", self.worst.rawValue)
            json.array("findings") { json in
                for finding in self.findings {
                    json.object { json in
                        json.member("topic", finding.topic.rawValue)
                        json.member("level", finding.level.rawValue)
                        json.member("message", finding.message)
                        if let remedy = finding.remedy { json.member("remedy", remedy) }
                    }
                }
            }
        }
        return json.text + "\n"
    }
}
