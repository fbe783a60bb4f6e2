internal import Admin
internal import ArgumentParser
internal import KernelDataplane
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

    @Flag(
        name: .customLong("bind-address-hard-fail"),
        help: "End with an error if one of these addresses cannot be listened on, instead of trying again.")
    var bindAddressHardFail = false

    var serving: Serving {
        var serving = Self.defaults
        if let address = self.healthzBindAddress { serving.healthzBindAddress = address }
        if let address = self.metricsBindAddress { serving.metricsBindAddress = address }
        serving.bindAddressHardFail = self.bindAddressHardFail
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

/// The configuration in use, as `/configz` shows it: fields as in `KubeProxyConfiguration`.
struct ConfigurationDocument {
    let node: NodeOptions
    let serving: Serving
    let nodeName: String

    var text: String {
        let addresses = self.node.nodePortAddresses.split(separator: ",").map { Self.quoted(String($0)) }
        let fields: [(String, String)] = [
            ("bindAddressHardFail", "\(self.serving.bindAddressHardFail)"),
            ("clusterCIDR", Self.quoted(self.node.clusterCIDR ?? "")),
            ("detectLocalMode", Self.quoted(self.node.detectLocalMode)),
            ("healthzBindAddress", Self.quoted(self.serving.healthzBindAddress)),
            ("hostnameOverride", Self.quoted(self.nodeName)),
            ("metricsBindAddress", Self.quoted(self.serving.metricsBindAddress)),
            ("mode", Self.quoted("nftables")),
            ("nftables", "{\"masqueradeAll\":\(self.node.masqueradeAll)}"),
            ("nodePortAddresses", "[\(addresses.joined(separator: ","))]"),
        ]
        let members = fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return "{\"kubeproxy.config.k8s.io\":{\(members)}}"
    }

    /// As RFC 8259 section 7 has it.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
