internal import Admin
internal import ArgumentParser
internal import ClusterState
internal import HostCheck
internal import KernelDataplane
internal import KubernetesAPI
internal import KubernetesClient
internal import Linux
internal import Logging
internal import Networking

/// `fairlead check`: whether this host is fit.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether this host is fit for Fairlead, and how to mend what is not.",
        discussion: """
            Looks at privileges, kernel features (a table is made and deleted in one transaction, and never in force), kernel settings, \
            connection tracking, other proxies, filters of others, ports, limits and manifests. Changes nothing. Exits with 1 when \
            there is a failure, or with --strict a warning.
            """
    )

    enum Role: String, ExpressibleByArgument, CaseIterable {
        case node
        case ingress
        case run

        var roles: HostFacts.Roles {
            switch self {
            case .node: .node
            case .ingress: .ingress
            case .run: [.node, .ingress]
            }
        }
    }

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Option(help: ArgumentHelp("What Fairlead is to be here: the command that is to be started.", valueName: "role"))
    var role = Role.run

    @Option(
        name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("How it is shown.", valueName: "format"))
    var format = Format.text

    @Flag(help: "Exit with 1 for warnings as well.")
    var strict = false

    @Flag(name: .shortAndLong, help: "Show warnings and failures only.")
    var quiet = false

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "Source: cluster") var cluster: ClusterOptions
    @OptionGroup(title: "Serving") var serving: CheckedPorts

    func run() async throws {
        var inspection = HostInspection(roles: self.role.roles, lock: Privileges.nodeLockName)
        inspection.ports = try self.serving.ports(self.role)
        var facts = inspection.facts()
        if self.source.manifests != nil { facts.manifests = try self.manifests() }
        facts.apiServer = try await self.apiServer()
        let report = FindingReport(facts.findings)
        print(self.format == .json ? report.json : report.text(isQuiet: self.quiet), terminator: "")
        if report.worst == .failure || self.strict && report.worst == .warning { throw ExitCode(1) }
    }

    /// nil without one: with manifests, or with nothing that names it.
    private func apiServer() async throws -> HostFacts.APIServer? {
        let masters = try self.cluster.masters()
        guard self.source.manifests == nil, self.cluster.kubeconfig != nil || !masters.isEmpty || ObjectSource.isInPod
        else {
            return nil
        }
        let configuration: ClientConfiguration
        do {
            configuration = try ObjectSource.apiServer(kubeconfig: self.cluster.kubeconfig, masters: masters)
                .clientConfiguration()
        } catch {
            return .failed(reason: "\(error)")
        }
        let logger = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
        return await CheckedAccess.look(
            configuration, CheckedAccess.needs(self.role.roles, node: HostSystem.name), logger)
    }

    private func manifests() throws -> HostFacts.Manifests {
        let directory = try self.source.directory()
        let limits = try self.source.limits()
        let kinds = self.role == .node ? ObjectKind.ofNode : Set(ObjectKind.allCases)
        do throws(ManifestSourceError) {
            let listing = try ManifestListing.read(directory: directory, kinds: kinds, limits: limits)
            let errors = listing.problems.filter { $0.severity == .error }
            let warnings = listing.problems.filter { $0.severity != .error }
            return HostFacts.Manifests(
                directory: directory, objects: listing.objects.count, errors: errors.map { "\($0)" },
                warnings: warnings.map { "\($0)" })
        } catch {
            return HostFacts.Manifests(directory: directory, objects: 0, errors: ["\(error)"], warnings: [])
        }
    }
}

/// Where the roles would listen.
struct CheckedPorts: ParsableArguments {
    @Option(
        name: .customLong("healthz-bind-address"),
        help: ArgumentHelp("As for `fairlead node`.", valueName: "address:port"))
    var healthz = Serving().healthzBindAddress

    @Option(
        name: .customLong("metrics-bind-address"),
        help: ArgumentHelp("As for `fairlead node`.", valueName: "address:port"))
    var metrics: String?

    @Option(name: .customLong("http-port"), help: ArgumentHelp("As for `fairlead ingress`.", valueName: "port"))
    var httpPort = IngressOptions.defaultHTTPPort

    @Option(name: .customLong("https-port"), help: ArgumentHelp("As for `fairlead ingress`.", valueName: "port"))
    var httpsPort = IngressOptions.defaultHTTPSPort

    @Option(name: .customLong("healthz-port"), help: ArgumentHelp("As for `fairlead ingress`.", valueName: "port"))
    var ingressHealthz = IngressOptions.defaultHealthzPort

    @OptionGroup var listen: ListenOptions

    func ports(_ role: Check.Role) throws(CommandFailure) -> [HostFacts.Port] {
        var ports: [HostFacts.Port] = []
        func add(_ purpose: String, _ text: String, _ defaultPort: UInt16, _ option: String) throws(CommandFailure) {
            guard !text.isEmpty else { return }
            guard let address = BindAddress(text, defaultPort: defaultPort) else {
                throw .usage("\(option): '\(text)' is not an address, with or without a port")
            }
            guard address.port != 0 else { return }
            ports.append(
                HostFacts.Port(purpose: purpose, address: address.address, number: address.port, option: option))
        }
        if role != .ingress {
            try add("health pages", self.healthz, Serving.healthzPort, "--healthz-bind-address")
        }
        let port = role == .ingress ? Serving.ingressMetricsPort : Serving.metricsPort
        try add("metrics", self.metrics ?? "127.0.0.1:\(port)", port, "--metrics-bind-address")
        guard role != .node else { return ports }
        for address in BindAddress.everywhere
        where self.ingressHealthz != 0 && HostAddresses.families.contains(address.family) {
            ports.append(
                HostFacts.Port(
                    purpose: "health pages of the ingress role", address: address, number: self.ingressHealthz,
                    option: "--healthz-port"))
        }
        for address in try self.listen.addresses(families: HostAddresses.families) {
            for (purpose, number, option) in [
                ("HTTP", self.httpPort, "--http-port"), ("HTTPS", self.httpsPort, "--https-port"),
            ]
            where number != 0 {
                ports.append(HostFacts.Port(purpose: purpose, address: address, number: number, option: option))
            }
        }
        return ports
    }
}
