import KubernetesAPI
import Routing

/// What a table should answer, said as the specification says it and as slowly as may be: every rule is looked at.
struct ReferenceMatcher {
    struct Rule {
        let host: String
        let path: String
        let isExact: Bool
        let service: String
    }

    /// By seniority.
    var rules: [Rule] = []

    static func elements(_ path: String) -> [Substring] {
        var rest = path.dropFirst()
        if rest.last == "/" { rest = rest.dropLast() }
        return rest.isEmpty ? [] : rest.split(separator: "/", omittingEmptySubsequences: false)
    }

    private func hostOfRules(for host: String) -> String {
        if !host.isEmpty, self.rules.contains(where: { $0.host == host }) { return host }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels[0] != "" {
            let wildcard = "*." + labels.dropFirst().joined(separator: ".")
            if self.rules.contains(where: { $0.host == wildcard }) { return wildcard }
        }
        return ""
    }

    func answer(_ host: String, _ path: String) -> String {
        let name = self.hostOfRules(for: host)
        var best: (service: String, elements: Int, isExact: Bool, length: Int)?
        for rule in self.rules where rule.host == name {
            let isMatch: Bool
            if rule.isExact {
                isMatch = rule.path == path
            } else if path.hasPrefix("/") {
                isMatch = Self.elements(path).starts(with: Self.elements(rule.path))
            } else {
                isMatch = rule.path == "/"
            }
            guard isMatch else { continue }
            let candidate = (rule.service, Self.elements(rule.path).count, rule.isExact, rule.path.utf8.count)
            guard let former = best else {
                best = candidate
                continue
            }
            // Exact first (P6, P7), then more elements (P5), then the longer text (P4); the older where all is equal.
            if candidate.2 != former.isExact {
                if candidate.2 { best = candidate }
            } else if (candidate.1, candidate.3) > (former.elements, former.length) {
                best = candidate
            }
        }
        return best?.service ?? "404"
    }
}
