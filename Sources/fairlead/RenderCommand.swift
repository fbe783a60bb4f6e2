internal import ArgumentParser
internal import ClusterState
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Nftables
internal import ServiceModel

/// `fairlead render`: what would be programmed.
struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the ruleset for some manifests as nft text; touches nothing.",
        discussion:
            "Needs no privilege. `nft -c -f -` checks what it prints. Problems go to standard error, and make it exit with 1."
    )

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "Node") var node: NodeOptions

    func run() throws {
        let configuration = try self.node.configuration()
        let listing: ManifestListing
        let settings: NodeSettings
        do {
            listing = try ManifestListing.read(directory: try self.source.directory(), limits: try self.source.limits())
            settings = try configuration.nodeSettings()
        } catch let error as SystemError {
            throw CommandFailure.failed("\(error)")
        } catch let error as ManifestSourceError {
            throw CommandFailure.failed("\(error)")
        }
        var planner = ServicePlanner(nodeName: configuration.nodeName)
        var isClean = true
        for problem in listing.problems {
            StandardError.write("\(problem)\n")
            if problem.severity == .error { isClean = false }
        }
        for object in listing.objects {
            switch object {
            case .service(let service): _ = planner.update(service.metadata.name, service: service)
            case .endpointSlice(let slice): _ = planner.update(slice.metadata.name, slice: slice)
            case .node, .serviceCIDR: break
            }
        }
        var plans: [ObjectName: ServicePlan?] = [:]
        for name in planner.serviceNames {
            plans[name] = .some(planner.plan(for: name))
            for conflict in planner.conflicts(of: name) {
                StandardError.write("\(conflict)\n")
                isClean = false
            }
        }
        var program = TableProgram(node: settings)
        _ = program.apply(plans)
        print(program.ruleset().text(), terminator: "")
        if !isClean { throw ExitCode(1) }
    }
}
