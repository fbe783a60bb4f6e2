internal import ArgumentParser
internal import KernelDataplane
internal import Nftables

/// `fairlead cleanup`: as if Fairlead had never been here.
struct Cleanup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove everything Fairlead put into the kernel.",
        discussion:
            "Connections through Services end with it: the kernel stops translating when the last nat chain goes."
    )

    func run() throws {
        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()
        do {
            let routes = try NodePreparation.removeRoutes()
            if routes > 0 { print("removed \(routes) local routes") }
            let wasThere = try KernelSynchronizer.removeTable(from: try NetlinkKernel())
            print(
                wasThere
                    ? "removed \(FairleadTable.reference)" : "nothing to remove: there is no \(FairleadTable.reference)"
            )
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        withExtendedLifetime(lock) {}
    }
}
