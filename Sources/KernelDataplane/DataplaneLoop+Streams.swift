internal import KubernetesAPI
internal import Linux
internal import Networking
internal import Nftables
internal import ServiceModel

/// The userspace balancer, beside the kernel or in its stead.
extension DataplaneLoop {
    /// How long before the host is asked again for its addresses, where that failed.
    private static let addressPause = Duration.seconds(1)

    /// Tells who plans for the balancer what is known of the node. Returns whether all plans have to be prepared again.
    func adoptStreams(_ settings: NodeSettings) -> Bool {
        guard let streams else { return false }
        // Without the host's addresses those of the Node are better than none.
        let host = (try? HostAddresses.all()).map(Set.init) ?? settings.nodePortAddresses
        return streams.adopt(
            self.configuration.streamSettings(settings, servesEverything: self.fallback.isUserspace),
            host: host, podBlocks: self.configuration.podBlocks(self.cluster))
    }

    /// Without the kernel: serves what has changed.
    func serveEverything() {
        guard let streams, self.settingsAreStale || !self.pending.isEmpty else { return }
        let start = self.clock.now
        if self.settingsAreStale, self.addressesAt.map({ $0 <= start }) ?? true {
            do throws(SystemError) {
                try self.adoptSettings()
                self.addressesAt = nil
            } catch {
                self.addressesAt = start + Self.addressPause
                self.reporter.failed(error, .partial, took: .zero, retryIn: Self.addressPause)
            }
        }
        let services = self.pending
        guard !services.isEmpty || !self.hasServed else { return }
        _ = streams.prepare(self.synchronizer.plans(of: services), hints: nil)
        self.pending = []
        streams.settle(at: self.clock.now, isAtOnce: true)
        if self.fallback.usesKernel || self.hasServed {
            self.reporter.served(services, addresses: streams.program.addressCount, took: self.clock.now - start)
        } else {
            self.reporter.startedInUserspace(
                services: self.synchronizer.planner.serviceCount, addresses: streams.program.addressCount)
        }
        self.hasServed = true
    }

    private func adoptSettings() throws(SystemError) {
        let (settings, facts) = try self.currentSettings()
        self.settingsAreStale = false
        self.pending.formUnion(self.synchronizer.take(facts))
        self.synchronizer.adopt(settings)
        if self.adoptStreams(settings) { self.pending.formUnion(self.synchronizer.planner.serviceNames) }
    }

    /// The kernel cannot be programmed: the balancer serves everything.
    func takeOver() {
        self.prepareAll()
        self.streams?.settle(at: self.clock.now, isAtOnce: true)
        self.pending = []
        var disarming: (any Error)?
        do throws(NftablesError) {
            // Who is listening now gets what the table would send to endpoints of a while ago.
            try self.synchronizer.disarm()
        } catch {
            // ENOENT: there is no table.
            if error.number != 2 { disarming = error }
        }
        self.releaseFlows()
        self.reporter.tookOver(self.fallback.mode, disarming)
        self.publish.mode(self.fallback.mode)
    }

    /// The kernel has been programmed: what the balancer has goes on to its end, and nothing new comes to it.
    func handBack() {
        self.prepareAll()
        self.streams?.settle(at: self.clock.now)
        self.reporter.handedBack(self.fallback.mode)
        self.publish.mode(self.fallback.mode)
    }

    private func prepareAll() {
        guard let streams else { return }
        _ = self.adoptStreams(self.synchronizer.program.node)
        _ = streams.prepare(self.synchronizer.plans(of: self.synchronizer.planner.serviceNames), hints: nil)
    }

    /// The process ends, and the balancer with it; the rules stay. Services that the kernel can serve, if not as they ask for it, are
    /// its until the next start.
    func end() {
        guard let streams, !self.fallback.isUserspace, self.retry == nil else { return }
        let services = streams.program.handedOver
        guard !services.isEmpty else { return }
        streams.endHandover()
        do throws(NftablesError) {
            _ = try self.synchronizer.synchronize(services)
        } catch {
            self.reporter.failed(error, .partial, took: .zero, retryIn: .zero)
        }
    }
}
