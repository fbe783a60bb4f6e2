internal import ArgumentParser
internal import KernelDataplane
internal import Nftables

/// `fairlead cleanup`: as if Fairlead had never been here.
struct Cleanup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove everything Fairlead put into the kernel.",
        discussion: "Established connections go on as long as conntrack knows them; new ones find no Service any more."
    )

    func run() throws {
        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()
        do {
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
