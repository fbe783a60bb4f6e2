internal import KubernetesAPI

/// The rules of several Ingresses for one host, merged (X1 to X4), with what the losers are to be told.
struct HostMerge {
    struct Item {
        let route: Route
        var target: RouteTarget
        let settings: RouteSettings
        let path: RulePath
        let isExact: Bool
        let affinity: AffinityPolicy?
    }

    /// What a merge depends on besides the Ingresses.
    struct Context {
        let options: IngressPlannerOptions
        /// Whether TLS is declared for the host.
        let hasTLS: Bool
        /// Of ``clientAuthentication`` of this host, with what is known of its Secret.
        let clientAuthentication: ClientAuthentication?
        let index: (BackendID) -> Int32
    }

    let host: String
    let clientAuthentication: ClientAuthentication?
    private(set) var routes: [Item] = []
    /// Which of `routes` gets what no path is for.
    private(set) var fallback: Int?
    private(set) var problems: [IngressProblem] = []

    /// `claims` by seniority: the Ingresses with rules for the host.
    init(_ host: String, _ claims: [IngressRules], _ context: Context) {
        self.host = host
        self.clientAuthentication = context.clientAuthentication
        // Default backends of host-less rules are those for all hosts, and not merged here.
        if !host.isEmpty { self.addFallback(claims, context) }
        var holders: [PathKey: ObjectName] = [:]
        for claim in claims {
            for rule in claim.paths[host] ?? [] {
                let key = PathKey(text: rule.path.text, isExact: rule.isExact)
                if let holder = holders[key] {
                    self.report(rule, of: claim.name, lostTo: holder)
                } else {
                    holders[key] = claim.name
                    self.add(rule, of: claim, context)
                }
            }
        }
        self.reportShadows()
    }

    /// The default for all hosts: of an Ingress, or of the command line.
    init(catchAll backend: BackendID, of claim: IngressRules?, _ context: Context) {
        self.host = ""
        self.clientAuthentication = context.clientAuthentication
        self.routes = [Self.fallback(backend, host: "", of: claim, context)]
        self.fallback = 0
    }

    private struct PathKey: Hashable {
        let text: String
        let isExact: Bool
    }

    private mutating func add(_ rule: PathRule, of claim: IngressRules, _ context: Context) {
        let route = Route(
            ingress: claim.name, host: self.host, path: rule.path.text, pathType: rule.type, backend: rule.backend.id)
        var target = RouteTarget(backend: rule.backend.id.map(context.index) ?? -1)
        if rule.backend.id == nil {
            target =
                self.fallback.map { self.routes[$0].target }
                ?? RouteTarget(backend: -1, refusal: .resourceBackend, followsDefault: true)
        }
        self.routes.append(
            Item(
                route: route, target: Self.admitted(target, context), settings: Self.settings(claim, context),
                path: rule.path, isExact: rule.isExact, affinity: claim.annotations.affinity))
    }

    /// What an Ingress's default backend gets of a host that its rules name: the oldest's (D2, H5).
    private mutating func addFallback(_ claims: [IngressRules], _ context: Context) {
        var holder: ObjectName?
        for claim in claims {
            guard let backend = claim.defaultBackend else { continue }
            if let holder {
                self.problems.append(
                    IngressProblem(
                        ingress: claim.name, .warning, .defaultBackendConflict,
                        "what no path of host \(self.host) is for goes to the default backend of the older Ingress "
                            + "\(holder)"))
                continue
            }
            holder = claim.name
            self.routes.append(Self.fallback(backend, host: self.host, of: claim, context))
            self.fallback = 0
        }
    }

    private static func fallback(
        _ backend: BackendID, host: String, of claim: IngressRules?, _ context: Context
    ) -> Item {
        let route = Route(
            ingress: claim?.name, host: host, path: "/", pathType: .prefix, isDefault: true, backend: backend)
        let target = RouteTarget(backend: context.index(backend))
        return Item(
            route: route, target: Self.admitted(target, context),
            settings: claim.map { Self.settings($0, context) } ?? context.options.settings,
            path: .root, isExact: false, affinity: claim?.annotations.affinity)
    }

    /// Those of the Ingress that the route is of (X3), and what the host adds.
    private static func settings(_ claim: IngressRules, _ context: Context) -> RouteSettings {
        var settings = claim.annotations.settings
        let redirects = claim.annotations.redirects ?? context.options.redirectsToHTTPS
        settings.redirectsToHTTPS = claim.annotations.forcesRedirect || redirects && context.hasTLS
        settings.demandsClientCertificate = context.clientAuthentication?.mode == .required
        return settings
    }

    /// Nobody is let in whose certificate nobody can verify.
    private static func admitted(_ target: RouteTarget, _ context: Context) -> RouteTarget {
        guard let policy = context.clientAuthentication, !policy.isUsable else { return target }
        return RouteTarget(backend: -1, refusal: .noClientAuthority)
    }

    /// Of `/foo` and `/foo/` the longer text gets the requests of both (P4), whoever is older.
    private mutating func reportShadows() {
        var longer: [String: Item] = [:]
        for item in self.routes where !item.isExact && !item.route.isDefault && item.path.text != item.path.element {
            longer[item.path.element] = item
        }
        guard !longer.isEmpty else { return }
        for item in self.routes where !item.isExact && !item.route.isDefault {
            guard item.path.text == item.path.element, let winner = longer[item.path.text],
                let loser = item.route.ingress
            else { continue }
            let owner = winner.route.ingress == loser ? "" : " of Ingress \(winner.route.ingress?.description ?? "")"
            self.problems.append(
                IngressProblem(
                    ingress: loser, .warning, .pathConflict,
                    "Prefix path \(item.path.text)\(self.place) gives way to the longer \(winner.path.text)\(owner)"))
        }
    }

    private var place: String { self.host.isEmpty ? "" : " of host \(self.host)" }

    private mutating func report(_ rule: PathRule, of loser: ObjectName, lostTo holder: ObjectName) {
        let kind = rule.isExact ? "Exact" : "Prefix"
        if loser == holder {
            self.problems.append(
                IngressProblem(
                    ingress: loser, .warning, .duplicatePath,
                    "\(kind) path \(rule.path.text)\(self.place) is given twice: the first counts"))
        } else {
            self.problems.append(
                IngressProblem(
                    ingress: loser, .error, .pathConflict,
                    "\(kind) path \(rule.path.text)\(self.place) is held by the older Ingress \(holder)"))
        }
    }
}

extension RulePath {
    static let root = RulePath()
    private init() { self.text = "/" }
}
