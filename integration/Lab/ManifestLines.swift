/// A string that YAML cannot take for anything else.
func quoted(_ value: some CustomStringConvertible) -> String { "\"\(value)\"" }

/// YAML under construction.
struct Lines {
    private(set) var text = ""

    mutating func add(_ line: String) { self.text += "\(line)\n" }

    mutating func list(_ name: String, _ items: [String], indent: Int) {
        if items.isEmpty { return }
        let margin = String(repeating: " ", count: indent)
        self.add("\(margin)\(name):")
        for item in items { self.add("\(margin)  - \(item)") }
    }

    mutating func metadata(
        name: String, namespace: String? = nil, labels: [String: String], annotations: [String: String]
    ) {
        self.add("metadata:")
        self.add("  name: \(name)")
        if let namespace { self.add("  namespace: \(namespace)") }
        for (title, values) in [("labels", labels), ("annotations", annotations)] where !values.isEmpty {
            self.add("  \(title):")
            for (key, value) in values.sorted(by: { $0.key < $1.key }) { self.add("    \(key): \(quoted(value))") }
        }
    }
}
