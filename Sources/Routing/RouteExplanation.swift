package import KubernetesAPI
internal import Networking
package import ServiceModel

/// What a planner knows about the requests for one host and path, for who asks why they go where they go. It is made on request, and looks
/// at all Ingresses.
package struct RouteExplanation: Sendable {
    /// An Ingress that names the host and is not served.
    package struct Bystander: Hashable, Sendable {
        package let ingress: ObjectName
        /// `its class "nginx" is of the controller k8s.io/ingress-nginx`
        package let reason: String
    }

    /// What a connection is shown whose SNI is the host.
    package struct Certificate: Hashable, Sendable {
        /// The name by which it is chosen: the host, a wildcard, or empty where neither is declared.
        package let declaredFor: String
        /// nil: a generated one.
        package let secret: ObjectName?
        package let isDefault: Bool
        /// nil for a generated one.
        package let facts: CertificateFacts?
    }

    /// Whose rules count: the host, a wildcard, or empty for the rules for all hosts.
    package let ruleHost: String
    /// Ingresses of ours that name it in rules or TLS, the oldest first.
    package let claims: [ObjectName]
    /// All routes of its rules.
    package let routes: [Route]
    package let bystanders: [Bystander]
    /// What matches; nil: nothing does.
    package let route: Route?
    package let target: RouteTarget?
    package let settings: RouteSettings?
    package let backend: BackendPlan?
    package let certificate: Certificate
    /// Of the Ingresses, the host, its certificate and the backend. Sorted.
    package let problems: [IngressProblem]
}

extension IngressPlanner {
    /// After ``plan()``.
    ///
    /// - Parameters:
    ///   - host: in lower case, without a port; empty for none.
    ///   - path: normalised, without a query.
    package func explain(host: String, path: String) -> RouteExplanation {
        let (hostBytes, pathBytes) = (Array(host.utf8), Array(path.utf8))
        let match = self.routes.match(host: hostBytes.span, path: pathBytes.span)
        let wildcard = HostName.wildcard(for: host)
        var ruleHost = ""
        if match.knowsHost { ruleHost = self.hosts[host]?.routes != nil ? host : wildcard ?? "" }
        let route = match.isRoute ? self.routes.route(match.route) : nil
        let bystanders = self.bystanders(naming: Set([host, wildcard].compactMap(\.self)))

        var sources: [ProblemLedger.Source] = [.host(ruleHost), .certificate(host), .certificate(ruleHost)]
        let claims = (self.hosts[ruleHost]?.claims.elements ?? []).map(\.name)
        sources += (claims + bystanders.map(\.ingress)).map { .ingress($0) }
        if ruleHost.isEmpty { sources.append(.catchAll) }
        if let backend = route?.backend { sources.append(.backend(backend)) }
        let target = match.isRoute ? self.routes.target(of: match.route) : nil
        return RouteExplanation(
            ruleHost: ruleHost, claims: claims, routes: self.hosts[ruleHost]?.routes?.routes ?? [],
            bystanders: bystanders, route: route, target: target,
            settings: match.isRoute ? self.routes.settings(of: match.route) : nil,
            backend: target.flatMap { $0.backend >= 0 ? self.backends.table[Int($0.backend)] : nil },
            certificate: self.certificate(for: host),
            problems: Set(sources.flatMap { self.problems.found(by: $0) }).sorted())
    }

    private func bystanders(naming names: Set<String>) -> [RouteExplanation.Bystander] {
        self.ingresses.values.lazy
            .filter { ingress in
                self.rules[ingress.metadata.name] == nil
                    && ingress.rules.contains { names.contains(HostName.lowercased($0.host)) }
            }
            .map { RouteExplanation.Bystander(ingress: $0.metadata.name, reason: self.classes.reason(against: $0)) }
            .sorted { $0.ingress < $1.ingress }
    }

    private func certificate(for host: String) -> RouteExplanation.Certificate {
        let wildcard = HostName.wildcard(for: host)
        let name = [host, wildcard].compactMap(\.self).first { self.certificates.hosts[$0] != nil }
        let own = self.certificates.certificate(for: host).secret
        let secret = own ?? self.certificates.defaultSecret
        return RouteExplanation.Certificate(
            declaredFor: name ?? "", secret: secret, isDefault: own == nil, facts: secret.flatMap { self.facts[$0] })
    }

    /// The endpoints of a backend in whatever condition, those that get no requests among them.
    package func listedEndpoints(of backend: BackendID) -> [ListedEndpoint] {
        guard let service = self.services[backend.service],
            let port = BackendResolution.port(backend.port, of: service)
        else { return [] }
        return EndpointListing.list(
            [port], of: self.slices[backend.service].map { Array($0.values) } ?? [], EndpointHistory())
    }
}

extension ClassSelection {
    /// Why an Ingress is not served.
    fileprivate func reason(against ingress: Ingress) -> String {
        if let namespace = self.options.watchNamespace, ingress.metadata.name.namespace != namespace {
            return "only namespace \(namespace) is served (--watch-namespace)"
        }
        switch self.verdict(ingress) {
        case .ours: return "it is about to be"
        case .noClass: return "it has no spec.ingressClassName, and nobody serves those (--watch-ingress-without-class)"
        case .classMissing(let name): return "there is no IngressClass \(Quoted.text(name))"
        case .others: break
        }
        if let name = ingress.ingressClassName ?? self.defaultName(for: ingress),
            let controller = self.controller(of: name)
        {
            return
                "its class \(Quoted.text(name)) is of the controller \(Quoted.text(controller)), and this is "
                + "\(Quoted.text(self.options.controller)) (--controller-class)"
        }
        let annotation = ingress.metadata.annotations[KnownKey.ingressClass] ?? ""
        return
            "its annotation \(KnownKey.ingressClass) says \(Quoted.text(annotation)), and this is "
            + "\(Quoted.text(self.options.annotationClass)) (--ingress-class)"
    }
}
