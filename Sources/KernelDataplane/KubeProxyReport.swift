internal import Logging
internal import Nftables

/// At the start, once Fairlead's own rules are in force: finds what kube-proxy left, and removes it or
/// says that it is there.
///
/// Not before, so that there is no moment without rules for a Service. What goes wrong is said and not
/// thrown: Fairlead's own rules are in force regardless.
final class KubeProxyReport {
    private let search: KubeProxySearch
    private let removes: Bool
    private let logger: Logger

    init(search: KubeProxySearch, removes: Bool, logger: Logger) {
        self.search = search
        self.removes = removes
        self.logger = logger
    }

    func handle() {
        let leftovers = self.search.find()
        if self.removes { self.remove(leftovers) } else { self.warn(of: leftovers) }
    }

    /// Removes what kube-proxy left. Whether all of it could be looked at and is gone.
    func clean() -> Bool { self.remove(self.search.find()) }

    private func warn(of leftovers: KubeProxyLeftovers) {
        guard !leftovers.parts.isEmpty else {
            // Mostly tables that have nothing to do with kube-proxy.
            for obstacle in leftovers.obstacles {
                self.logger.info("cannot tell whether kube-proxy left rules", metadata: ["reason": "\(obstacle)"])
            }
            return
        }
        var metadata: Logger.Metadata = ["found": "\(leftovers.parts.map(\.description).joined(separator: "; "))"]
        if !leftovers.obstacles.isEmpty {
            metadata["not-looked-at"] = "\(leftovers.obstacles.joined(separator: "; "))"
        }
        self.logger.warning(
            """
            kube-proxy's rules are in force as well: both translate, at the same priority, and which one wins is not \
            defined. Stop kube-proxy, and start with --cleanup-kube-proxy to remove them
            """, metadata: metadata)
    }

    @discardableResult
    private func remove(_ leftovers: KubeProxyLeftovers) -> Bool {
        var isComplete = leftovers.obstacles.isEmpty
        for obstacle in leftovers.obstacles {
            self.logger.warning("cannot tell whether kube-proxy left rules", metadata: ["reason": "\(obstacle)"])
        }
        for part in leftovers.parts {
            do {
                let removed = try self.search.remove(part)
                self.logger.notice("removed what kube-proxy left", metadata: ["removed": "\(removed)"])
            } catch {
                isComplete = false
                self.logger.error(
                    "what kube-proxy left cannot be removed", metadata: ["part": "\(part)", "reason": "\(error)"])
            }
        }
        if leftovers.parts.isEmpty, leftovers.obstacles.isEmpty {
            self.logger.info("kube-proxy left nothing to remove")
        }
        return isComplete
    }
}
