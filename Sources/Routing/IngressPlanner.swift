package import KubernetesAPI
package import ServiceModel

/// Holds the objects and says what they ask of a proxy. Changes are taken in as they come; a plan is made of what
/// they touch: a slice makes one backend anew, an Ingress the hosts that it names. What a plan says does not depend on
/// the order in which objects came; only which numbers things have in it does.
package struct IngressPlanner: Sendable {
    package let options: IngressPlannerOptions
    let seed: RouteHash.Seed
    var node: NodeFacts

    // What is known.
    var ingresses: [ObjectName: Ingress] = [:]
    var classes: ClassSelection
    var services: [ObjectName: Service] = [:]
    /// By Service, then by slice.
    var slices: [ObjectName: [ObjectName: EndpointSlice]] = [:]
    /// Which Service a slice was filed under.
    var serviceOfSlice: [ObjectName: ObjectName] = [:]
    var facts: [ObjectName: CertificateFacts] = [:]

    // What has been made of it.
    /// Of those that are ours.
    var rules: [ObjectName: IngressRules] = [:]
    var hosts = HostRegistry()
    var backends = BackendRegistry()
    var problems = ProblemLedger()
    private var served = SortedList<ServedIngress>()
    /// Which Ingresses lead to a Secret.
    var secretReferrers: [ObjectName: Set<ObjectName>] = [:]
    var authentications = AuthenticationNumbers()
    var meters: MeterRegistry
    var routes: RouteTable
    var certificates = CertificatePlan()

    // What has to be made anew.
    var changedIngresses: Set<ObjectName> = []
    var changedServices: Set<ObjectName> = []
    var changedBackends: Set<BackendID> = []
    var changedSecrets: Set<ObjectName> = []
    var changedHosts: Set<String> = []
    /// nil for one that is ours no longer.
    var newlyServed: [ObjectName: ServedIngress?] = [:]
    var changes = PlanChanges()

    /// - Parameters:
    ///   - node: where the proxy runs, for topology hints and zones.
    ///   - seed: what hashes are keyed with; a fixed one is for tests.
    package init(
        _ options: IngressPlannerOptions = IngressPlannerOptions(),
        node: NodeFacts = NodeFacts(name: ""),
        seed: RouteHash.Seed = .random()
    ) {
        self.options = options
        self.node = node
        self.seed = seed
        self.classes = ClassSelection(options)
        self.routes = .empty
        self.meters = MeterRegistry(limit: options.meteredRoutes)
        if let backend = options.defaultBackend {
            self.backends.acquireDefault(backend)
            self.changedBackends.insert(backend)
            self.changedHosts.insert("")
        }
        if let secret = options.defaultCertificate { self.changedSecrets.insert(secret) }
    }

    // MARK: - Changes

    /// Takes over an object, or its disappearance. Kinds that decide nothing here are passed over; Secrets come as
    /// ``CertificateFacts``.
    package mutating func apply(_ key: ObjectKey, _ object: KubernetesObject?) {
        switch (key.kind, object) {
        case (.ingress, .ingress(let ingress)): self.update(key.name, ingress)
        case (.ingress, nil): self.update(key.name, nil as Ingress?)
        case (.ingressClass, .ingressClass(let ingressClass)): self.update(key.name.name, ingressClass)
        case (.ingressClass, nil): self.update(key.name.name, nil as IngressClass?)
        case (.service, .service(let service)): self.update(key.name, service)
        case (.service, nil): self.update(key.name, nil as Service?)
        case (.endpointSlice, .endpointSlice(let slice)): self.update(key.name, slice)
        case (.endpointSlice, nil): self.update(key.name, nil as EndpointSlice?)
        default: break
        }
    }

    package mutating func apply(_ changes: some Sequence<(key: ObjectKey, object: KubernetesObject?)>) {
        for change in changes { self.apply(change.key, change.object) }
    }

    /// What a Secret holds, now that it was read. Only Secrets in ``referencedSecrets`` matter; it does no harm to
    /// tell of others.
    package mutating func apply(_ facts: CertificateFacts) {
        guard self.facts[facts.secret] != facts else { return }
        self.facts[facts.secret] = facts
        self.changedSecrets.insert(facts.secret)
    }

    /// A Secret is gone (T8).
    package mutating func removeFacts(of secret: ObjectName) {
        if self.facts.removeValue(forKey: secret) != nil { self.changedSecrets.insert(secret) }
    }

    /// The proxy's node, or its zone, has become known.
    package mutating func update(_ node: NodeFacts) {
        guard node != self.node else { return }
        self.node = node
        self.changedServices.formUnion(self.services.keys)
    }

    /// Secrets whose facts are asked for. Complete after ``plan()``.
    package var referencedSecrets: Set<ObjectName> {
        var secrets = Set(self.secretReferrers.keys)
        if let secret = self.options.defaultCertificate { secrets.insert(secret) }
        return secrets
    }

    private mutating func update(_ name: ObjectName, _ ingress: Ingress?) {
        let former = self.ingresses[name]
        self.ingresses[name] = ingress
        guard let former else {
            self.changedIngresses.insert(name)
            return
        }
        guard former != ingress else { return }
        var unaddressed = ingress
        unaddressed?.loadBalancer = former.loadBalancer
        unaddressed?.metadata.allLabels = former.metadata.allLabels
        if let ingress, unaddressed == former {
            // Only the status: what we write there ourselves comes back this way. Or labels, by which people select.
            if self.rules[name] != nil { self.serve(ingress) }
        } else {
            self.changedIngresses.insert(name)
        }
    }

    private mutating func update(_ name: String, _ ingressClass: IngressClass?) {
        guard self.classes.update(name, ingressClass) else { return }
        for (ingress, object) in self.ingresses
        where object.ingressClassName == name || object.ingressClassName == nil && self.options.appliesDefaultClass {
            self.changedIngresses.insert(ingress)
        }
    }

    private mutating func update(_ name: ObjectName, _ service: Service?) {
        var service = service
        // Nobody selects backends by them.
        service?.metadata.allLabels = LabelSet()
        guard self.services[name] != service else { return }
        self.services[name] = service
        self.changedServices.insert(name)
    }

    private mutating func update(_ name: ObjectName, _ slice: EndpointSlice?) {
        if let former = self.serviceOfSlice.removeValue(forKey: name) {
            self.slices[former]?[name] = nil
            if self.slices[former]?.isEmpty == true { self.slices[former] = nil }
            self.changedServices.insert(former)
        }
        if let slice, let service = slice.serviceName {
            self.slices[service, default: [:]][name] = slice
            self.serviceOfSlice[name] = service
            self.changedServices.insert(service)
        }
    }

    mutating func serve(_ ingress: Ingress) {
        self.newlyServed[ingress.metadata.name] = ServedIngress(
            name: ingress.metadata.name, addresses: ingress.loadBalancer, labels: ingress.metadata.allLabels)
    }

    private mutating func planServed() {
        guard !self.newlyServed.isEmpty else { return }
        self.served.apply(
            adding: self.newlyServed.values.compactMap(\.self),
            removing: self.newlyServed.compactMap { name, served in
                served == nil ? ServedIngress(name: name, addresses: []) : nil
            })
        self.newlyServed = [:]
        self.changes.ingresses = true
        self.changes.released.sort()
    }

    // MARK: - The plan

    /// All that is asked for now, and what of it is different from the last plan.
    package mutating func plan() -> IngressPlan {
        self.planIngresses()
        self.planSecrets()
        self.planBackends()
        self.planHosts()
        self.planServed()
        self.changes.backends = self.backends.takeChanges()
        (self.changes.problemsAppeared, self.changes.problemsGone) = self.problems.takeChanges()
        defer { self.changes = PlanChanges() }
        return IngressPlan(
            routes: self.routes,
            backends: self.backends.table,
            certificates: self.certificates,
            ingresses: self.served.elements,
            problems: self.problems.all,
            meters: self.meters.meters,
            redirectPort: self.options.httpsPort == 443 ? nil : self.options.httpsPort,
            changes: self.changes
        )
    }
}

extension ServedIngress: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.name < right.name }
}
