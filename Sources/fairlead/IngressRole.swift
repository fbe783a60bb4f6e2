internal import ArgumentParser
internal import HTTPProxy
internal import IngressControl
internal import KubernetesAPI
internal import KubernetesClient
internal import Linux
internal import Networking
internal import Reactor
internal import Routing
internal import TLS

/// The ingress role: its options, and what they come to.
struct IngressRole: ParsableArguments {
    @OptionGroup(title: "Ingress") var ingress: IngressOptions
    @OptionGroup(title: "Ingress: rules") var rules: IngressRuleOptions
    @OptionGroup(title: "Ingress: listening") var listen: ListenOptions
    @OptionGroup(title: "Ingress: status") var status: StatusOptions
    @OptionGroup(title: "Ingress: access log") var accessLog: AccessLogOptions
    @OptionGroup(title: "Ingress: limits") var limits: ProxyLimitOptions

    /// All of it, checked. Nothing is opened yet.
    func settings(_ source: ObjectSource, nodeName: String) throws(CommandFailure) -> IngressSettings {
        let options = self.ingress
        if try FlagValue.isTrue("allow-external-names", options.allowExternalNames, default: false) {
            throw .usage(
                "--allow-external-names: this version does not look up names; Services of type ExternalName are "
                    + "answered with 503")
        }
        var settings = IngressSettings()
        settings.proxy = try self.proxyConfiguration()
        settings.planner = try self.plannerOptions(settings.proxy.limits, source)
        settings.source = try self.status.source()
        settings.writesStatus = try FlagValue.isTrue("update-status", self.status.updateStatus, default: true)
        settings.clearsStatus = try FlagValue.isTrue(
            "update-status-on-shutdown", self.status.updateStatusOnShutdown, default: true)
        settings.electionID = try self.status.validElectionID()
        settings.healthzPort = options.healthzPort
        settings.accessLog = self.accessLog.target
        settings.gracePeriod = try self.gracePeriod(source)
        settings.nodeName = nodeName
        settings.scope = IngressScope(
            namespace: settings.planner.watchNamespace,
            secrets: try self.secrets(isTLS: !settings.proxy.secureAddresses.isEmpty),
            publishService: settings.publishService, defaultBackend: settings.planner.defaultBackend?.service,
            defaultCertificate: settings.planner.defaultCertificate, nodeName: nodeName.isEmpty ? nil : nodeName)
        return settings
    }

    private func proxyConfiguration() throws(CommandFailure) -> HTTPProxyConfiguration {
        let options = self.ingress
        guard options.httpPort != 0 || options.httpsPort != 0 else {
            throw .usage("--http-port, --https-port: one of them has to be another one than 0")
        }
        guard options.httpPort != options.httpsPort else {
            throw .usage("--http-port, --https-port: both are \(options.httpPort)")
        }
        let addresses = try self.listen.addresses(families: HostAddresses.families)
        func at(_ port: UInt16) -> [SocketAddress] { port == 0 ? [] : addresses.map { SocketAddress($0, port) } }
        return HTTPProxyConfiguration(
            workers: try self.workers(), pinsWorkers: false, plainAddresses: at(options.httpPort),
            secureAddresses: at(options.httpsPort),
            proxyProtocolSources: try Self.blocks("proxy-protocol-trusted", options.proxyProtocolTrusted),
            trustedProxies: try Self.blocks("trusted-proxies", options.trustedProxies),
            addsForwarded: try FlagValue.isTrue("forwarded-header", options.forwardedHeader, default: false),
            limits: try self.limits.limits(), accessLogFormat: try self.accessLog.validFormat())
    }

    private static let maximumWorkers = 1024

    private func workers() throws(CommandFailure) -> Int {
        guard let workers = self.ingress.workers else { return max(1, Processors.usable.count) }
        guard (1...Self.maximumWorkers).contains(workers) else {
            throw .usage("--workers: must be from 1 to \(Self.maximumWorkers), not \(workers)")
        }
        return workers
    }

    private static func blocks(_ flag: String, _ values: [String]) throws(CommandFailure) -> [CIDR] {
        var blocks: [CIDR] = []
        for text in FlagValue.list(values) {
            guard let block = CIDR(text) ?? IPAddress(text).map({ CIDR(host: $0) }) else {
                let place = values.contains(text) ? "" : " of '\(values.joined(separator: ","))'"
                throw .usage("--\(flag): '\(text)'\(place) is not a block such as 10.0.0.0/8 or 2001:db8::/32")
            }
            blocks.append(block)
        }
        return blocks
    }

    private func plannerOptions(
        _ limits: ProxyLimits, _ source: ObjectSource
    ) throws(CommandFailure) -> IngressPlannerOptions {
        let options = self.ingress
        var planner = try self.rules.plannerOptions()
        // The API server does this itself when an Ingress is created.
        planner.appliesDefaultClass = !source.isCluster
        if try FlagValue.isTrue("use-port-in-redirects", options.usePortInRedirects, default: !source.isCluster),
            options.httpsPort != 0
        {
            planner.httpsPort = options.httpsPort
        }
        planner.settings.connectTimeout = UInt32(clamping: limits.connectTimeout)
        planner.settings.readTimeout = UInt32(clamping: limits.readTimeout)
        planner.settings.sendTimeout = UInt32(clamping: limits.sendTimeout)
        planner.settings.maximumTries = UInt32(clamping: limits.maximumTries)
        planner.settings.maximumBodySize = UInt64(clamping: limits.requestBodySize)
        planner.settings.writesAccessLog = try FlagValue.isTrue(
            "enable-access-log", self.accessLog.isEnabled, default: false)
        return planner
    }

    private func secrets(isTLS: Bool) throws(CommandFailure) -> IngressScope.Secrets {
        let isNarrow = try FlagValue.isTrue("tls-secrets-only", self.ingress.tlsSecretsOnly, default: false)
        guard isTLS else { return .none }
        return isNarrow ? .certificates : .certificatesAndAuthorities
    }

    private static let defaultGracePeriod = Duration.seconds(5)
    private static let longestGracePeriod = 3_600_000

    private func gracePeriod(_ source: ObjectSource) throws(CommandFailure) -> Duration {
        guard let text = self.ingress.shutdownGracePeriod else {
            return source.isCluster ? Self.defaultGracePeriod : .zero
        }
        guard let milliseconds = ProxyLimit.Unit.time.value(text), milliseconds <= Self.longestGracePeriod else {
            throw .usage("--shutdown-grace-period: must be a time up to 1h such as 5s, not '\(text)'")
        }
        return .milliseconds(milliseconds)
    }
}
