internal import Conntrack
package import Linux
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

    /// Removes the local routes of the userspace balancer's addresses. Returns how many there were.
    package static func removeRoutes() throws(SystemError) -> Int {
        var routes = try LocalRoutes()
        let marked = try routes.marked()
        if let failure = try routes.remove(Array(marked)).values.first { throw failure }
        return marked.count
    }

    /// `--cleanup`: removes Fairlead's table and what kube-proxy left. Whether nothing of either is there now.
    package static func cleanUp(_ kernel: NetlinkKernel, logger: Logger) throws(NftablesError) -> Bool {
        do throws(SystemError) {
            let routes = try self.removeRoutes()
            if routes > 0 {
                logger.notice("removed local routes", metadata: ["routes": "\(routes)"])
            }
        } catch {
            logger.error("local routes of Fairlead may be left", metadata: ["reason": "\(error)"])
        }
        if try KernelSynchronizer.removeTable(from: kernel) {
            logger.notice("removed the table", metadata: ["table": "\(FairleadTable.reference)"])
        }
        return KubeProxyReport(search: KubeProxySearch(kernel: kernel), removes: true, logger: logger).clean()
    }
}
