internal import KubernetesAPI

extension IngressPlanner {
    /// Hosts whose certificate may be another one now that a Secret is, and backends that are connected to with it.
    mutating func planSecrets() {
        for secret in self.changedSecrets {
            for name in self.secretReferrers[secret] ?? [] {
                guard let rules = self.rules[name] else { continue }
                self.changedHosts.formUnion(rules.hosts)
                if case .named(secret) = rules.annotations.backendTLS?.secret {
                    self.changedBackends.formUnion(rules.backends)
                }
            }
            if secret == self.options.defaultCertificate { self.planDefaultCertificate(secret) }
        }
        self.changedSecrets = []
    }

    private mutating func planDefaultCertificate(_ secret: ObjectName) {
        let key = ObjectKey(kind: .secret, name: secret)
        var problems: [IngressProblem] = []
        if let facts = self.facts[secret] {
            if let problem = facts.problem {
                problems.append(
                    IngressProblem(
                        key, .error, .certificateInvalid,
                        "\(problem): a generated certificate is the default in its stead"))
            }
        } else {
            problems.append(
                IngressProblem(
                    key, .error, .certificateMissing,
                    "it is not there: a generated certificate is the default in its stead"))
        }
        self.problems.set(problems, of: .defaultCertificate)
        let usable = problems.isEmpty ? secret : nil
        if self.certificates.defaultSecret != usable {
            self.certificates.defaultSecret = usable
            self.changes.certificates = true
        }
    }

    /// The rules and certificates of the hosts that are touched.
    mutating func planHosts() {
        guard !self.changedHosts.isEmpty else { return }
        var changesCertificates = false
        // In an order that all replicas have: who comes first is counted by itself.
        for name in self.changedHosts.sorted() {
            let former = self.hosts[name]
            let claims = (former?.claims.elements ?? []).compactMap { self.rules[$0.name] }
            let certificate = CertificateSearch(name, claims, self.facts)
            let authentication = ClientAuthenticationSearch(
                name, claims.filter { $0.paths[name] != nil || name.isEmpty }, self.facts)
            self.problems.set(certificate.problems + authentication.problems, of: .certificate(name))
            if certificate.choice != former?.certificate ?? .undeclared
                || authentication.policy != former?.clientAuthentication
            {
                changesCertificates = true
            }
            let context = HostMerge.Context(
                options: self.options, hasTLS: certificate.choice != .undeclared,
                clientAuthentication: authentication.policy, index: { [backends] in backends.index(of: $0) })
            let routes = self.compile(
                name, claims.filter { $0.paths[name] != nil }, context, replacing: former?.routes)
            if name.isEmpty { self.compileCatchAll(claims.filter(\.ownsCatchAll), context) }
            self.hosts.finish(name, routes, certificate.choice, authentication.policy)
        }
        self.changedHosts = []
        let changesNames = self.hosts.finishNames()
        var used: Set<ClientAuthentication> = []
        for host in self.hosts.hosts.values { if let policy = host.clientAuthentication { used.insert(policy) } }
        let changesNumbers = self.authentications.keep(used)
        self.assemble()
        if changesCertificates || changesNumbers || changesNames { self.assembleCertificates() }
    }

    private mutating func compile(
        _ name: String, _ claims: [IngressRules], _ context: HostMerge.Context, replacing former: HostRoutes?
    ) -> HostRoutes? {
        guard !claims.isEmpty else {
            self.problems.set([], of: .host(name))
            _ = self.meters.exchange(former?.routes ?? [], for: [])
            return nil
        }
        let merge = HostMerge(name, claims, context)
        self.problems.set(merge.problems, of: .host(name))
        return self.compile(merge, replacing: former)
    }

    private mutating func compile(_ merge: HostMerge, replacing former: HostRoutes?) -> HostRoutes {
        let meters = self.meters.exchange(former?.routes ?? [], for: merge.routes.map(\.route))
        return HostRoutes(merge, seed: self.seed, meters: meters)
    }

    /// The default for all hosts: the oldest Ingress's that has one (D3), or the command line's (D5).
    private mutating func compileCatchAll(_ claims: [IngressRules], _ context: HostMerge.Context) {
        let holder = claims.first
        let backend = holder?.defaultBackend ?? self.options.defaultBackend
        let former = self.hosts.catchAll
        if let backend {
            self.hosts.catchAll = self.compile(HostMerge(catchAll: backend, of: holder, context), replacing: former)
        } else {
            _ = self.meters.exchange(former?.routes ?? [], for: [])
            self.hosts.catchAll = nil
        }
        let problems = claims.dropFirst().map { loser in
            IngressProblem(
                ingress: loser.name, .warning, .defaultBackendConflict,
                "the default backend for all hosts is that of the older Ingress \(holder?.name.description ?? "")")
        }
        self.problems.set(problems, of: .catchAll)
    }

    private mutating func assemble() {
        self.routes = RouteTable(
            revision: self.routes.revision + 1,
            named: self.hosts.names.elements.compactMap { self.hosts[$0]?.routes },
            hostless: self.hosts[""]?.routes,
            catchAll: self.hosts.catchAll,
            seed: self.seed,
            number: { [authentications] in authentications.number(of: $0) })
        self.changes.routes = true
    }

    private mutating func assembleCertificates() {
        var plan = CertificatePlan(
            defaultSecret: self.certificates.defaultSecret,
            clientAuthentications: Dictionary(
                self.authentications.numbers.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first }))
        func entry(_ name: String, _ host: HostRegistry.Host, secret: ObjectName?) -> HostCertificate {
            HostCertificate(
                secret: secret,
                clientAuthentication: host.clientAuthentication.map { self.authentications.number(of: $0) } ?? -1)
        }
        var undeclared: [(String, HostRegistry.Host)] = []
        for (name, host) in self.hosts.hosts {
            if host.certificate == .undeclared {
                undeclared.append((name, host))
            } else {
                plan.hosts[name] = entry(name, host, secret: host.certificate.secret)
            }
        }
        // A host without a certificate of its own has that of a wildcard; who it asks for theirs is its own matter.
        for (name, host) in undeclared where HostName.isWildcard(name) || name.isEmpty {
            let standard = entry(name, host, secret: nil)
            if standard.clientAuthentication >= 0 { plan.hosts[name] = standard }
        }
        for (name, host) in undeclared where !HostName.isWildcard(name) && !name.isEmpty && host.routes != nil {
            let general = plan.certificate(for: name)
            let own = entry(name, host, secret: general.secret)
            if own != general { plan.hosts[name] = own }
        }
        if plan != self.certificates {
            self.certificates = plan
            self.changes.certificates = true
        }
    }
}
