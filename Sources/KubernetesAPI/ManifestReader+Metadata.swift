internal import Networking

extension ManifestReader {
    /// `metadata`, and from it the name all later problems carry.
    mutating func metadata(of kind: ObjectKind) -> ObjectMeta? {
        guard let node = self.mapping("metadata", of: self.root) else {
            if self.problems.isEmpty { self.fail(self.root, "metadata", "is required") }
            return nil
        }
        let namespace = self.string("namespace", of: node) ?? ""
        let nameNode = self.field("name", of: node)
        let name = nameNode.flatMap { self.string($0) } ?? ""
        let key = ObjectName(
            namespace: kind.isClusterScoped ? "" : namespace.isEmpty ? "default" : namespace,
            name: name
        )
        // A name that is no name is not repeated in every line.
        let nameReason = kind == .service ? NameRules.label1035(name) : NameRules.subdomain(name)
        if nameReason == nil { self.object = ObjectKey(kind: kind, name: key).description }
        if let nameNode {
            if nameNode.isScalar, nameNode.form == .text, let nameReason { self.fail(nameNode, nameReason) }
        } else {
            self.fail(node, "name", "is required")
        }
        if kind.isClusterScoped {
            if !namespace.isEmpty {
                let article = kind == .ingressClass ? "an" : "a"
                self.fail(node, "namespace", "must not be given: \(article) \(kind.rawValue) belongs to the cluster")
            }
        } else if let reason = NameRules.label(key.namespace) {
            self.fail(self.field("namespace", of: node) ?? node, reason)
        }
        return ObjectMeta(
            name: key,
            labels: self.knownEntries("labels", of: node),
            annotations: self.knownEntries("annotations", of: node),
            allLabels: kind.isSelectedByLabels ? self.allLabels(of: node) : LabelSet(),
            creationTimestamp: self.timestamp("creationTimestamp", of: node)
        )
    }

    /// The entries of a string map whose keys are in ``KnownKey``.
    private mutating func knownEntries(_ name: String, of node: ManifestNode) -> [String: String] {
        guard let map = self.mapping(name, of: node) else { return [:] }
        var entries: [String: String] = [:]
        var key: String?
        for (position, child) in map.children.enumerated() {
            if position.isMultiple(of: 2) {
                key = child.isScalar ? child.text : nil
            } else if let key {
                // Other values are not kept, but a number among them is as wrong.
                guard let value = child.isNull ? "" : self.string(child), KnownKey.isKept(key) else { continue }
                if entries.updateValue(value, forKey: key) != nil { self.fail(child, "given twice") }
            }
        }
        return entries
    }

    /// What is wrong with them was said when the known ones were looked for.
    private mutating func allLabels(of node: ManifestNode) -> LabelSet {
        guard let map = self.field("labels", of: node), map.kind == .mapping else { return LabelSet() }
        var labels: [String: String] = [:]
        var key: String?
        for (position, child) in map.children.enumerated() {
            if position.isMultiple(of: 2) {
                key = child.isScalar ? child.text : nil
            } else if let key, child.isScalar {
                labels[key] = child.isNull ? "" : child.text
            }
        }
        return LabelSet(labels)
    }

    /// The value of an annotation, kept or not.
    mutating func annotation(_ key: String) -> String? {
        guard let metadata = self.mapping("metadata", of: self.root),
            let annotations = self.mapping("annotations", of: metadata)
        else { return nil }
        return self.string(key, of: annotations)
    }

    mutating func timestamp(_ name: String, of node: ManifestNode) -> Int64? {
        guard let value = self.field(name, of: node), let text = self.string(value) else { return nil }
        if let seconds = Timestamp.unixSeconds(text) { return seconds }
        self.fail(value, "must be a time as 2026-01-31T12:00:00Z, not \(FieldRules.quote(text))")
        return nil
    }

    /// A protocol by its API name; TCP if absent.
    mutating func transport(of node: ManifestNode) -> TransportProtocol? {
        guard let value = self.field("protocol", of: node) else { return .tcp }
        guard let text = self.string(value) else { return nil }
        if text.isEmpty { return .tcp }
        if let transport = TransportProtocol(kubernetesName: text) { return transport }
        self.fail(value, "must be TCP, UDP or SCTP, not \(FieldRules.quote(text))")
        return nil
    }

    /// An address.
    mutating func address(_ node: ManifestNode) -> IPAddress? {
        guard let text = self.string(node) else { return nil }
        if let address = FieldRules.address(text) { return address }
        self.fail(node, "must be an IP address, not \(FieldRules.quote(text))")
        return nil
    }

    /// An address block.
    mutating func block(_ node: ManifestNode) -> CIDR? {
        guard let text = self.string(node) else { return nil }
        if let block = FieldRules.block(text) { return block }
        self.fail(node, "must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \(FieldRules.quote(text))")
        return nil
    }
}
