internal import ArgumentParser
internal import KubernetesAPI
internal import Networking
internal import Observability
internal import Reactor

/// Options of the ingress role; names as ingress-nginx's where it has them.
struct IngressOptions: ParsableArguments {
    static let defaultHTTPPort: UInt16 = 80
    static let defaultHTTPSPort: UInt16 = 443
    static let defaultHealthzPort: UInt16 = 10254

    @Option(
        name: .customLong("http-port"), help: ArgumentHelp("Where HTTP is served; 0 for nowhere.", valueName: "port"))
    var httpPort = Self.defaultHTTPPort

    @Option(
        name: .customLong("https-port"), help: ArgumentHelp("Where HTTPS is served; 0 for nowhere.", valueName: "port"))
    var httpsPort = Self.defaultHTTPSPort

    @Option(
        name: .customLong("healthz-port"),
        help: ArgumentHelp(
            "Where /healthz and /livez of the ingress role answer, at all addresses; 0 for nowhere.", valueName: "port"
        ))
    var healthzPort = Self.defaultHealthzPort

    @Option(
        name: .customLong("tls-secrets-only"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Read no Secrets but those of type kubernetes.io/tls. Authorities for clients and endpoints have to be in \
            such a one then. Default: false.
            """, valueName: "bool"))
    var tlsSecretsOnly: String?

    @Option(
        name: .customLong("use-port-in-redirects"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Name --https-port in these redirects, if it is another one than 443: not if something in front of this has the \
            well known port. Default: false with an API server, true with manifests.
            """, valueName: "bool"))
    var usePortInRedirects: String?

    @Option(
        help: ArgumentHelp(
            "Threads that serve requests. Default: as many as there are processors for this process.",
            valueName: "count"))
    var workers: Int?

    @Option(
        name: .customLong("trusted-proxies"),
        help: ArgumentHelp(
            "Peers whose X-Forwarded-* and Forwarded headers are believed. Default: nobody.", valueName: "cidr,cidr"))
    var trustedProxies: [String] = []

    @Option(
        name: .customLong("forwarded-header"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            "Tell backends of the client in Forwarded (RFC 7239) as well as in X-Forwarded-*. Default: false.",
            valueName: "bool"))
    var forwardedHeader: String?

    @Option(
        name: .customLong("proxy-protocol-trusted"),
        help: ArgumentHelp(
            "Peers that begin each connection with a PROXY protocol header, version 1 or 2. Default: nobody.",
            valueName: "cidr,cidr"))
    var proxyProtocolTrusted: [String] = []

    @Option(
        name: .customLong("allow-external-names"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            "Serve Services of type ExternalName. Not in this version: true is refused.", valueName: "bool"))
    var allowExternalNames: String?

    @Option(
        name: .customLong("shutdown-grace-period"),
        help: ArgumentHelp(
            """
            After SIGTERM, how long requests are still taken while /healthz says no, so that load balancers notice first. \
            Default: 5s with an API server, 0 with manifests.
            """, valueName: "time"))
    var shutdownGracePeriod: String?
}

/// Which node this is. Apart from the others, as the node role has the flag too.
struct IngressNodeOptions: ParsableArguments {
    @Option(
        name: .customLong("hostname-override"),
        help: ArgumentHelp(
            """
            This node's name as EndpointSlices spell it: endpoints of its zone go first. Default: NODE_NAME of the \
            environment, and without it none.
            """, valueName: "name"))
    var hostnameOverride: String?
}

/// Where the ingress role listens. Apart from the others, as `--bind-address` has another meaning for the node role.
struct ListenOptions: ParsableArguments {
    @Option(
        name: .customLong("bind-address"),
        help: ArgumentHelp(
            "Addresses at which HTTP and HTTPS are served. Default: 0.0.0.0, and :: where there is IPv6.",
            valueName: "address,address"))
    var bindAddresses: [String] = []

    func addresses(families: [AddressFamily]) throws(CommandFailure) -> [IPAddress] {
        guard !self.bindAddresses.isEmpty else {
            return families.sorted().map { $0 == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0) }
        }
        var addresses: [IPAddress] = []
        for text in FlagValue.list(self.bindAddresses) {
            guard let address = IPAddress(text) else {
                throw .usage("--bind-address: '\(text)' is not an address such as 192.0.2.1 or 2001:db8::1")
            }
            if addresses.contains(address) { throw .usage("--bind-address: \(address) is there twice") }
            addresses.append(address)
        }
        return addresses
    }
}

/// Where it is written which requests there were.
struct AccessLogOptions: ParsableArguments {
    @Option(
        name: .customLong("access-log"),
        help: ArgumentHelp(
            """
            The file that lines of the access log are appended to; - for standard output. One that is renamed or removed \
            is made anew within a second.
            """, valueName: "file"))
    var file = "-"

    @Option(
        name: .customLong("access-log-format"), help: ArgumentHelp("How they are written.", valueName: "text|json"))
    var format = "text"

    @Option(
        name: .customLong("enable-access-log"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Log the requests of all Ingresses that do not say otherwise (fairlead.dev/enable-access-log). Default: false.
            """, valueName: "bool"))
    var isEnabled: String?

    var target: AccessLogWriter.Target { self.file == "-" ? .standardOutput : .file(self.file) }

    func validFormat() throws(CommandFailure) -> AccessLogFormat {
        guard let format = AccessLogFormat(rawValue: self.format) else {
            throw .usage("--access-log-format: must be text or json, not '\(self.format)'")
        }
        guard !self.file.isEmpty else { throw .usage("--access-log: must be a file, or - for standard output") }
        return format
    }
}
