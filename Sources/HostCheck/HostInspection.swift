internal import Glibc
internal import KernelDataplane
internal import Linux
internal import Networking
internal import Nftables

/// Finds out what there is to know of the network namespace that this process is in. Changes nothing.
package struct HostInspection: Sendable {
    private let roles: HostFacts.Roles
    /// Where Fairlead would listen.
    package var ports: [HostFacts.Port] = []

    /// The name that a running node role holds (``InstanceLock``).
    private let lock: String

    package init(roles: HostFacts.Roles, lock: String) {
        self.roles = roles
        self.lock = lock
    }

    package func facts() -> HostFacts {
        var facts = HostFacts(roles: self.roles)
        facts.kernel = HostSystem.setting("kernel.osrelease") ?? ""
        facts.hasNetworkAdministration = Capabilities.has(.networkAdministration)
        facts.canBindLowPorts = Capabilities.has(.bindingLowPorts)
        facts.firstFreePort = self.number("net.ipv4.ip_unprivileged_port_start") ?? facts.firstFreePort
        facts.descriptors = DescriptorLimit.raise()
        self.lookAtPorts(&facts)
        guard self.roles.contains(.node) else { return facts }
        for family in HostAddresses.families {
            facts.forwards[family] = self.number(HostSystem.forwardingSetting(family)).map { $0 != 0 }
        }
        facts.instance = InstanceLock.holder(of: self.lock).map { ($0.process, $0.command) }
        self.lookAtKernel(&facts)
        self.lookAtConntrack(&facts)
        return facts
    }

    private func number(_ setting: String) -> Int? { HostSystem.setting(setting).flatMap { Int($0) } }

    private func lookAtPorts(_ facts: inout HostFacts) {
        let sockets: ListeningSockets
        do throws(SystemError) {
            sockets = try ListeningSockets.read()
        } catch {
            facts.unseen[.ports] = "\(error)"
            return
        }
        facts.ports = self.ports.map { port in
            guard let holder = sockets.holder(of: port.address, port.number) else { return port }
            let owner = ListeningSockets.owner(of: holder.inode)
            var port = port
            port.state = .taken(process: owner?.process, command: owner?.command ?? "")
            return port
        }
    }

    // MARK: - nf_tables

    private func lookAtKernel(_ facts: inout HostFacts) {
        let kernel: NetlinkKernel
        do throws(NftablesError) {
            kernel = try NetlinkKernel()
        } catch {
            facts.table = .missing(reason: error.reason)
            return
        }
        facts.table = self.tryTable(kernel)
        guard facts.table != .notPermitted else { return }
        let (parts, obstacles) = HostTrial.leftovers(kernel)
        (facts.leftovers, facts.obstacles) = (parts, obstacles)
        do throws(NftablesError) {
            facts.filters = try self.filters(kernel)
        } catch {
            facts.unseen[.filters] = "\(error)"
        }
    }

    private func tryTable(_ kernel: NetlinkKernel) -> HostFacts.TableTrial {
        let name = "fairlead-check-\(getpid())"
        do throws(NftablesError) {
            try HostTrial.takeTable(kernel, name: name)
            return .taken
        } catch {
            if error.code == .notPermitted { return .notPermitted }
            // What the kernel has not got a table of is all of nf_tables: EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP.
            if [93, 97, 95].contains(error.number) { return .missing(reason: error.reason) }
            let part = error.subject.replacing(" of table inet \(name)", with: "").replacing(name, with: "fairlead")
            return .refused(part: part, reason: error.reason)
        }
    }

    private func filters(_ kernel: NetlinkKernel) throws(NftablesError) -> [HostFacts.ForeignFilter] {
        var filters: [HostFacts.ForeignFilter] = []
        for table in try kernel.tables() where !HostTrial.isKnown(table) {
            let outline = try kernel.outline(of: table)
            for base in outline.baseChains {
                filters.append(
                    HostFacts.ForeignFilter(
                        table: "\(table)", chain: base.name, hook: "\(base.hook)", dropsByDefault: base.dropsByDefault,
                        denials: outline.denials(from: base.name)))
            }
        }
        return filters
    }

    // MARK: - Connection tracking

    private func lookAtConntrack(_ facts: inout HostFacts) {
        let prefix = "net.netfilter.nf_conntrack_"
        guard let count = self.number(prefix + "count"), let maximum = self.number(prefix + "max") else {
            facts.unseen[.conntrack] =
                "there is no \(prefix)count: connection tracking is not loaded, or not to be seen here"
            return
        }
        var conntrack = HostFacts.Conntrack(count: count, maximum: maximum)
        let statistics = ConntrackStatistics((try? HostSystem.networkFile("stat/nf_conntrack")) ?? "")
        conntrack.drops = statistics["drop"]
        conntrack.earlyDrops = statistics["early_drop"]
        facts.conntrack = conntrack
        facts.tunings = ConntrackSettings().settings(cores: HostSystem.coreCount).compactMap { setting in
            guard let current = self.number(setting.name), setting.needsChange(from: current) else { return nil }
            return HostFacts.Tuning(
                name: setting.name, current: current, wanted: setting.value,
                isSettable: HostSystem.isSettable(setting.name))
        }
    }
}

extension TableOutline {
    /// How many rules that drop or reject packets that come to a base chain may meet. Maps of verdicts are not looked into.
    fileprivate func denials(from base: String) -> Int {
        var reached: Set<String> = [base]
        var pending = [base]
        while let chain = pending.popLast() {
            for jump in self.jumps where jump.chain == chain && reached.insert(jump.target).inserted {
                pending.append(jump.target)
            }
        }
        return self.denials.count { reached.contains($0.chain) }
    }
}
