internal import Admin
internal import ArgumentParser
internal import KernelDataplane
internal import KubernetesAPI
internal import Observability

/// Where this process can be asked how it is; names and defaults as kube-proxy's.
struct ServingOptions: ParsableArguments {
    private static let defaults = Serving()

    @Option(
        name: .customLong("healthz-bind-address"),
        help: ArgumentHelp(
            """
            Where /healthz and /livez answer: an address, with its port or with \(Serving.healthzPort). Empty: nowhere. \
            Default: \(Self.defaults.healthzBindAddress).
            """, valueName: "address:port"))
    var healthzBindAddress: String?

    @Option(
        name: .customLong("metrics-bind-address"),
        help: ArgumentHelp(
            """
            Where /metrics, /proxyMode, /configz and /healthz answer: an address, with its port or with \
            \(Serving.metricsPort). Empty: nowhere. Default: \(Self.defaults.metricsBindAddress).
            """, valueName: "address:port"))
    var metricsBindAddress: String?

    @Option(
        name: .customLong("bind-address-hard-fail"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            "End with an error if one of these addresses cannot be listened on, instead of trying again.",
            valueName: "bool"))
    var bindAddressHardFail: String?

    var given: [GivenFlag] {
        GivenFlag.list([
            ("healthz-bind-address", self.healthzBindAddress), ("metrics-bind-address", self.metricsBindAddress),
            ("bind-address-hard-fail", self.bindAddressHardFail),
        ])
    }

    /// What the file and the flags say together.
    static func serving(_ start: NodeStart) -> Serving {
        var serving = Self.defaults
        serving.healthzBindAddress = start.configuration.healthzAddress
        serving.metricsBindAddress = start.configuration.metricsAddress
        serving.bindAddressHardFail = start.configuration.bindAddressHardFail
        return serving
    }
}

/// Where pages are served, whoever said so.
struct Serving {
    static let healthzPort: UInt16 = 10256
    static let metricsPort: UInt16 = 10249

    /// An address, with or without a port; empty for nowhere.
    var healthzBindAddress = "0.0.0.0:\(Self.healthzPort)"
    var metricsBindAddress = "127.0.0.1:\(Self.metricsPort)"
    var bindAddressHardFail = false

    /// The pages, as sites to serve.
    ///
    /// - Parameter configuration: what `/configz` answers, as JSON.
    func sites(health: HealthPages, registry: MetricRegistry, configuration: String) throws -> [Site] {
        let metrics: [String: Site.Page] = [
            "/metrics": { Answer(type: MetricRegistry.contentType, registry.text()) },
            "/proxyMode": { Answer.text("nftables") },
            "/healthz": { Answer.text("ok") },
            "/configz": { Answer.json(configuration) },
        ]
        return [
            try self.site("health", self.healthzBindAddress, "--healthz-bind-address", Self.healthzPort, health.pages),
            try self.site("metrics", self.metricsBindAddress, "--metrics-bind-address", Self.metricsPort, metrics),
        ].compactMap(\.self)
    }

    private func site(
        _ name: String,
        _ text: String,
        _ option: String,
        _ port: UInt16,
        _ pages: [String: Site.Page]
    ) throws -> Site? {
        guard !text.isEmpty else { return nil }
        guard let address = BindAddress(text, defaultPort: port) else {
            throw CommandFailure.usage(
                "\(option): '\(text)' is not an address such as 0.0.0.0, or with a port such as 127.0.0.1:\(port) "
                    + "or [::1]:\(port)")
        }
        return Site(name: name, address: address, isRequired: self.bindAddressHardFail, pages: pages)
    }
}
