internal import Linux
internal import Networking

extension HostFacts {
    /// Below this there is little left for clients: a connection of the ingress role or the userspace balancer takes two.
    private static let fewDescriptors = 65_536
    /// More than this part of the connection table in use is too close to its end for a burst.
    private static let fullShare = 0.8

    /// What to make of all of it, in the order of ``Finding/Topic``, what is worst first.
    package var findings: [Finding] {
        let all =
            self.privileges + self.kernelFindings + self.forwarding + self.conntrackFindings + self.proxies
            + self.filterFindings
            + self.unseen.map { Finding($0.key, .warning, "cannot be looked at: \($0.value)") } + self.portFindings
            + self.limits + self.apiServerFindings + self.manifestFindings
        return Finding.Topic.allCases.flatMap { topic in
            Finding.Level.allCases.reversed().flatMap { level in
                all.filter { $0.topic == topic && $0.level == level }
            }
        }
    }

    // MARK: - Privileges and kernel

    private var privileges: [Finding] {
        var findings: [Finding] = []
        if self.roles.contains(.node) {
            findings.append(
                self.hasNetworkAdministration
                    ? Finding(.privileges, .ok, "CAP_NET_ADMIN is there")
                    : Finding(
                        .privileges, .failure,
                        "CAP_NET_ADMIN is missing: nftables cannot be programmed, nor virtual IPs be this host's",
                        remedy:
                            "run as root, `setcap cap_net_admin+ep`, AmbientCapabilities=CAP_NET_ADMIN in a unit, or NET_ADMIN in a pod's "
                            + "securityContext with hostNetwork: true"))
        }
        let low = self.ports.filter { Int($0.number) < self.firstFreePort }
        if self.roles.contains(.ingress), !self.canBindLowPorts, let first = low.first {
            findings.append(
                Finding(
                    .privileges, .failure,
                    "CAP_NET_BIND_SERVICE is missing: port \(first.number) for \(first.purpose) cannot be listened on",
                    remedy:
                        "`setcap cap_net_bind_service+ep`, NET_BIND_SERVICE in a pod, \(first.option) with a port from \(self.firstFreePort), or "
                        + "`sysctl -w net.ipv4.ip_unprivileged_port_start=\(first.number)`"))
        }
        return findings
    }

    private var kernelFindings: [Finding] {
        guard self.roles.contains(.node) else { return [] }
        switch self.table {
        case .taken: return [Finding(.kernel, .ok, "Linux \(self.kernel): nf_tables takes the whole table")]
        case .notPermitted:
            // Said under privileges.
            return []
        case .missing(let reason):
            return [
                Finding(
                    .kernel, .failure, "Linux \(self.kernel) has no nf_tables: \(reason)",
                    remedy:
                        "`modprobe nf_tables`, or a kernel with CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET; --dataplane userspace works without"
                )
            ]
        case .refused(let part, let reason):
            return [
                Finding(
                    .kernel, .failure, "Linux \(self.kernel) refuses \(part): \(reason)",
                    remedy:
                        "Linux 5.13 or later with CONFIG_NFT_NAT, _MASQ, _REJECT_INET, _CT, _FIB_INET, _NUMGEN and _HASH, as modules or built "
                        + "in; --dataplane userspace works without")
            ]
        case nil: return []
        }
    }

    private var forwarding: [Finding] {
        guard self.roles.contains(.node) else { return [] }
        return AddressFamily.allCases.compactMap { family in
            guard let forwards = self.forwards[family] else { return nil }
            let name = "IPv\(family.rawValue)"
            let setting = HostSystem.forwardingSetting(family)
            if forwards { return Finding(.forwarding, .ok, "\(name) is forwarded") }
            return Finding(
                .forwarding, .warning,
                "\(name) is not forwarded: its Services answer this host alone, not pods or clients outside",
                remedy: "`sysctl -w \(setting)=1`")
        }
    }

    // MARK: - Connection tracking

    private var conntrackFindings: [Finding] {
        guard self.roles.contains(.node), let conntrack else { return [] }
        var findings: [Finding] = []
        let share = conntrack.maximum > 0 ? Double(conntrack.count) / Double(conntrack.maximum) : 0
        let state = "\(conntrack.count) of \(conntrack.maximum) connections are tracked"
        let remedy =
            "`sysctl -w net.netfilter.nf_conntrack_max=\(conntrack.maximum * 2)`, or --conntrack-max-per-core and --conntrack-min; `conntrack -L` "
            + "shows whose they are"
        if conntrack.maximum > 0, conntrack.count >= conntrack.maximum {
            findings.append(
                Finding(
                    .conntrack, .failure, "the connection table is full: \(state), new ones are dropped", remedy: remedy
                ))
        } else if share > Self.fullShare {
            findings.append(
                Finding(.conntrack, .warning, "the connection table is nearly full: \(state)", remedy: remedy))
        } else {
            findings.append(Finding(.conntrack, .ok, state))
        }
        if conntrack.drops > 0 {
            findings.append(
                Finding(
                    .conntrack, .warning,
                    "\(conntrack.drops) packets were dropped for want of room in the connection table so far",
                    remedy: remedy))
        }
        if conntrack.earlyDrops > 0 {
            findings.append(
                Finding(
                    .conntrack, .warning, "\(conntrack.earlyDrops) connections had to make room for others so far",
                    remedy: remedy))
        }
        let names = self.tunings.filter(\.isSettable).map { "\($0.name)=\($0.wanted)" }
        if !names.isEmpty {
            findings.append(Finding(.conntrack, .ok, "Fairlead will set \(names.joined(separator: ", "))"))
        }
        for tuning in self.tunings where !tuning.isSettable {
            findings.append(
                Finding(
                    .conntrack, .warning,
                    "\(tuning.name) is \(tuning.current), should be \(tuning.wanted), and cannot be set from here",
                    remedy:
                        "`sysctl -w \(tuning.name)=\(tuning.wanted)`, or `fairlead node --init-only` with more privileges"
                ))
        }
        return findings
    }

    // MARK: - Others

    private var proxies: [Finding] {
        guard self.roles.contains(.node) else { return [] }
        var findings: [Finding] = []
        if let instance {
            let who = instance.process.map { "process \($0) (\(instance.command))" } ?? "another process"
            findings.append(Finding(.proxies, .ok, "Fairlead runs here: \(who)"))
        }
        guard let leftovers else { return findings }
        if !leftovers.isEmpty {
            findings.append(
                Finding(
                    .proxies, .failure,
                    "kube-proxy's rules are in force (\(leftovers.joined(separator: "; "))): both would translate, and which one wins is not "
                        + "defined",
                    remedy: "stop kube-proxy on this node, then start Fairlead with --cleanup-kube-proxy"))
        } else if self.obstacles.isEmpty {
            findings.append(Finding(.proxies, .ok, "no rules of kube-proxy's"))
        }
        for obstacle in self.obstacles {
            findings.append(Finding(.proxies, .warning, "cannot tell whether kube-proxy left rules: \(obstacle)"))
        }
        return findings
    }

    private var filterFindings: [Finding] {
        guard self.roles.contains(.node) else { return [] }
        return self.filters.filter { $0.dropsByDefault || $0.denials > 0 }.map { filter in
            var reasons: [String] = []
            if filter.dropsByDefault { reasons.append("drops what none of its rules accepts") }
            if filter.denials > 0 {
                reasons.append("leads to \(filter.denials) rule\(filter.denials == 1 ? "" : "s") that drop or reject")
            }
            return Finding(
                .filters, .warning,
                "chain \(filter.chain) of \(filter.table), at \(filter.hook), \(reasons.joined(separator: " and ")): a drop anywhere wins, and "
                    + "connections to endpoints come by there",
                remedy: "`nft list \(filter.table)`; accept what goes to and comes from the pods")
        }
    }

    private var portFindings: [Finding] {
        self.ports.map { port in
            let place = port.address.text(port: port.number)
            switch port.state {
            case .free: return Finding(.ports, .ok, "\(place) for \(port.purpose) is free")
            case .taken(_, Self.ownCommand):
                return Finding(.ports, .ok, "\(place) for \(port.purpose) is taken by Fairlead itself")
            case .taken(let process, let command):
                let holder = process.map { "process \($0) (\(command))" } ?? "another program"
                return Finding(
                    .ports, .failure, "\(place) for \(port.purpose) is taken by \(holder)",
                    remedy: "stop that one, or choose another address by \(port.option)")
            }
        }
    }

    /// As /proc/PID/comm has it.
    private static let ownCommand = "fairlead"

    private var limits: [Finding] {
        guard let descriptors else { return [] }
        if descriptors >= Self.fewDescriptors {
            return [Finding(.limits, .ok, "\(descriptors) descriptors may be open")]
        }
        return [
            Finding(
                .limits, .warning,
                "\(descriptors) descriptors may be open: a connection through the ingress role or the userspace balancer takes two",
                remedy: "LimitNOFILE=1048576 in a unit, `ulimit -Hn 1048576` otherwise")
        ]
    }

    private var apiServerFindings: [Finding] {
        switch self.apiServer {
        case nil: return []
        case .failed(let reason): return [Finding(.apiServer, .failure, "the API server cannot be asked: \(reason)")]
        case .answered(let accesses):
            let denied = accesses.filter { !$0.isAllowed }
            if denied.isEmpty {
                return [
                    Finding(.apiServer, .ok, "the API server allows all \(accesses.count) things that are asked of it")
                ]
            }
            return denied.map { access in
                let group = access.group.isEmpty ? "" : ".\(access.group)"
                return Finding(
                    .apiServer, access.isNeeded ? .failure : .warning,
                    "the API server does not allow to \(access.verb) \(access.resource)\(group)",
                    remedy:
                        "a ClusterRole with apiGroups: [\"\(access.group)\"], resources: [\"\(access.resource)\"], verbs: [\"\(access.verb)\"]"
                )
            }
        }
    }

    private var manifestFindings: [Finding] {
        guard let manifests else { return [] }
        let errors = manifests.errors.map { Finding(.manifests, .failure, $0) }
        let warnings = manifests.warnings.map { Finding(.manifests, .warning, $0) }
        if !errors.isEmpty { return errors + warnings }
        return warnings + [Finding(.manifests, .ok, "\(manifests.directory): \(manifests.objects) objects can be read")]
    }
}
