/// The hosts that Ingresses name, with who names them and what was made of that. The empty name is that of all
/// hosts that nobody names.
struct HostRegistry {
    struct Host {
        /// Who names it in rules or TLS, or has a default for all hosts.
        var claims = SortedList<Seniority>()
        /// nil if no rules are for it.
        var routes: HostRoutes?
        var certificate = CertificateChoice.undeclared
        var clientAuthentication: ClientAuthentication?
    }

    private(set) var hosts: [String: Host] = [:]
    /// Those that have routes, in order; without the empty name.
    private(set) var names = SortedList<String>()
    private var newNames: [String] = []
    private var oldNames: [String] = []
    /// The default for all hosts.
    var catchAll: HostRoutes?

    subscript(name: String) -> Host? { self.hosts[name] }

    /// An Ingress that named a host, names it, or both.
    mutating func update(_ name: String, former: IngressRules?, _ rules: IngressRules?) {
        var host = self.hosts.removeValue(forKey: name) ?? Host()
        if let former { host.claims.remove(former.seniority) }
        if let rules, rules.hosts.contains(name) { host.claims.insert(rules.seniority) }
        self.hosts[name] = host
    }

    /// What was made of a host; with nobody who names it, it is forgotten.
    mutating func finish(
        _ name: String, _ routes: HostRoutes?, _ certificate: CertificateChoice, _ authentication: ClientAuthentication?
    ) {
        let had = self.hosts[name]?.routes != nil
        if self.hosts[name]?.claims.isEmpty ?? true {
            self.hosts[name] = nil
        } else {
            self.hosts[name]?.routes = routes
            self.hosts[name]?.certificate = certificate
            self.hosts[name]?.clientAuthentication = authentication
        }
        guard had != (routes != nil), !name.isEmpty else { return }
        if routes != nil { self.newNames.append(name) } else { self.oldNames.append(name) }
    }

    /// Brings ``names`` up to date. Returns whether they are others.
    mutating func finishNames() -> Bool {
        guard !self.newNames.isEmpty || !self.oldNames.isEmpty else { return false }
        self.names.apply(adding: self.newNames, removing: self.oldNames)
        self.newNames = []
        self.oldNames = []
        return true
    }
}
