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

    @OptionGroup var role: NodeRole

    func run() async throws { try await self.role.run() }
}

/// `fairlead run`: every role this version has, in one process.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run all roles in one process, for a host without a cluster.",
        discussion: "This version has the node role; the ingress role is still to come."
    )

    @OptionGroup var role: NodeRole

    func run() async throws { try await self.role.run() }
}
