internal import ArgumentParser

/// `fairlead node`: Services.
struct Node: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make Services answer at their virtual IPs on this node.",
        discussion: """
            Needs CAP_NET_ADMIN. The rules stay in force when it ends, so traffic goes on; `fairlead cleanup` \
            removes them.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var role: NodeRole
    @OptionGroup(title: "Node: address") var address: NodeAddressOptions
    @OptionGroup(title: "Admin API") var admin: AdminSocketOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions

    func run() async throws {
        try await RoleProcess(
            common: self.common, node: self.role, admin: self.admin, given: self.address.given + self.serving.given,
            site: ServingOptions.serving
        ).run()
    }
}

/// `fairlead ingress`: Ingresses.
struct IngressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingress",
        abstract: "Route requests by Ingress rules to the endpoints of Services.",
        discussion: """
            Needs no privilege but for ports below 1024 (CAP_NET_BIND_SERVICE). Nothing is ever reloaded. SIGTERM drains: \
            /healthz says no, then no connection is taken any more, requests that are under way end, then it ends.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var role: IngressRole
    @OptionGroup(title: "Ingress: node") var node: IngressNodeOptions
    @OptionGroup(title: "Admin API") var admin: AdminSocketOptions
    @OptionGroup(title: "Serving") var serving: IngressServingOptions

    func run() async throws {
        try await RoleProcess(
            common: self.common, ingress: self.role, admin: self.admin, nodeName: self.node.hostnameOverride,
            site: { _ in try self.serving.serving() }
        ).run()
    }
}

/// `fairlead run`: both roles in one process.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run both roles in one process, for a host without a cluster.",
        discussion: """
            What `fairlead node` and `fairlead ingress` do, from one source of objects. --bind-address is where HTTP and \
            HTTPS are served; the node's own address is found out, or in --config.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var node: NodeRole
    @OptionGroup var ingress: IngressRole
    @OptionGroup(title: "Admin API") var admin: AdminSocketOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions

    func run() async throws {
        try await RoleProcess(
            common: self.common, node: self.node, ingress: self.ingress, admin: self.admin, given: self.serving.given,
            site: ServingOptions.serving
        ).run()
    }
}
