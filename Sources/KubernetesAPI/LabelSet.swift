/// All labels of an object, in one piece: a cluster has many, and nobody but a selector looks at them.
package struct LabelSet: Hashable, Sendable {
    /// `key=value` in lines, by key.
    private let text: String

    /// What is no key or value of a label, which no selector could name, is left out.
    package init(_ labels: [String: String] = [:]) {
        self.text = labels.filter { !$0.key.contains { $0 == "=" || $0 == "\n" } && !$0.value.contains("\n") }
            .sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "\n")
    }

    /// nil where there is no such label.
    subscript(key: String) -> Substring? {
        for line in self.text.split(separator: "\n", omittingEmptySubsequences: true) {
            guard let end = line.firstIndex(of: "="), line[..<end] == key else { continue }
            return line[line.index(after: end)...]
        }
        return nil
    }
}

/// Which labels are asked for, as `kubectl -l` takes it (k8s.io/apimachinery/pkg/labels): `app=web,tier!=cache,zone in (a, b),!canary`.
package struct LabelSelector: Hashable, Sendable, CustomStringConvertible {
    private enum Condition: Hashable, Sendable {
        case exists
        case isMissing
        case isOneOf(Set<String>)
        /// Or it is missing.
        case isNoneOf(Set<String>)
    }

    private struct Requirement: Hashable, Sendable {
        let key: String
        let condition: Condition
    }

    /// As it was given.
    package let description: String
    private let requirements: [Requirement]

    /// What is wrong with a selector.
    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    package init(_ text: String) throws(Problem) {
        var requirements: [Requirement] = []
        for part in Self.parts(text) { requirements.append(try Self.requirement(part)) }
        self.description = text
        self.requirements = requirements
    }

    package func matches(_ labels: LabelSet) -> Bool {
        self.requirements.allSatisfy { requirement in
            let value = labels[requirement.key].map(String.init)
            return switch requirement.condition {
            case .exists: value != nil
            case .isMissing: value == nil
            case .isOneOf(let values): value.map(values.contains) ?? false
            case .isNoneOf(let values): value.map { !values.contains($0) } ?? true
            }
        }
    }

    /// At the commas that are in no parentheses.
    private static func parts(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var (start, depth) = (text.startIndex, 0)
        for index in text.indices {
            switch text[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return parts + [text[start...]]
    }

    private static func requirement(_ part: Substring) throws(Problem) -> Requirement {
        let part = Self.trimmed(part)
        if part.hasPrefix("!") {
            return Requirement(key: try self.key(part.dropFirst()), condition: .isMissing)
        }
        if let sign = part.firstRange(of: "!=") {
            let value = try self.value(part[sign.upperBound...])
            return Requirement(key: try self.key(part[..<sign.lowerBound]), condition: .isNoneOf([value]))
        }
        if let sign = part.firstRange(of: "==") ?? part.firstRange(of: "=") {
            let value = try self.value(part[sign.upperBound...])
            return Requirement(key: try self.key(part[..<sign.lowerBound]), condition: .isOneOf([value]))
        }
        guard part.hasSuffix(")"), let opening = part.firstIndex(of: "(") else {
            return Requirement(key: try self.key(part), condition: .exists)
        }
        let words = part[..<opening].split(separator: " ")
        guard words.count == 2, words[1] == "in" || words[1] == "notin" else {
            throw Problem(
                description: "'\(part)' is none of KEY, !KEY, KEY=VALUE, KEY!=VALUE, KEY in (...), KEY notin (...)")
        }
        var values: Set<String> = []
        let list = part[part.index(after: opening)...].dropLast()
        for value in list.split(separator: ",", omittingEmptySubsequences: false) {
            values.insert(try self.value(value))
        }
        return Requirement(
            key: try self.key(words[0]), condition: words[1] == "in" ? .isOneOf(values) : .isNoneOf(values))
    }

    private static func key(_ text: Substring) throws(Problem) -> String {
        let key = String(Self.trimmed(text))
        if let reason = NameRules.labelKey(key) { throw Problem(description: "the key of a label \(reason)") }
        return key
    }

    private static func value(_ text: Substring) throws(Problem) -> String {
        let value = String(Self.trimmed(text))
        if let reason = value.isEmpty ? nil : NameRules.labelValue(value) {
            throw Problem(description: "the value of a label \(reason)")
        }
        return value
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
