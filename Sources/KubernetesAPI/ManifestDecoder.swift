/// Decodes one file: bytes in, objects and problems out. Never throws, never crashes.
package enum ManifestDecoder {
    /// - Parameter kinds: the kinds that are wanted. Of the others that Fairlead knows nothing is read, checked or said:
    ///   they are another role's.
    package static func decode(
        _ bytes: [UInt8],
        file: String,
        kinds: Set<ObjectKind> = Set(ObjectKind.allCases),
        limits: ManifestLimits = ManifestLimits()
    ) -> ManifestFileContent {
        var decoding = Decoding(file: file, kinds: kinds, limits: limits)
        do throws(ManifestSyntaxError) {
            try ManifestParser.parse(bytes, limits: limits) { document in
                if let root = document.root { decoding.decode(root, as: nil) }
            }
        } catch {
            let problem = ManifestProblem(file: file, line: error.line, reason: error.reason)
            return ManifestFileContent(problems: [problem], isBroken: true)
        }
        return decoding.finish()
    }
}

/// The decoding of one file, document by document.
private struct Decoding {
    /// What a typed list says of its items, which need not say it themselves.
    struct ItemType {
        let apiVersion: String
        let kind: String
    }

    let file: String
    let kinds: Set<ObjectKind>
    let limits: ManifestLimits
    private var content = ManifestFileContent()
    private var untoldProblems = 0
    private var lines: [ObjectKey: Int] = [:]
    private var skippedKinds: Set<String> = []
    private var strings = StringPool()

    init(file: String, kinds: Set<ObjectKind>, limits: ManifestLimits) {
        self.file = file
        self.kinds = kinds
        self.limits = limits
    }

    consuming func finish() -> ManifestFileContent {
        if self.untoldProblems > 0 {
            let reason = "and \(self.untoldProblems) more problems"
            let line = self.content.problems.last?.line ?? 1
            self.content.problems.append(ManifestProblem(file: self.file, line: line, reason: reason))
        }
        return self.content
    }

    private mutating func report(_ problems: [ManifestProblem]) {
        let room = max(0, self.limits.maximumProblemsPerFile - self.content.problems.count)
        self.content.problems += problems.prefix(room)
        self.untoldProblems += max(0, problems.count - room)
    }

    mutating func decode(_ node: ManifestNode, as item: ItemType?) {
        guard !node.isNull else { return }
        var reader = ManifestReader(file: self.file, limits: self.limits, root: node)
        guard reader.isMapping(node) else { return self.report(reader.allProblems) }
        let version = reader.string("apiVersion", of: node) ?? item?.apiVersion
        guard let kind = reader.string("kind", of: node) ?? item?.kind, !kind.isEmpty else {
            if !reader.hasErrors { reader.fail(node, "kind", "is required") }
            return self.report(reader.allProblems)
        }

        if item == nil, let listed = Self.itemType(ofList: kind) {
            let items = reader.items("items", of: node)
            self.report(reader.allProblems)
            for child in items { self.decode(child, as: listed) }
            return
        }
        guard let kind = ObjectKind(rawValue: kind) else {
            self.note(kind, at: node)
            return self.report(reader.allProblems)
        }
        guard self.kinds.contains(kind) else { return }
        if version != kind.apiVersion {
            if let version {
                reader.fail(
                    reader.field("apiVersion", of: node) ?? node,
                    "must be \"\(kind.apiVersion)\" for kind \(kind.rawValue), not \(FieldRules.quote(version))"
                )
            } else if !reader.hasErrors {
                reader.fail(node, "apiVersion", "is required: \"\(kind.apiVersion)\" for kind \(kind.rawValue)")
            }
            return self.report(reader.allProblems)
        }
        let object: KubernetesObject? =
            switch kind {
            case .service: reader.service().map { .service($0) }
            case .endpointSlice: reader.endpointSlice(&self.strings).map { .endpointSlice($0) }
            case .node: reader.node().map { .node($0) }
            case .serviceCIDR: reader.serviceCIDR().map { .serviceCIDR($0) }
            case .ingress: reader.ingress(&self.strings).map { .ingress($0) }
            case .ingressClass: reader.ingressClass().map { .ingressClass($0) }
            case .secret: reader.secretObject().map { .secret($0) }
            }
        if let object { self.add(object, line: node.line, &reader) }
        self.report(reader.allProblems)
    }

    private mutating func add(_ object: KubernetesObject, line: Int, _ reader: inout ManifestReader) {
        if let first = self.lines[object.key] {
            reader.fail(reader.root, "already defined in line \(first), which wins")
            return
        }
        self.lines[object.key] = line
        self.content.objects.append((object, line))
    }

    /// Says once per kind that its objects are not read.
    private mutating func note(_ kind: String, at node: ManifestNode) {
        // A file of nothing but made-up kinds is not remembered without end.
        guard self.skippedKinds.count < self.limits.maximumProblemsPerFile,
            self.skippedKinds.insert(kind).inserted
        else { return }
        let reason = "objects of kind \(FieldRules.quote(kind)) are not read here; skipped"
        self.report([ManifestProblem(file: self.file, line: node.line, reason: reason, severity: .note)])
    }

    /// For the kinds that are lists: what their items are.
    private static func itemType(ofList kind: String) -> ItemType? {
        if kind == "List" { return ItemType(apiVersion: "", kind: "") }
        return ObjectKind.allCases.first { "\($0.rawValue)List" == kind }
            .map { ItemType(apiVersion: $0.apiVersion, kind: $0.rawValue) }
    }
}
