extension ManifestReader {
    /// What `spec.controller` may be long.
    private static let maximumControllerLength = 250

    /// Where the object is that parameters refer to; the raw value is the spelling of the API.
    private enum ParametersScope: String, CaseIterable {
        case cluster = "Cluster"
        case namespace = "Namespace"
    }

    /// An IngressClass by the API server's rules; nil if it broke one.
    mutating func ingressClass() -> IngressClass? {
        guard let metadata = self.metadata(of: .ingressClass) else { return nil }
        guard let spec = self.mapping("spec", of: self.root) else {
            if !self.hasErrors { self.fail(self.root, "spec", "is required") }
            return nil
        }
        let controller = self.required("controller", of: spec) { name in
            name.utf8.count > Self.maximumControllerLength
                ? "must be at most \(Self.maximumControllerLength) bytes long" : NameRules.domainPath(name)
        }
        let parameters = self.field("parameters", of: spec)
        if let parameters, self.isMapping(parameters) { self.checkParameters(parameters) }
        let isDefault = self.annotation(KnownKey.isDefaultClass) == "true"
        guard !self.hasErrors, let controller else { return nil }
        return IngressClass(
            metadata: metadata, controller: controller, isDefault: isDefault, hasParameters: parameters != nil)
    }

    private mutating func checkParameters(_ node: ManifestNode) {
        _ = self.groupOfReference(node)
        _ = self.required("kind", of: node, NameRules.pathStep)
        _ = self.required("name", of: node, NameRules.pathStep)
        let namespace = self.field("namespace", of: node)
        switch self.choice("scope", of: node, ParametersScope.self) ?? .cluster {
        case .cluster:
            if let namespace { self.fail(namespace, "must not be given when scope is Cluster") }
        case .namespace:
            _ = self.required("namespace", of: node, NameRules.label)
        }
    }
}
