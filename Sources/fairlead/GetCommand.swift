internal import AdminAPI
internal import ArgumentParser
internal import Linux

/// `fairlead get`: what a running Fairlead knows.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the Fairlead of this node knows.",
        discussion:
            "Asks the admin socket of a running `fairlead node`, `fairlead ingress` or `fairlead run`, and changes nothing.",
        subcommands: [
            GetServices.self, GetEndpoints.self, GetFrontends.self, GetRoutes.self, GetCertificates.self,
            GetProblems.self, GetNodes.self,
        ]
    )
}

/// `fairlead get services`.
struct GetServices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "services",
        abstract: "Show Services: where they answer, how many endpoints they have, who serves them, what is wrong.",
        discussion:
            "READY is of the port with the smallest part of its endpoints that is ready. -o wide says what a Service asks for in vain.",
        aliases: ["service", "svc"]
    )

    @Argument(help: ArgumentHelp("This Service only.", valueName: "service"))
    var service: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var labels: SelectorOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        var query = ObjectQuery(.services, namespace: self.scope.namespace, name: self.service)
        query.selector = try self.labels.parsed()
        try await self.display.show(ServiceList.self, query, of: "Services")
    }
}

/// `fairlead get endpoints`.
struct GetEndpoints: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoints",
        abstract: "Show endpoints: who serves them, how they are, how many connections they have.",
        discussion: """
            STATE is Ready, WarmingUp (slow start, with the part of its share that it has), Unhealthy (fails its active health \
            check), Draining or NotReady. CONNECTIONS are those of the userspace balancer; the kernel does not count its own.
            """,
        aliases: ["endpoint", "ep"]
    )

    @Argument(help: ArgumentHelp("Endpoints of this Service only.", valueName: "service"))
    var service: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var labels: SelectorOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        var query = ObjectQuery(.endpoints, namespace: self.scope.namespace, name: self.service)
        query.selector = try self.labels.parsed()
        try await self.display.show(EndpointList.self, query, of: "endpoints")
    }
}

/// `fairlead get frontends`.
struct GetFrontends: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frontends",
        abstract:
            "Show addresses and node ports that the kernel serves: whether it holds what is planned, who is connected.",
        discussion: """
            Reads the connections each time, and of the kernel's table what it shows; of all frontends all of it, if anybody has committed \
            anything since. KERNEL is exact, differs (elements are missing or others than \
            planned, or what all Services have in common is), or changing. CONNECTIONS are those that the kernel tracks and that are not \
            over; -o wide says how many bytes went over them, both ways, where net.netfilter.nf_conntrack_acct is 1. While nftables does not \
            serve there are none.
            """,
        aliases: ["frontend", "fe"]
    )

    @Argument(help: ArgumentHelp("Frontends of this Service only.", valueName: "service"))
    var service: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var labels: SelectorOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        var query = ObjectQuery(.frontends, namespace: self.scope.namespace, name: self.service)
        query.selector = try self.labels.parsed()
        try await self.display.show(FrontendList.self, query, of: "frontends in the kernel")
    }
}

/// `fairlead get nodes`.
struct GetNodes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "Show the node that is asked: who serves, how much, and what it is taken for.",
        discussion: "Fairlead knows its own node only; `kubectl get nodes` shows the others.",
        aliases: ["node"]
    )

    @OptionGroup var display: DisplayOptions

    func run() async throws {
        try await self.display.show(NodeItem.self, ObjectQuery(.nodes), of: "nodes", from: .node)
    }
}

/// `fairlead get routes`.
struct GetRoutes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "Show routes: which Ingress decides on a host and path, where it leads, and whether it can.",
        discussion:
            "-n is the namespace of the Ingress. STATE is `available`, or why requests are answered with an error.",
        aliases: ["route"]
    )

    @Argument(help: ArgumentHelp("Routes of this host only, as Ingresses name it.", valueName: "host"))
    var host: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var labels: SelectorOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        var query = ObjectQuery(.routes, namespace: self.scope.namespace, name: self.host)
        query.selector = try self.labels.parsed()
        try await self.display.show(RouteItem.self, query, of: "routes")
    }
}

/// `fairlead get certificates`.
struct GetCertificates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificates",
        abstract: "Show certificates: whom they are for, whom they are shown to, when they expire, what is wrong.",
        discussion:
            "STATE is valid, expiring, expired, missing (there is no such Secret) or invalid. HOSTS are those that it is shown for.",
        aliases: ["certificate", "cert", "certs"]
    )

    @Argument(help: ArgumentHelp("That of this Secret only.", valueName: "secret"))
    var secret: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        let query = ObjectQuery(.certificates, namespace: self.scope.namespace, name: self.secret)
        try await self.display.show(CertificateItem.self, query, of: "certificates")
    }
}

/// `fairlead get problems`.
struct GetProblems: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "problems",
        abstract: "Show what Ingresses ask for and do not get, and why.",
        aliases: ["problem"]
    )

    @Argument(help: ArgumentHelp("Of the object of this name only.", valueName: "object"))
    var object: String?

    @OptionGroup var scope: NamespaceOptions
    @OptionGroup var display: DisplayOptions

    func run() async throws {
        let query = ObjectQuery(.problems, namespace: self.scope.namespace, name: self.object)
        try await self.display.show(ProblemItem.self, query, of: "problems")
    }
}
