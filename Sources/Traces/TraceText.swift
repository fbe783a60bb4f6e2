/// Traces as `fairlead trace` prints them.
package enum TraceText {
    package static func text(_ trace: PacketTrace) -> String {
        self.text(
            steps: trace.steps.map { ($0.subject.rawValue, $0.text) },
            candidates: trace.candidates.map { candidate in
                Line(
                    address: candidate.address, share: candidate.permille.map { "\($0 / 10).\($0 % 10) %" },
                    reason: candidate.reason, node: candidate.node, zone: candidate.zone,
                    remark: (candidate.isMasqueraded ? "; sees this node's address" : "")
                        + self.text(probe: candidate.probe))
            },
            verdict: "\(trace.verdict.rawValue): \(trace.reason)")
    }

    package static func text(_ trace: RequestTrace) -> String {
        let status = trace.status.map { " with \($0)" } ?? ""
        return self.text(
            steps: trace.steps.map { ($0.subject.rawValue, $0.text) },
            candidates: trace.candidates.map { candidate in
                Line(
                    address: candidate.address, share: candidate.weight.map { "weight \($0)" },
                    reason: candidate.reason, node: candidate.node, zone: candidate.zone,
                    remark: self.text(probe: candidate.probe))
            },
            verdict: "\(trace.verdict.rawValue)\(status): \(trace.reason)")
    }

    private static func text(probe: String?) -> String { probe.map { "; a connection from here: \($0)" } ?? "" }

    private struct Line {
        let address: String
        let share: String?
        let reason: String
        let node: String?
        let zone: String?
        let remark: String

        var place: String {
            let parts = [self.node.map { "on \($0)" }, self.zone.map { "in \($0)" }].compactMap(\.self)
            return parts.isEmpty ? "" : ", " + parts.joined(separator: " ")
        }
    }

    private static func text(steps: [(String, String)], candidates: [Line], verdict: String) -> String {
        var lines = steps.map { subject, text in "\(self.padded(subject, 12))\(text)" }
        if !candidates.isEmpty { lines.append("endpoints") }
        let width = (candidates.map(\.address.utf8.count).max() ?? 0) + 2
        for line in candidates {
            lines.append(
                "  \(self.padded(line.address, width))\(self.padded(line.share ?? "-", 10))\(line.reason)\(line.place)\(line.remark)"
            )
        }
        lines.append("\(self.padded("verdict", 12))\(verdict)")
        return lines.joined(separator: "\n") + "\n"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.utf8.count))
    }
}
