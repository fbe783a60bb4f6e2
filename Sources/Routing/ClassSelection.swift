internal import KubernetesAPI
internal import ServiceModel

/// Which Ingresses are ours (C1 to C6).
struct ClassSelection {
    enum Verdict: Hashable {
        case ours
        /// Another controller's, or in a namespace that nobody asked about.
        case others
        case noClass
        case classMissing(String)
    }

    let options: IngressPlannerOptions
    private var classes: [String: IngressClass] = [:]
    /// The newest of those that say they are the default, of several the first by name (C5).
    private var defaultClass: String?

    init(_ options: IngressPlannerOptions) { self.options = options }

    /// Returns whether anything is different.
    mutating func update(_ name: String, _ ingressClass: IngressClass?) -> Bool {
        guard self.classes[name] != ingressClass else { return false }
        self.classes[name] = ingressClass
        self.defaultClass =
            self.classes.values.filter(\.isDefault).max { left, right in
                let (leftAge, rightAge) = (
                    left.metadata.creationTimestamp ?? .max, right.metadata.creationTimestamp ?? .max
                )
                return leftAge != rightAge ? leftAge < rightAge : left.metadata.name > right.metadata.name
            }?.metadata.name.name
        return true
    }

    func verdict(_ ingress: Ingress) -> Verdict {
        if let namespace = self.options.watchNamespace, ingress.metadata.name.namespace != namespace { return .others }
        // The field wins where both are given (C3).
        if let name = ingress.ingressClassName { return self.verdict(className: name) }
        if let annotation = ingress.metadata.annotations[KnownKey.ingressClass], !annotation.isEmpty {
            return annotation == self.options.annotationClass ? .ours : .others
        }
        if self.options.appliesDefaultClass, let name = self.defaultClass { return self.verdict(className: name) }
        return self.options.watchesWithoutClass ? .ours : .noClass
    }

    private func verdict(className name: String) -> Verdict {
        guard let ingressClass = self.classes[name] else { return .classMissing(name) }
        return ingressClass.controller == self.options.controller ? .ours : .others
    }

    /// Whose a class is; nil if there is none of that name.
    func controller(of name: String) -> String? { self.classes[name]?.controller }

    /// The class of Ingresses that name none, where they get one.
    func defaultName(for ingress: Ingress) -> String? {
        let annotation = ingress.metadata.annotations[KnownKey.ingressClass] ?? ""
        return self.options.appliesDefaultClass && annotation.isEmpty ? self.defaultClass : nil
    }

    /// What its author should know, where it is not ours and may have been meant to be.
    func problems(_ verdict: Verdict, of name: ObjectName) -> [IngressProblem] {
        switch verdict {
        case .ours, .others: []
        case .noClass:
            [
                IngressProblem(
                    ingress: name, .note, .noClass,
                    "it has no spec.ingressClassName, so no controller is asked to serve it")
            ]
        case .classMissing(let ingressClass):
            [
                IngressProblem(
                    ingress: name, .warning, .classMissing,
                    "there is no IngressClass \(Quoted.text(ingressClass)): nobody serves it")
            ]
        }
    }
}
