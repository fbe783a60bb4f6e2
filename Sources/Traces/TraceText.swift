/// A trace as `fairlead trace` prints it.
package enum TraceText {
    package static func text(_ trace: PacketTrace) -> String {
        var lines: [String] = []
        for step in trace.steps { lines.append("\(self.padded(step.subject.rawValue, 12))\(step.text)") }
        if !trace.candidates.isEmpty { lines.append("endpoints") }
        let width = (trace.candidates.map(\.address.utf8.count).max() ?? 0) + 2
        for candidate in trace.candidates {
            let share = candidate.permille.map { "\($0 / 10).\($0 % 10) %" } ?? "-"
            var place = candidate.node.map { "on \($0)" } ?? ""
            if let zone = candidate.zone { place += place.isEmpty ? "in \(zone)" : " in \(zone)" }
            let masquerade = candidate.isMasqueraded ? "; sees this node's address" : ""
            lines.append(
                "  \(self.padded(candidate.address, width))\(self.padded(share, 9))\(candidate.reason)\(place.isEmpty ? "" : ", \(place)")\(masquerade)"
            )
        }
        lines.append("\(self.padded("verdict", 12))\(trace.verdict.rawValue): \(trace.reason)")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.utf8.count))
    }
}
