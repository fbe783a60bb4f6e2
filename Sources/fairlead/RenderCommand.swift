internal import ArgumentParser
internal import ClusterState
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Nftables

/// `fairlead render`: what would be programmed.
struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the ruleset for some manifests as nft text; touches nothing.",
        discussion:
            "Needs no privilege. `nft -c -f -` checks what it prints. Problems go to standard error, and make it exit with 1."
    )

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Node: address") var address: NodeAddressOptions
    @OptionGroup(title: "Userspace balancer") var balancer: BalancerOptions

    func run() throws {
        let start = try NodeStart(config: self.node.config, flags: self.node.given + self.address.given)
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        configuration.affinityClients = self.node.maximumAffinityClients
        try self.balancer.apply(to: &configuration)
        if configuration.dataplane == .userspace {
            StandardError.write("with --dataplane userspace nothing of this is programmed\n")
        }
        let listing: ManifestListing
        let preview: RulesetPreview
        do {
            listing = try ManifestListing.read(
                directory: try self.source.directory(), kinds: ObjectKind.ofNode, limits: try self.source.limits())
            preview = try RulesetPreview(
                of: listing.objects, nodeName: configuration.nodeName, streams: configuration.handover
            ) {
                (cluster) throws(SystemError) in try configuration.settings(cluster)
            }
        } catch let error as SystemError {
            throw CommandFailure.failed("\(error)")
        } catch let error as ManifestSourceError {
            throw CommandFailure.failed("\(error)")
        }
        for problem in listing.problems { StandardError.write("\(problem)\n") }
        for conflict in preview.conflicts { StandardError.write("\(conflict)\n") }
        print(preview.ruleset.text(), terminator: "")
        let isClean = preview.conflicts.isEmpty && !listing.problems.contains { $0.severity == .error }
        if !isClean { throw ExitCode(1) }
    }
}
