/// A `labelSelector` (kubernetes: apimachinery/pkg/labels/selector.go). All requirements must hold.
struct LabelSelector: Hashable {
    private enum Requirement: Hashable {
        case exists(String)
        case isAbsent(String)
        case isOneOf(String, Set<String>)
        /// Also without the label.
        case isNoneOf(String, Set<String>)
    }

    private var requirements: [Requirement] = []

    /// nil if it is not understood.
    init?(_ text: String) {
        for part in Self.split(text) {
            guard let requirement = Self.requirement(part) else { return nil }
            self.requirements.append(requirement)
        }
    }

    func matches(_ labels: [String: String]) -> Bool {
        self.requirements.allSatisfy {
            switch $0 {
            case .exists(let key): labels[key] != nil
            case .isAbsent(let key): labels[key] == nil
            case .isOneOf(let key, let values): labels[key].map(values.contains) ?? false
            case .isNoneOf(let key, let values): labels[key].map { !values.contains($0) } ?? true
            }
        }
    }

    /// At the commas that are in no parentheses.
    private static func split(_ text: String) -> [Substring] {
        var depth = 0
        return text.split { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return character == "," && depth == 0
        }
    }

    private static func requirement(_ text: Substring) -> Requirement? {
        let trimmed = Self.trimmed(text)
        if trimmed.hasPrefix("!") {
            let key = Self.trimmed(trimmed.dropFirst())
            return self.isKey(key) ? .isAbsent(key) : nil
        }
        for (mark, isEqual) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = trimmed.firstRange(of: mark) else { continue }
            let key = Self.trimmed(trimmed[..<range.lowerBound])
            let values: Set = [Self.trimmed(trimmed[range.upperBound...])]
            guard self.isKey(key) else { return nil }
            return isEqual ? .isOneOf(key, values) : .isNoneOf(key, values)
        }
        if let open = trimmed.firstIndex(of: "("), trimmed.hasSuffix(")") {
            let words = trimmed[..<open].split(separator: " ")
            let values = trimmed[trimmed.index(after: open)...].dropLast().split(separator: ",").map(Self.trimmed)
            guard words.count == 2 else { return nil }
            switch words[1] {
            case "in": return .isOneOf(String(words[0]), Set(values))
            case "notin": return .isNoneOf(String(words[0]), Set(values))
            default: return nil
            }
        }
        return self.isKey(trimmed) ? .exists(trimmed) : nil
    }

    private static func isKey(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}

/// A `fieldSelector`: the API knows few fields for each resource, and refuses all others.
struct FieldSelector: Hashable {
    struct Unsupported: Error {
        let field: String
    }

    private struct Requirement: Hashable {
        let field: String
        let value: String
        let isEqual: Bool
    }

    private var requirements: [Requirement] = []

    init(_ text: String, for resource: Resource) throws(Unsupported) {
        for part in text.split(separator: ",") {
            let isEqual = !part.contains("!=")
            let mark = isEqual ? part.contains("==") ? "==" : "=" : "!="
            guard let range = part.firstRange(of: mark) else { throw Unsupported(field: String(part)) }
            let field = String(part[..<range.lowerBound])
            guard Self.fields(of: resource).contains(field) else { throw Unsupported(field: field) }
            self.requirements.append(
                Requirement(field: field, value: String(part[range.upperBound...]), isEqual: isEqual)
            )
        }
    }

    func matches(_ object: StoredObject) -> Bool {
        self.requirements.allSatisfy { (object.message.field($0.field) == $0.value) == $0.isEqual }
    }

    private static func fields(of resource: Resource) -> [String] {
        let own = ["metadata.name"] + (resource.isNamespaced ? ["metadata.namespace"] : [])
        // kubernetes: pkg/registry/core/service/strategy.go, pkg/registry/core/secret/strategy.go
        return switch resource {
        case .services: own + ["spec.clusterIP", "spec.type"]
        case .secrets: own + ["type"]
        default: own
        }
    }
}
