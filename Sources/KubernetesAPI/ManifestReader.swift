/// Reads the fields of one object, collecting what is wrong with them. A field that is absent, null
/// or of the wrong type is nil; only the last is a problem.
struct ManifestReader {
    let file: String
    let limits: ManifestLimits
    /// Paths are told from here.
    let root: ManifestNode
    /// The object's name, once known.
    var object: String?
    private(set) var problems: [ManifestProblem] = []
    private var untoldProblems = 0

    init(file: String, limits: ManifestLimits, root: ManifestNode) {
        self.file = file
        self.limits = limits
        self.root = root
    }

    var hasErrors: Bool { self.problems.contains { $0.severity == .error } }

    /// What is wrong, the count of what was not told last.
    var allProblems: [ManifestProblem] {
        guard self.untoldProblems > 0 else { return self.problems }
        return self.problems + [
            ManifestProblem(
                file: self.file,
                line: self.root.line,
                object: self.object,
                reason: "and \(self.untoldProblems) more problems"
            )
        ]
    }

    /// Reports a problem with `node`.
    mutating func fail(_ node: ManifestNode, _ reason: String) {
        self.fail(node, "", reason)
    }

    /// Reports a problem with the field of `node` of that name, which need not be there.
    mutating func fail(
        _ node: ManifestNode,
        _ field: String,
        _ reason: String,
        severity: ManifestProblem.Severity = .error
    ) {
        guard self.problems.count < self.limits.maximumProblemsPerObject else {
            self.untoldProblems += 1
            return
        }
        let path = [self.root.path(to: node), field].filter { !$0.isEmpty }.joined(separator: ".")
        self.problems.append(
            ManifestProblem(
                file: self.file,
                line: node.line,
                object: self.object,
                reason: path.isEmpty ? reason : "\(path): \(reason)",
                severity: severity
            )
        )
    }

    // MARK: Fields

    /// A field's value; nil if it is absent or null.
    mutating func field(_ name: String, of node: ManifestNode) -> ManifestNode? {
        var found: ManifestNode?
        var isValue = false
        var isWanted = false
        for child in node.children {
            if isValue {
                if isWanted {
                    if found != nil { self.fail(child, "given twice") }
                    found = child
                }
            } else {
                isWanted = child.isText(name)
            }
            isValue.toggle()
        }
        return found?.isNull == true ? nil : found
    }

    mutating func mapping(_ name: String, of node: ManifestNode) -> ManifestNode? {
        guard let value = self.field(name, of: node) else { return nil }
        return self.isMapping(value) ? value : nil
    }

    /// Whether it is a mapping; a problem if not.
    mutating func isMapping(_ node: ManifestNode) -> Bool {
        guard node.kind != .mapping else { return true }
        self.fail(node, "must be a mapping, not \(Self.describe(node))")
        return false
    }

    /// The items of a sequence, or none.
    mutating func items(_ name: String, of node: ManifestNode, limit: Int = .max) -> [ManifestNode] {
        guard let value = self.field(name, of: node) else { return [] }
        guard value.kind == .sequence else {
            self.fail(value, "must be a list, not \(Self.describe(value))")
            return []
        }
        guard value.count <= limit else {
            self.fail(value, "must have at most \(limit) items, not \(value.count)")
            return []
        }
        return Array(value.children)
    }

    mutating func string(_ name: String, of node: ManifestNode) -> String? {
        guard let value = self.field(name, of: node) else { return nil }
        return self.string(value)
    }

    mutating func string(_ node: ManifestNode) -> String? {
        guard node.isScalar, node.form == .text else {
            let advice = node.isScalar && !node.isNull ? "; put it in quotes" : ""
            self.fail(node, "must be a string, not \(Self.describe(node))\(advice)")
            return nil
        }
        return node.text
    }

    /// A string that no problem may show; nil if it is empty.
    mutating func secret(_ name: String, of node: ManifestNode) -> String? {
        guard let value = self.field(name, of: node) else { return nil }
        guard value.isScalar, value.form == .text else {
            self.fail(value, "must be a string; put it in quotes")
            return nil
        }
        return value.count == 0 ? nil : value.text
    }

    mutating func integer(_ name: String, of node: ManifestNode) -> Int? {
        guard let value = self.field(name, of: node) else { return nil }
        guard value.isScalar, case .integer(let number) = value.form else {
            self.fail(value, "must be an integer, not \(Self.describe(value))")
            return nil
        }
        return Int(number)
    }

    /// An integer of a range.
    mutating func integer(_ name: String, of node: ManifestNode, in range: ClosedRange<Int>) -> Int? {
        guard let number = self.integer(name, of: node) else { return nil }
        guard range.contains(number) else {
            self.fail(
                self.field(name, of: node) ?? node,
                "must be between \(range.lowerBound) and \(range.upperBound), not \(number)"
            )
            return nil
        }
        return number
    }

    mutating func boolean(_ name: String, of node: ManifestNode) -> Bool? {
        guard let value = self.field(name, of: node) else { return nil }
        guard value.isScalar, case .boolean(let boolean) = value.form else {
            self.fail(value, "must be true or false, not \(Self.describe(value))")
            return nil
        }
        return boolean
    }

    /// One of the spellings of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        of node: ManifestNode,
        _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let value = self.field(name, of: node), let text = self.string(value) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let choices = Choice.allCases.map(\.rawValue)
        let listed = choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
        self.fail(value, "must be \(listed), not \(FieldRules.quote(text))")
        return nil
    }

    // MARK: Words

    static func describe(_ node: ManifestNode) -> String {
        switch node.kind {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .alias, .plainScalar, .textScalar: break
        }
        switch node.form {
        case .null: return "null"
        case .boolean: return "the boolean \(node.text)"
        case .integer, .number: return "the number \(String(node.text.prefix(32)))"
        case .text: return "the string \(FieldRules.quote(node.text))"
        }
    }
}
