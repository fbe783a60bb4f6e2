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

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup var tolerated: ToleratedOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, cluster: self.cluster, node: self.node, conntrack: self.conntrack,
            takeover: self.takeover, serving: self.serving, log: self.log, tolerated: self.tolerated
        ).run()
    }
}

/// `fairlead run`: every role this version has, in one process.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run all roles in one process, for a host without a cluster.",
        discussion: "This version has the node role; the ingress role is still to come."
    )

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup var tolerated: ToleratedOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, cluster: self.cluster, node: self.node, conntrack: self.conntrack,
            takeover: self.takeover, serving: self.serving, log: self.log, tolerated: self.tolerated
        ).run()
    }
}
