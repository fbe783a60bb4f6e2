internal import Admin
internal import ArgumentParser
internal import KernelDataplane
internal import KubernetesAPI
internal import Networking
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

/// Where the ingress role by itself can be asked how it is. `--healthz-port` is among its own options.
struct IngressServingOptions: ParsableArguments {
    @Option(
        name: .customLong("metrics-bind-address"),
        help: ArgumentHelp(
            """
            Where /metrics and /ingress/routes, backends, certificates, problems and status answer: an address, with its \
            port or with \(Serving.ingressMetricsPort). Empty: nowhere.
            """, valueName: "address:port"))
    var metricsBindAddress = "127.0.0.1:\(Serving.ingressMetricsPort)"

    @Option(
        name: .customLong("bind-address-hard-fail"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            "End with an error if this or the health port cannot be listened on, instead of trying again.",
            valueName: "bool"))
    var bindAddressHardFail: String?

    func serving() throws(CommandFailure) -> Serving {
        var serving = Serving()
        serving.isNode = false
        serving.metricsBindAddress = self.metricsBindAddress
        serving.bindAddressHardFail = try FlagValue.isTrue(
            "bind-address-hard-fail", self.bindAddressHardFail, default: false)
        return serving
    }
}

/// Where pages are served, whoever said so.
struct Serving {
    static let healthzPort: UInt16 = 10256
    static let metricsPort: UInt16 = 10249
    /// Of the ingress role by itself: beside that of the node role, which may be on the same host.
    static let ingressMetricsPort: UInt16 = 10253

    /// An address, with or without a port; empty for nowhere.
    var healthzBindAddress = "0.0.0.0:\(Self.healthzPort)"
    var metricsBindAddress = "127.0.0.1:\(Self.metricsPort)"
    var bindAddressHardFail = false

    /// Whether it serves `/proxyMode` and the health pages of a node.
    var isNode = true

    /// What there is to serve.
    struct Content {
        let registry: MetricRegistry
        /// Of the node role; nil without it.
        let node: HealthPages?
        /// What `/configz` answers, as JSON.
        let document: String?
        /// Of the ingress role; nil without it.
        let ingress: IngressHealth?
        /// 0 for nowhere.
        let ingressPort: UInt16
        let ingressPages: [String: Site.Page]
    }

    /// Whether the addresses are such.
    func validate() throws(CommandFailure) {
        if self.isNode {
            _ = try Self.address(self.healthzBindAddress, "--healthz-bind-address", Self.healthzPort)
        }
        _ = try Self.address(self.metricsBindAddress, "--metrics-bind-address", self.metricsPort)
    }

    /// The pages, as sites to serve.
    func sites(_ content: Content) throws(CommandFailure) -> [Site] {
        let registry = content.registry
        var metrics: [String: Site.Page] = [
            "/metrics": { Answer(type: MetricRegistry.contentType, registry.text()) },
            "/healthz": { Answer.text("ok") },
        ]
        if let document = content.document { metrics["/configz"] = { Answer.json(document) } }
        if let node = content.node { metrics["/proxyMode"] = { Answer.text(node.modeName) } }
        metrics.merge(content.ingressPages) { $1 }
        var sites: [Site?] = []
        if let node = content.node {
            let address = try Self.address(self.healthzBindAddress, "--healthz-bind-address", Self.healthzPort)
            sites.append(address.map { self.site("health", $0, node.pages) })
        }
        if let ingress = content.ingress, content.ingressPort != 0 {
            let address = BindAddress(IPAddress(ipv4: 0), content.ingressPort)
            sites.append(self.site("ingress health", address, ingress.pages))
        }
        let address = try Self.address(self.metricsBindAddress, "--metrics-bind-address", self.metricsPort)
        sites.append(address.map { self.site("metrics", $0, metrics) })
        return sites.compactMap(\.self)
    }

    private var metricsPort: UInt16 { self.isNode ? Self.metricsPort : Self.ingressMetricsPort }

    private func site(_ name: String, _ address: BindAddress, _ pages: [String: Site.Page]) -> Site {
        Site(name: name, address: address, isRequired: self.bindAddressHardFail, pages: pages)
    }

    /// nil for nowhere.
    private static func address(
        _ text: String, _ option: String, _ port: UInt16
    ) throws(CommandFailure) -> BindAddress? {
        guard !text.isEmpty else { return nil }
        guard let address = BindAddress(text, defaultPort: port) else {
            throw CommandFailure.usage(
                "\(option): '\(text)' is not an address such as 0.0.0.0, or with a port such as 127.0.0.1:\(port) "
                    + "or [::1]:\(port)")
        }
        return address
    }
}
