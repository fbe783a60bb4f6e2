/// What a configuration file says.
package struct ProxyConfigurationFile: Sendable {
    /// Nil if there is an error among the problems.
    package let configuration: ProxyConfiguration?
    /// By line. Warnings are what strict decoding would have refused: fields that do not exist or are given
    /// twice.
    package let problems: [ManifestProblem]
}

/// Decodes a `KubeProxyConfiguration` of `kubeproxy.config.k8s.io/v1alpha1`: bytes in, a configuration or the
/// reasons out. As kube-proxy does it, what only strict decoding refuses is warned of and passed over.
package enum ProxyConfigurationDecoder {
    static let apiVersion = "kubeproxy.config.k8s.io/v1alpha1"
    static let kind = "KubeProxyConfiguration"

    /// Bytes in a file, and fields and problems in it: far above what any file of this kind has.
    package static let limits = ManifestLimits(
        maximumFileSize: 1 << 20, maximumDepth: 32, maximumNodes: 100_000, maximumProblemsPerObject: 100)

    package static func decode(_ bytes: [UInt8], file: String) -> ProxyConfigurationFile {
        var decoding = ConfigurationDecoding(file: file)
        do throws(ManifestSyntaxError) {
            try ManifestParser.parse(bytes, limits: self.limits) { document in
                if let root = document.root, !root.isNull { decoding.decode(root) }
            }
        } catch {
            decoding.problems.append(ManifestProblem(file: file, line: error.line, reason: error.reason))
        }
        return decoding.finish()
    }
}

/// The decoding of one file.
private struct ConfigurationDecoding {
    /// A name in a mapping: a field, or a mapping of further names.
    indirect enum Entry {
        case field(ProxyConfigurationField)
        case section([String: Entry])
    }

    let file: String
    var problems: [ManifestProblem] = []
    private var configuration = ProxyConfiguration()
    private var lines: [String: Int] = [:]
    private var isFirst = true

    init(file: String) {
        self.file = file
    }

    private static let root: [String: Entry] = {
        var root: [String: Entry] = [:]
        for field in ProxyConfigurationField.all {
            Self.insert(field, field.path.split(separator: ".").map(String.init)[...], into: &root)
        }
        return root
    }()

    private static func insert(
        _ field: ProxyConfigurationField, _ path: ArraySlice<String>, into section: inout [String: Entry]
    ) {
        guard let name = path.first else { return }
        guard path.count > 1 else {
            section[name] = .field(field)
            return
        }
        var inner: [String: Entry] = [:]
        if case .section(let known)? = section[name] { inner = known }
        Self.insert(field, path.dropFirst(), into: &inner)
        section[name] = .section(inner)
    }

    // MARK: Reading

    mutating func decode(_ root: ManifestNode) {
        guard self.isFirst else {
            self.warn(root.line, "only the first document of the file counts")
            return
        }
        self.isFirst = false
        var reader = ManifestReader(file: self.file, limits: ProxyConfigurationDecoder.limits, root: root)
        defer { self.problems += reader.allProblems }
        guard reader.isMapping(root) else { return }
        for (name, expected) in [
            ("apiVersion", ProxyConfigurationDecoder.apiVersion), ("kind", ProxyConfigurationDecoder.kind),
        ] {
            guard let node = root.value(of: name), !node.isNull else {
                reader.fail(root, name, "is required: \"\(expected)\"")
                return
            }
            guard let text = reader.string(node) else { return }
            guard text == expected else {
                return reader.fail(node, "must be \"\(expected)\", not \(FieldRules.quote(text))")
            }
        }
        self.read(root, Self.root, path: "", &reader)
    }

    private mutating func read(
        _ mapping: ManifestNode, _ section: [String: Entry], path: String, _ reader: inout ManifestReader
    ) {
        var seen: [String: Int] = [:]
        var key: ManifestNode?
        for child in mapping.children {
            guard let name = key else {
                key = child
                continue
            }
            key = nil
            let text = name.isScalar ? name.text : "?"
            let inner = path.isEmpty ? text : "\(path).\(text)"
            if let first = seen.updateValue(name.line, forKey: text) {
                self.warn(name.line, "\(inner): given before in line \(first); this one counts")
            }
            if path.isEmpty, text == "apiVersion" || text == "kind" { continue }
            guard let entry = section[text] else {
                self.warn(name.line, "\(inner): there is no such field\(Self.advice(text, section)); passed over")
                continue
            }
            guard !child.isNull else { continue }
            switch entry {
            case .field(let field):
                self.lines[field.path] = child.line
                field.read(child, &reader, &self.configuration)
            case .section(let entries):
                if reader.isMapping(child) { self.read(child, entries, path: inner, &reader) }
            }
        }
    }

    private mutating func warn(_ line: Int, _ reason: String) {
        let problem = ManifestProblem(file: self.file, line: line, reason: reason, severity: .warning)
        if self.problems.count < ProxyConfigurationDecoder.limits.maximumProblemsPerFile {
            self.problems.append(problem)
        }
    }

    /// Names are told apart by case, which is easily overlooked.
    private static func advice(_ name: String, _ section: [String: Entry]) -> String {
        let meant = section.keys.first { $0.lowercased() == name.lowercased() }
        return meant.map { " (it is written \($0))" } ?? ""
    }

    // MARK: The whole

    consuming func finish() -> ProxyConfigurationFile {
        if self.isFirst, self.problems.isEmpty {
            let reason = "there is no \(ProxyConfigurationDecoder.kind) in it"
            self.problems.append(ManifestProblem(file: self.file, line: 1, reason: reason))
        }
        if !self.hasErrors {
            for conflict in self.configuration.conflicts {
                // Where both are left to their defaults there is no conflict, so one of them has a line.
                let line = conflict.paths.lazy.compactMap { self.lines[$0] }.first ?? 1
                let reason = "\(conflict.paths[0]): \(conflict.reason)"
                self.problems.append(ManifestProblem(file: self.file, line: line, reason: reason))
            }
        }
        let problems = self.problems.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
        return ProxyConfigurationFile(
            configuration: self.hasErrors ? nil : self.configuration, problems: problems.map(\.element))
    }

    private var hasErrors: Bool { self.problems.contains { $0.severity == .error } }
}

extension ManifestNode {
    /// The last value under a key of a mapping.
    fileprivate func value(of name: String) -> ManifestNode? {
        var found: ManifestNode?
        var isValue = false
        var isWanted = false
        for child in self.children {
            if isValue, isWanted { found = child }
            if !isValue { isWanted = child.isText(name) }
            isValue.toggle()
        }
        return found
    }
}
