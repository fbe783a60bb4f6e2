import HostCheck
import Networking
import Testing

/// What facts amount to.
@Suite struct FindingsTests {
    /// A host with nothing to find fault with.
    private static var fit: HostFacts {
        var facts = HostFacts(roles: [.node, .ingress])
        facts.kernel = "6.18.1"
        facts.hasNetworkAdministration = true
        facts.canBindLowPorts = true
        facts.table = .taken
        facts.forwards = [.ipv4: true, .ipv6: true]
        facts.conntrack = HostFacts.Conntrack(count: 10, maximum: 1000)
        facts.leftovers = []
        facts.ports = [Self.port(80)]
        facts.descriptors = 1 << 20
        return facts
    }

    private static func port(_ number: UInt16, _ state: HostFacts.Port.State = .free) -> HostFacts.Port {
        HostFacts.Port(
            purpose: "HTTP", address: IPAddress(ipv4: 0), number: number, state: state, option: "--http-port")
    }

    /// What is worse than fine, in the facts of a fit host after `change`.
    private static func faults(_ change: (inout HostFacts) -> Void) -> [Finding] {
        var facts = self.fit
        change(&facts)
        return facts.findings.filter { $0.level > .ok }
    }

    @Test func aFitHostHasNoFaults() {
        #expect(Self.faults { _ in } == [])
        #expect(Self.fit.findings.map(\.topic).contains(.kernel))
        #expect(FindingReport(Self.fit.findings).worst == .ok)
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let topic: Finding.Topic
        let level: Finding.Level
        /// In the message, and in the remedy.
        let message: String
        let remedy: String
        let change: @Sendable (inout HostFacts) -> Void

        init(
            _ name: String, _ topic: Finding.Topic, _ level: Finding.Level, _ message: String, _ remedy: String,
            _ change: @escaping @Sendable (inout HostFacts) -> Void
        ) {
            (self.testDescription, self.topic, self.level) = (name, topic, level)
            (self.message, self.remedy, self.change) = (message, remedy, change)
        }
    }

    private static let cases: [Case] = [
        Case("no CAP_NET_ADMIN", .privileges, .failure, "CAP_NET_ADMIN is missing", "setcap cap_net_admin") {
            $0.hasNetworkAdministration = false
            $0.table = .notPermitted
        },
        Case("low port", .privileges, .failure, "port 80 for HTTP", "net.ipv4.ip_unprivileged_port_start=80") {
            $0.canBindLowPorts = false
        },
        Case("no nf_tables", .kernel, .failure, "no nf_tables: Protocol not supported", "modprobe nf_tables") {
            $0.table = .missing(reason: "Protocol not supported")
        },
        Case("a part is missing", .kernel, .failure, "refuses rule 2 of chain x: No such file", "CONFIG_NFT_NAT") {
            $0.table = .refused(part: "rule 2 of chain x", reason: "No such file")
        },
        Case("no forwarding", .forwarding, .warning, "IPv6 is not forwarded", "net.ipv6.conf.all.forwarding=1") {
            $0.forwards[.ipv6] = false
        },
        Case("conntrack full", .conntrack, .failure, "is full: 1000 of 1000", "nf_conntrack_max=2000") {
            $0.conntrack?.count = 1000
        },
        Case("conntrack nearly full", .conntrack, .warning, "nearly full: 801 of 1000", "nf_conntrack_max=2000") {
            $0.conntrack?.count = 801
        },
        Case("conntrack was full", .conntrack, .warning, "7 packets were dropped", "nf_conntrack_max=2000") {
            $0.conntrack?.drops = 7
        },
        Case("conntrack made room", .conntrack, .warning, "3 connections had to make room", "conntrack -L") {
            $0.conntrack?.earlyDrops = 3
        },
        Case("read-only setting", .conntrack, .warning, "a.b is 1, should be 2", "sysctl -w a.b=2") {
            $0.tunings = [.init(name: "a.b", current: 1, wanted: 2, isSettable: false)]
        },
        Case("kube-proxy", .proxies, .failure, "kube-proxy's rules are in force (one; two)", "--cleanup-kube-proxy") {
            $0.leftovers = ["one", "two"]
        },
        Case(
            "policy drop", .filters, .warning, "chain FORWARD of table ip filter, at forward, drops",
            "nft list table ip filter"
        ) {
            $0.filters = [
                .init(table: "table ip filter", chain: "FORWARD", hook: "forward", dropsByDefault: true, denials: 0)
            ]
        },
        Case("drop rule", .filters, .warning, "leads to 1 rule that drop or reject", "nft list table inet x") {
            $0.filters = [
                .init(table: "table inet x", chain: "y", hook: "prerouting", dropsByDefault: false, denials: 1)
            ]
        },
        Case("port taken", .ports, .failure, "0.0.0.0:80 for HTTP is taken by process 7 (nginx)", "--http-port") {
            $0.ports = [Self.port(80, .taken(process: 7, command: "nginx"))]
        },
        Case("few descriptors", .limits, .warning, "1024 descriptors", "LimitNOFILE=") { $0.descriptors = 1024 },
        Case("forbidden", .apiServer, .failure, "list endpointslices.discovery.k8s.io", "verbs: [\"list\"]") {
            $0.apiServer = .answered([
                .init(
                    verb: "list", resource: "endpointslices", group: "discovery.k8s.io", isAllowed: false,
                    isNeeded: true)
            ])
        },
    ]

    @Test(arguments: Self.cases)
    private func whatIsFound(_ fault: Case) throws {
        let findings = Self.faults(fault.change)
        #expect(findings.count == 1, "\(findings)")
        let finding = try #require(findings.first)
        #expect(finding.topic == fault.topic)
        #expect(finding.level == fault.level)
        #expect(finding.message.contains(fault.message), "\(finding.message)")
        #expect(finding.remedy?.contains(fault.remedy) == true, "\(finding.remedy ?? "none")")
    }

    @Test func whatHasNoRemedy() {
        #expect(
            Self.faults { $0.obstacles = ["no program"] }.map(\.message) == [
                "cannot tell whether kube-proxy left rules: no program"
            ])
        #expect(
            Self.faults { $0.apiServer = .failed(reason: "refused") }.map(\.level) == [.failure])
        #expect(Self.faults { $0.unseen[.ports] = "no /proc" }.map(\.message) == ["cannot be looked at: no /proc"])
        let manifests = HostFacts.Manifests(
            directory: "d", objects: 3, errors: ["a.yaml:3: x"], warnings: ["b.yaml:1: y"])
        #expect(Self.faults { $0.manifests = manifests }.map(\.message) == ["a.yaml:3: x", "b.yaml:1: y"])
    }

    /// Optional things that are forbidden are no failure.
    @Test func eventsCanBeForbidden() {
        let faults = Self.faults {
            $0.apiServer = .answered([
                .init(verb: "create", resource: "events", group: "events.k8s.io", isAllowed: false, isNeeded: false),
                .init(verb: "list", resource: "services", group: "", isAllowed: true, isNeeded: true),
            ])
        }
        #expect(faults.map(\.level) == [.warning])
    }

    /// What runs here already is no conflict.
    @Test func ownPortsAreFine() {
        #expect(Self.faults { $0.ports = [Self.port(80, .taken(process: 9, command: "fairlead"))] } == [])
    }

    /// Of the other role nothing is said.
    @Test func eachRoleHasItsOwn() {
        let topics = Set(
            Self.faults {
                $0.roles = .ingress
                $0.hasNetworkAdministration = false
                $0.table = .notPermitted
                $0.forwards = [.ipv4: false]
                $0.leftovers = ["one"]
                $0.descriptors = 100
            }.map(\.topic))
        #expect(topics == [.limits])
    }

    @Test func whatIsWorstComesFirst() {
        let report = FindingReport(
            Self.faults {
                $0.conntrack = HostFacts.Conntrack(count: 1000, maximum: 1000, drops: 5)
                $0.forwards[.ipv4] = false
            })
        #expect(report.worst == .failure)
        let text = report.text()
        #expect(text.contains("failure   the connection table is full"))
        #expect(text.hasSuffix("1 failure, 2 warnings, 0 ok\n"))
        #expect(
            report.json.hasPrefix(
                "{\"level\":\"failure\",\"findings\":[{\"topic\":\"forwarding\",\"level\":\"warning\""))
        #expect(FindingReport(Self.fit.findings).text(isQuiet: true).split(separator: "\n").count == 1)
    }
}
