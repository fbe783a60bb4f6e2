internal import Conntrack
package import Logging
internal import Networking
package import Nftables

/// What is done to a node apart from running: before, with more privileges than running needs, and after.
package enum NodePreparation {
    /// `--init-only`: makes the kernel's settings of connection tracking, which in a container are read-only to
    /// all but privileged ones. Whether all of them are as they should be now.
    package static func initialize(_ settings: ConntrackSettings, logger: Logger) -> Bool {
        // There are no settings before connection tracking is loaded, and speaking to it loads it.
        do throws(ConntrackError) {
            try ConntrackTable().forEach(.sctp, .ipv4) { _ in }
        } catch {
            logger.warning("connection tracking does not answer", metadata: ["reason": "\(error)"])
        }
        return ConntrackTuning(settings, logger: logger).apply()
    }

    /// `--cleanup`: removes Fairlead's table and what kube-proxy left. Whether nothing of either is there now.
    package static func cleanUp(_ kernel: NetlinkKernel, logger: Logger) throws(NftablesError) -> Bool {
        if try KernelSynchronizer.removeTable(from: kernel) {
            logger.notice("removed the table", metadata: ["table": "\(FairleadTable.reference)"])
        }
        return KubeProxyReport(search: KubeProxySearch(kernel: kernel), removes: true, logger: logger).clean()
    }
}
