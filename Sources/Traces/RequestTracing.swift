internal import KubernetesAPI
package import Routing
package import ServiceModel

/// Follows requests through what Ingresses ask for, in the order in which the proxy decides.
package struct RequestTracing {
    /// What active health checks found wrong with an endpoint of a backend, by its index in the plan; nil: nothing.
    package typealias Health = (Int, BackendID, Backend) -> String?

    let planner: IngressPlanner
    let health: Health
    /// Unix seconds, for certificates.
    private let now: Int64

    /// - Parameter planner: after its `plan()`.
    package init(_ planner: IngressPlanner, now: Int64, health: @escaping Health = { _, _, _ in nil }) {
        self.planner = planner
        self.now = now
        self.health = health
    }

    package func trace(_ request: TracedRequest) -> RequestTrace {
        var trace = RequestTrace()
        let (host, path): (String, String)
        switch request.reading {
        case .accepted(let name, let normal): (host, path) = (name, normal)
        case .refused(let status, let reason):
            trace.say(.request, "it is refused before any route is looked at: \(reason)")
            trace.answer(status, reason)
            return trace
        }
        let sent = request.target.prefix { $0 != "?" }
        if path != sent { trace.say(.request, "its path \(sent) is \(path) once it is normalised") }
        let explanation = self.planner.explain(host: host, path: path)
        if request.isSecure { self.explainCertificate(host, explanation, &trace) }
        self.explainHost(host, explanation, &trace)
        self.explainPath(path, explanation, &trace)
        for problem in explanation.problems { trace.say(.problem, "\(problem)") }
        self.decide(request, host, path, explanation, &trace)
        return trace
    }

    // MARK: - The certificate

    private func explainCertificate(_ host: String, _ explanation: RouteExplanation, _ trace: inout RequestTrace) {
        let certificate = explanation.certificate
        let name = certificate.secret.map { "Secret \($0)" } ?? "the generated certificate"
        var text: String
        if !certificate.isDefault {
            text = "\(name) is shown, declared for \(certificate.declaredFor)"
        } else if certificate.declaredFor.isEmpty {
            text = "no Ingress declares TLS for \(Self.quoted(host)): \(name) is shown, the default"
        } else {
            text =
                "TLS is declared for \(certificate.declaredFor) without a certificate that can be had: \(name) is shown, the default"
        }
        if let facts = certificate.facts {
            if !host.isEmpty, !facts.covers(host) {
                let names = facts.names.isEmpty ? "nobody" : facts.names.joined(separator: ", ")
                text += "; clients will not accept it: it is for \(names)"
            }
            if facts.notAfter < self.now { text += "; clients will not accept it: it has expired" }
        } else {
            text += "; clients will not accept it"
        }
        trace.say(.certificate, text)
    }

    // MARK: - Host and path

    private func explainHost(_ host: String, _ explanation: RouteExplanation, _ trace: inout RequestTrace) {
        let claims = explanation.claims.map { "\($0)" }.joined(separator: ", ")
        if explanation.ruleHost.isEmpty {
            let rest =
                !explanation.routes.isEmpty
                ? "the rules for all hosts count, of \(claims)"
                : explanation.route == nil ? "there is no default backend either" : "the default backend counts"
            trace.say(.host, "no Ingress that is served has rules for \(Self.quoted(host)): \(rest)")
        } else if explanation.ruleHost == host {
            trace.say(.host, "\(host) is named by Ingress \(claims)")
        } else {
            trace.say(.host, "\(host) is named by nobody, and \(explanation.ruleHost) by Ingress \(claims)")
        }
        for bystander in explanation.bystanders {
            trace.say(.host, "Ingress \(bystander.ingress) names it and is not served: \(bystander.reason)")
        }
    }

    /// So many rules are told where none matches.
    private static let toldRules = 10

    private func explainPath(_ path: String, _ explanation: RouteExplanation, _ trace: inout RequestTrace) {
        if let route = explanation.route {
            trace.ingress = route.ingress.map { "\($0)" }
            trace.backend = route.backend.map { "\($0)" }
            let owner = route.ingress.map { "Ingress \($0)" } ?? "the command line (--default-backend-service)"
            trace.say(
                .path,
                route.isDefault
                    ? "no rule is for \(path): the default backend of \(owner) gets it"
                    : "\(route.pathType.rawValue) \(route.path) of \(owner) is the longest rule for \(path)")
            return
        }
        let rules = explanation.routes.map { "\($0.pathType.rawValue) \($0.path)" }
        guard !rules.isEmpty else { return }
        let more = rules.count > Self.toldRules ? " and \(rules.count - Self.toldRules) more" : ""
        trace.say(
            .path,
            "no rule is for \(path), and there is no default backend: the host has "
                + rules.prefix(Self.toldRules).joined(separator: ", ") + more)
    }

    // MARK: - What is done

    private func decide(
        _ request: TracedRequest, _ host: String, _ path: String, _ explanation: RouteExplanation,
        _ trace: inout RequestTrace
    ) {
        guard explanation.route != nil, let settings = explanation.settings, let target = explanation.target else {
            return trace.answer(404, "no rule and no default backend is for it (no-route)")
        }
        if settings.clientAuthentication >= 0, target.refusal != .noClientAuthority {
            guard request.isSecure else {
                return trace.answer(
                    421, "client certificates are asked for: only a TLS connection to this host will do (misdirected)")
            }
            trace.say(
                .client,
                settings.demandsClientCertificate
                    ? "a client certificate is demanded: without one that can be verified there is no connection, or 400 (no-client-certificate)"
                    : "a client certificate is asked for, and verified if there is one")
        }
        let isChallenge = ACMEChallenge.matches(Array(path.utf8).span)
        if settings.redirectsToHTTPS, !request.isSecure, !isChallenge {
            return trace.answer(308, "to the same address by HTTPS (ssl-redirect)")
        }
        switch target.refusal {
        case .none: break
        case .resourceBackend:
            return trace.answer(404, "the rule's backend is no Service, which is not supported (no-route)")
        case .noClientAuthority:
            return trace.answer(503, "nobody's client certificate can be verified (no-client-authority)")
        }
        guard let backend = explanation.backend else {
            return trace.answer(503, "there is no such Service (service-missing)")
        }
        self.explainBackend(backend, at: Int(target.backend), settings, &trace)
    }

    static func quoted(_ host: String) -> String { host.isEmpty ? "requests without a host" : host }
}
