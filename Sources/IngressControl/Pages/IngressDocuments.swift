package import HTTPProxy
package import HealthChecking
internal import KubernetesAPI
package import KubernetesClient
internal import Linux
internal import Networking
internal import Observability
internal import Reactor
package import Routing
internal import ServiceModel

/// What the admin pages say, as JSON. `apiVersion` changes when what is there means something else; members that are new
/// do not change it.
///
/// ```
/// {"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","generation":7,"items":[...]}
/// ```
package enum IngressDocuments {
    static let version = "admin.fairlead.dev/v1"

    /// - Parameters:
    ///   - state: nil before everything has been listed; the list is empty then, and of generation 0.
    ///   - counts: what their requests came to.
    ///   - isWanted: which of them.
    package static func routes(
        _ state: IngressState?, _ counts: RouteReport? = nil, where isWanted: (Routing.Route) -> Bool = { _ in true }
    ) -> String {
        self.list("RouteList", state) { json, state in
            let plan = state.plan
            for index in 0..<Int32(plan.routes.count) {
                let route = plan.routes.route(index)
                guard isWanted(route) else { continue }
                json.object { json in
                    self.describe(route, index, of: plan, &json)
                    if let count = counts?.routes[route] { self.describe(count, &json) }
                }
            }
        }
    }

    /// - Parameter health: what checks have found, by the plan's index.
    package static func backends(
        _ state: IngressState?, _ health: HealthSnapshot = HealthSnapshot(),
        where isWanted: (BackendID) -> Bool = { _ in true }
    ) -> String {
        self.list("BackendList", state) { json, state in
            let backends = zip(state.plan.backends.indices, state.plan.backends)
            for (index, backend) in backends.compactMap({ index, plan in plan.map { (index, $0) } })
                .filter({ isWanted($0.1.id) }).sorted(by: { $0.1.id < $1.1.id })
            {
                let found = health.backends[index].flatMap { $0.name == backend.id.description ? $0 : nil }
                json.object { json in self.describe(backend, found, &json) }
            }
        }
    }

    package static func certificates(
        _ state: IngressState?, where isWanted: (CertificateState) -> Bool = { _ in true }
    ) -> String {
        self.list("CertificateList", state) { json, state in
            for certificate in state.certificates where isWanted(certificate) {
                json.object { json in self.describe(certificate, &json) }
            }
        }
    }

    package static func problems(
        _ state: IngressState?, where isWanted: (IngressProblem) -> Bool = { _ in true }
    ) -> String {
        self.list("ProblemList", state) { json, state in
            for problem in state.plan.problems where isWanted(problem) {
                json.object { json in
                    json.member("object", "\(problem.object)")
                    json.member("severity", problem.severity.rawValue)
                    json.member("reason", problem.code.rawValue)
                    json.member("message", problem.message)
                }
            }
        }
    }

    /// - Parameters:
    ///   - addresses: where Ingresses are reached; nil while that is not known.
    ///   - leads: whether this replica writes statuses; nil where nobody does.
    package static func status(
        _ state: IngressState?, addresses: [PublishedAddress]?, leads: Bool?, isDraining: Bool
    ) -> String {
        self.document("IngressStatus", state) { json in
            json.member("ready", state != nil && !isDraining)
            json.member("draining", isDraining)
            json.member("publishedAt", state.map { IngressText.date($0.publishedAt.seconds) })
            if let state { json.member("lastChangeMicroseconds", Int64(state.latency / .microseconds(1))) }
            if let leads { json.member("leader", leads) }
            if let addresses { json.array("addresses", addresses.map(\.text)) }
            json.array("ingresses") { json in
                for ingress in state?.plan.ingresses ?? [] {
                    json.object { json in
                        json.member("name", "\(ingress.name)")
                        json.array("addresses", PublishedAddresses.list(ingress.addresses).map(\.text))
                    }
                }
            }
        }
    }

    // MARK: - Envelopes

    private static func document(
        _ kind: String, _ state: IngressState?, _ body: (inout JSONText) -> Void
    ) -> String {
        var json = JSONText()
        json.object { json in
            json.member("apiVersion", self.version)
            json.member("kind", kind)
            json.member("generation", state?.generation ?? 0)
            body(&json)
        }
        return json.text
    }

    private static func list(
        _ kind: String, _ state: IngressState?, _ items: (inout JSONText, IngressState) -> Void
    ) -> String {
        self.document(kind, state) { json in
            json.array("items") { json in if let state { items(&json, state) } }
        }
    }

    // MARK: - Items

    private static func describe(_ route: Routing.Route, _ index: Int32, of plan: IngressPlan, _ json: inout JSONText) {
        let target = plan.routes.target(of: index)
        let settings = plan.routes.settings(of: index)
        json.member("host", route.host)
        json.member("path", route.path)
        json.member("pathType", route.pathType.rawValue)
        json.member("ingress", route.ingress?.description)
        json.member("default", route.isDefault)
        json.member("backend", route.backend?.description)
        json.member("state", self.state(of: target, in: plan))
        json.member("sslRedirect", settings.redirectsToHTTPS)
        json.member("clientCertificate", settings.clientAuthentication >= 0)
        json.member("accessLog", settings.writesAccessLog)
    }

    /// Times are bounds: so many milliseconds, or less.
    private static func describe(_ count: RequestReport, _ json: inout JSONText) {
        json.member("requests", count.requests)
        json.member("serverErrors", count.answers[5])
        if let median = count.quantile(0.5) { json.member("p50Milliseconds", median) }
        if let slow = count.quantile(0.99) { json.member("p99Milliseconds", slow) }
    }

    /// What becomes of its requests, in the words of the answer's header.
    private static func state(of target: RouteTarget, in plan: IngressPlan) -> String {
        switch target.refusal {
        case .none: plan.backends[Int(target.backend)]?.availability.reason ?? "no-backend"
        case .resourceBackend: "resource-backend"
        case .noClientAuthority: "no-client-authority"
        }
    }

    private static func describe(_ backend: BackendPlan, _ health: BackendHealth?, _ json: inout JSONText) {
        json.member("backend", backend.id.description)
        json.member("state", backend.availability.reason)
        json.member("loadBalance", backend.settings.loadBalancing.rawValue)
        json.member("protocol", backend.protocol.name)
        json.member("appProtocol", backend.appProtocol)
        if let tls = backend.tls {
            json.member("verifiedName", tls.verification?.name)
            json.member("serverName", tls.serverName)
            json.member("tlsSecret", tls.secret?.description)
        }
        json.member("healthCheck", backend.settings.healthCheck?.question.name)
        json.array("endpoints") { json in
            for endpoint in backend.endpoints {
                json.object { json in
                    json.member("address", "\(endpoint.address)")
                    json.member("port", endpoint.port)
                    json.member("weight", endpoint.weight)
                    json.member("sameZone", endpoint.isSameZone)
                    if let found = health?.endpoints[SocketAddress(endpoint.address, endpoint.port)] {
                        json.member("health", found.standing.rawValue)
                        json.member("problem", found.failure?.description)
                    }
                }
            }
        }
    }

    private static func describe(_ certificate: CertificateState, _ json: inout JSONText) {
        json.member("secret", certificate.secret?.description)
        json.member("default", certificate.isDefault)
        json.member("state", certificate.standing.rawValue)
        json.member("problem", certificate.problem)
        json.array("hosts", certificate.hosts)
        guard certificate.notAfter != 0 else { return }
        json.array("names", certificate.names)
        json.member("subject", certificate.subject)
        json.member("issuer", certificate.issuer)
        json.member("serialNumber", certificate.serialNumber)
        json.member("sha256", certificate.fingerprint)
        json.member("key", certificate.key)
        json.member("notBefore", IngressText.date(certificate.notBefore))
        json.member("notAfter", IngressText.date(certificate.notAfter))
    }
}
