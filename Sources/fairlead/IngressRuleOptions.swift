internal import ArgumentParser
internal import KubernetesAPI
internal import Routing

/// Which Ingresses are served, and what holds where they say nothing.
struct IngressRuleOptions: ParsableArguments {
    @Option(
        name: .customLong("ingress-class"),
        help: ArgumentHelp(
            "What the annotation kubernetes.io/ingress.class of an Ingress of ours says that names no class in spec.",
            valueName: "name"))
    var ingressClass = "fairlead"

    @Option(
        name: .customLong("controller-class"),
        help: ArgumentHelp(
            "Ingresses are ours whose IngressClass has this as spec.controller.", valueName: "controller"))
    var controllerClass = "fairlead.dev/ingress-controller"

    @Option(
        name: .customLong("watch-ingress-without-class"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp("Ingresses that name no class are ours too. Default: false.", valueName: "bool"))
    var watchIngressWithoutClass: String?

    @Option(
        name: .customLong("watch-namespace"),
        help: ArgumentHelp(
            "Only Ingresses of this namespace, and what they refer to. Default: all namespaces.", valueName: "namespace"
        ))
    var watchNamespace: String?

    @Option(
        name: .customLong("default-backend-service"),
        help: ArgumentHelp(
            """
            Gets the requests that no rule and no default backend of an Ingress is for: a Service, and the number or name \
            of one of its ports, or else its first.
            """, valueName: "namespace/name[:port]"))
    var defaultBackendService: String?

    @Option(
        name: .customLong("default-ssl-certificate"),
        help: ArgumentHelp(
            "The Secret with the certificate for names that nobody has one for. Default: one that is generated.",
            valueName: "namespace/name"))
    var defaultSSLCertificate: String?

    @Option(
        name: .customLong("ssl-redirect"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Redirect plain requests for hosts with TLS, unless their Ingress says otherwise (fairlead.dev/ssl-redirect). \
            Default: false.
            """, valueName: "bool"))
    var sslRedirect: String?

    @Option(
        name: .customLong("max-route-metrics"),
        help: ArgumentHelp(
            "So many routes are counted by themselves, for metrics and `fairlead get routes`; all others together.",
            valueName: "count"))
    var maximumRouteMetrics = IngressPlannerOptions().meteredRoutes

    /// Checked, but for what depends on other options.
    func plannerOptions() throws(CommandFailure) -> IngressPlannerOptions {
        var planner = IngressPlannerOptions()
        guard !self.controllerClass.isEmpty else { throw .usage("--controller-class: must not be empty") }
        planner.controller = self.controllerClass
        planner.annotationClass = self.ingressClass
        planner.watchesWithoutClass = try FlagValue.isTrue(
            "watch-ingress-without-class", self.watchIngressWithoutClass, default: false)
        if let namespace = self.watchNamespace, !namespace.isEmpty {
            if let problem = NameRules.label(namespace) { throw .usage("--watch-namespace: \(problem)") }
            planner.watchNamespace = namespace
        }
        planner.defaultBackend = try Self.backend("default-backend-service", self.defaultBackendService)
        planner.defaultCertificate = try FlagValue.objectName("default-ssl-certificate", self.defaultSSLCertificate)
        guard (0...IngressPlannerOptions.mostMeteredRoutes).contains(self.maximumRouteMetrics) else {
            throw .usage("--max-route-metrics: must be 0 to \(IngressPlannerOptions.mostMeteredRoutes)")
        }
        planner.meteredRoutes = self.maximumRouteMetrics
        planner.redirectsToHTTPS = try FlagValue.isTrue("ssl-redirect", self.sslRedirect, default: false)
        return planner
    }

    /// `namespace/name`, with or without `:port`.
    private static func backend(_ flag: String, _ value: String?) throws(CommandFailure) -> BackendID? {
        guard let value, !value.isEmpty else { return nil }
        let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let service = try FlagValue.objectName(flag, parts[0]) else {
            throw .usage("--\(flag): must be namespace/name or namespace/name:port, not '\(value)'")
        }
        guard parts.count > 1 else { return BackendID(service: service, port: nil) }
        if let number = UInt16(parts[1]), number > 0 { return BackendID(service: service, port: .number(number)) }
        guard NameRules.label(parts[1]) == nil, Int(parts[1]) == nil else {
            throw .usage("--\(flag): '\(parts[1])' of '\(value)' is neither the number nor the name of a port")
        }
        return BackendID(service: service, port: .name(parts[1]))
    }
}
