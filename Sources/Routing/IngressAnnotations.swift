internal import KubernetesAPI
internal import ServiceModel

/// What an Ingress asks for by annotations under `fairlead.dev/`, which have the names and units of ingress-nginx where
/// it has them too. A value that cannot be read counts as absent and is among the problems; of client certificates it
/// counts as a demand that nobody can meet, and of the verification of endpoints as one to verify them.
struct IngressAnnotations {
    /// What may follow the prefix.
    enum Key: String, CaseIterable {
        case sslRedirect = "ssl-redirect"
        case forceSSLRedirect = "force-ssl-redirect"
        case bodySize = "proxy-body-size"
        case connectTimeout = "proxy-connect-timeout"
        case readTimeout = "proxy-read-timeout"
        case sendTimeout = "proxy-send-timeout"
        case tries = "proxy-next-upstream-tries"
        case accessLog = "enable-access-log"
        case backendProtocol = "backend-protocol"
        case loadBalance = "load-balance"
        case maximumRequests = "maximum-requests-per-endpoint"
        case affinity
        case affinityHeader = "affinity-header"
        case cookieName = "session-cookie-name"
        case cookiePath = "session-cookie-path"
        case cookieDomain = "session-cookie-domain"
        case cookieMaximumAge = "session-cookie-max-age"
        case cookieSameSite = "session-cookie-samesite"
        case cookieSecure = "session-cookie-secure"
        case cookieChange = "session-cookie-change-on-failure"
        case clientAuthority = "auth-tls-secret"
        case clientVerification = "auth-tls-verify-client"
        case clientDepth = "auth-tls-verify-depth"
        case backendSecret = "proxy-ssl-secret"
        case backendVerification = "proxy-ssl-verify"
        case backendDepth = "proxy-ssl-verify-depth"
        case backendName = "proxy-ssl-name"
        case backendServerName = "proxy-ssl-server-name"

        var name: String { KnownKey.ownPrefix + self.rawValue }
    }

    /// Endpoints that one request may be tried with.
    static let tries = 1...9
    static let depths = 0...16

    private let values: [String: String]
    private(set) var settings: RouteSettings
    /// nil: what the options say.
    private(set) var redirects: Bool?
    private(set) var forcesRedirect = false
    private(set) var affinity: AffinityPolicy?
    private(set) var loadBalancing: LoadBalancing?
    private(set) var maximumRequests: UInt32?
    private(set) var sessionsMoveOnFailure: Bool?
    private(set) var clientAuthentication: ClientAuthentication?
    /// nil: what the Service says.
    private(set) var backendProtocol: BackendProtocol?
    private(set) var backendTLS: BackendTLSDemand?
    private(set) var healthCheck: HealthCheckPolicy?
    private(set) var problems: [(code: IngressProblem.Code, message: String)] = []

    init(_ metadata: ObjectMeta, defaults: RouteSettings) {
        self.values = metadata.annotations
        self.settings = defaults
        guard self.values.keys.contains(where: { $0.utf8.starts(with: KnownKey.ownPrefix.utf8) }) else { return }
        self.reportUnknown()
        self.readProxying()
        self.readBalancing()
        self.readAffinity()
        self.readClientAuthentication(namespace: metadata.name.namespace)
        self.readBackendTLS(namespace: metadata.name.namespace)
        let checks = HealthCheckAnnotations(self.values)
        self.healthCheck = checks.policy
        for problem in checks.problems {
            self.report(problem.isWithoutEffect ? .annotationWithoutEffect : .invalidAnnotation, problem.message)
        }
    }

    func has(_ key: Key) -> Bool { self.values[key.name] != nil }

    mutating func report(_ code: IngressProblem.Code, _ message: String) { self.problems.append((code, message)) }

    /// A value, if it is there and can be read. `expected` follows "must be".
    mutating func read<Value>(_ key: Key, _ expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = self.values[key.name] else { return nil }
        if let value = parse(text) { return value }
        self.problems.append((.invalidAnnotation, "\(key.name): must be \(expected), not \(Quoted.text(text))"))
        return nil
    }

    private mutating func reportUnknown() {
        for name in self.values.keys.sorted() where name.hasPrefix(KnownKey.ownPrefix) {
            let own = String(name.dropFirst(KnownKey.ownPrefix.count))
            if Key(rawValue: own) == nil, HealthCheckAnnotations.Key(rawValue: own) == nil {
                self.problems.append((.unknownAnnotation, "\(name): no annotation of an Ingress has this name"))
            }
        }
    }

    private mutating func readProxying() {
        self.redirects = self.read(.sslRedirect, Self.boolean, AnnotationValues.boolean)
        self.forcesRedirect = self.read(.forceSSLRedirect, Self.boolean, AnnotationValues.boolean) ?? false
        if let size = self.read(.bodySize, "a number of bytes as 8m or 512k, 0 for any", AnnotationValues.size) {
            self.settings.maximumBodySize = size
        }
        if let time = self.read(.connectTimeout, Self.time, AnnotationValues.timeout) {
            self.settings.connectTimeout = time
        }
        if let time = self.read(.readTimeout, Self.time, AnnotationValues.timeout) { self.settings.readTimeout = time }
        if let time = self.read(.sendTimeout, Self.time, AnnotationValues.timeout) { self.settings.sendTimeout = time }
        if let tries = self.read(.tries, "a number from 1 to 9", { AnnotationValues.number($0, in: Self.tries) }) {
            self.settings.maximumTries = UInt32(tries)
        }
        if let logs = self.read(.accessLog, Self.boolean, AnnotationValues.boolean) {
            self.settings.writesAccessLog = logs
        }
        self.backendProtocol = self.read(.backendProtocol, BackendProtocol.annotationValues) {
            BackendProtocol(annotation: $0)
        }
    }

    private mutating func readBalancing() {
        let algorithms = LoadBalancing.allCases.map(\.rawValue).joined(separator: ", ")
        self.loadBalancing = self.read(.loadBalance, "one of \(algorithms)") { LoadBalancing(rawValue: $0) }
        self.maximumRequests = self.read(.maximumRequests, "a number up to 1000000, 0 for any") {
            AnnotationValues.number($0, in: 0...1_000_000).map { UInt32($0) }
        }
        self.sessionsMoveOnFailure = self.read(.cookieChange, Self.boolean, AnnotationValues.boolean)
    }

    private mutating func readAffinity() {
        guard let kind = self.read(.affinity, "cookie or header", { ["cookie", "header"].contains($0) ? $0 : nil })
        else { return }
        guard kind == "cookie" else {
            if self.values[Key.affinityHeader.name] == nil {
                self.problems.append(
                    (.invalidAnnotation, "\(Key.affinity.name): header needs \(Key.affinityHeader.name)"))
            }
            let header = self.read(.affinityHeader, "the name of a header", AnnotationValues.token)
            self.affinity = header.map { .header(HostName.lowercased($0)) }
            return
        }
        var cookie = AffinityPolicy.CookiePolicy()
        if let name = self.read(.cookieName, "the name of a cookie", AnnotationValues.token) { cookie.name = name }
        cookie.path = self.read(.cookiePath, "a path") { text in
            text.utf8.first == UInt8(ascii: "/") ? AnnotationValues.cookieAttribute(text) : nil
        }
        cookie.domain = self.read(.cookieDomain, "a domain") { text in
            let name = HostName.lowercased(text)
            let bare = name.utf8.first == UInt8(ascii: ".") ? String(name.dropFirst()) : name
            return HostName.isWildcard(bare) || HostName.problem(bare) != nil ? nil : name
        }
        cookie.maximumAge = self.read(.cookieMaximumAge, "a number of seconds") {
            AnnotationValues.number($0, in: 0...Int(Int32.max))
        }
        cookie.sameSite = self.read(.cookieSameSite, "Strict, Lax or None") {
            AffinityPolicy.CookiePolicy.SameSite(rawValue: $0)
        }
        if let secure = self.read(.cookieSecure, Self.boolean, AnnotationValues.boolean) {
            cookie.security = secure ? .always : .never
        }
        self.affinity = .cookie(cookie)
    }

    private mutating func readClientAuthentication(namespace: String) {
        guard self.values[Key.clientAuthority.name] != nil else {
            if let mode = self.values[Key.clientVerification.name], mode != "off" {
                self.problems.append(
                    (
                        .invalidAnnotation,
                        "\(Key.clientVerification.name) has no effect without \(Key.clientAuthority.name)"
                    ))
            }
            return
        }
        let secret = self.readSecret(.clientAuthority, namespace: namespace)
        let mode = self.values[Key.clientVerification.name]
        guard mode != "off" else { return }
        var policy = ClientAuthentication(secret: secret)
        if let mode = self.read(.clientVerification, "on, optional or off", { ClientAuthentication.Mode(rawValue: $0) })
        {
            policy.mode = mode
        }
        if let depth = self.read(
            .clientDepth, "a number from 0 to 16", { AnnotationValues.number($0, in: Self.depths) })
        {
            policy.depth = depth
        }
        self.clientAuthentication = policy
    }

    private mutating func readBackendTLS(namespace: String) {
        let keys: [Key] = [.backendSecret, .backendVerification, .backendDepth, .backendName, .backendServerName]
        guard keys.contains(where: { self.values[$0.name] != nil }) else { return }
        var demand = BackendTLSDemand()
        if self.values[Key.backendSecret.name] != nil {
            demand.secret = self.readSecret(.backendSecret, namespace: namespace).map { .named($0) } ?? .unreadable
        }
        if self.values[Key.backendVerification.name] != nil {
            demand.verifies = self.readSwitch(.backendVerification) ?? true
        }
        if let depth = self.read(
            .backendDepth, "a number from 0 to 16", { AnnotationValues.number($0, in: Self.depths) })
        {
            demand.depth = depth
        }
        demand.name = self.read(.backendName, "a DNS name or an address", BackendTLSDemand.name)
        demand.sendsServerName = self.readSwitch(.backendServerName) ?? false
        self.backendTLS = demand
    }

    private mutating func readSecret(_ key: Key, namespace: String) -> ObjectName? {
        self.read(key, "a Secret of the Ingress's own namespace") { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
            guard let name = parts.last, !name.isEmpty, parts.count == 1 || parts.count == 2 && parts[0] == namespace
            else { return nil }
            return ObjectName(namespace: namespace, name: name)
        }
    }

    private mutating func readSwitch(_ key: Key) -> Bool? {
        self.read(key, "on or off") { ["on": true, "off": false][$0] }
    }

    private static let boolean = "true or false"
    private static let time = AnnotationValues.timeoutRule
}
