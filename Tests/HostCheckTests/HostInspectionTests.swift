import HostCheck
import Lab
import Linux
import Networking
import Testing

/// What is found in a network namespace.
@Suite(.serialized) struct HostInspectionTests {
    private func inspect(
        _ sandbox: Sandbox, _ roles: HostFacts.Roles = [.node, .ingress], ports: [HostFacts.Port] = []
    ) throws
        -> HostFacts
    {
        try sandbox.host.run {
            var inspection = HostInspection(roles: roles, lock: "fairlead/node")
            inspection.ports = ports
            return inspection.facts()
        }
    }

    @Test func theKernelTakesTheTableAndKeepsNothing() throws {
        let sandbox = try Sandbox()
        let facts = try self.inspect(sandbox)
        #expect(facts.table == .taken)
        #expect(facts.hasNetworkAdministration)
        #expect(facts.instance == nil)
        #expect(facts.leftovers == [])
        #expect(facts.filters == [])
        #expect(try sandbox.host.shell("nft list ruleset") == "")
    }

    @Test func othersFiltersAreFound() throws {
        let sandbox = try Sandbox()
        try sandbox.host.shell(
            """
            nft 'table ip filter {
                chain FORWARD { type filter hook forward priority 0; policy drop; tcp dport 22 accept; }
            }
            table inet guard {
                chain first { type filter hook prerouting priority -300; jump second; }
                chain second { ip daddr 10.0.0.1 drop; jump third; }
                chain third { tcp dport 80 reject; counter; }
                chain apart { drop; }
            }
            table ip kube-proxy { chain services { drop; }; }'
            """)
        let facts = try self.inspect(sandbox)
        #expect(
            Set(facts.filters) == [
                .init(table: "table ip filter", chain: "FORWARD", hook: "forward", dropsByDefault: true, denials: 0),
                .init(table: "table inet guard", chain: "first", hook: "prerouting", dropsByDefault: false, denials: 2),
            ])
        #expect(facts.leftovers?.count == 1)
    }

    @Test func settingsAreRead() throws {
        let sandbox = try Sandbox()
        try sandbox.host.shell("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=1")
        let facts = try self.inspect(sandbox)
        #expect(facts.forwards == [.ipv4: false, .ipv6: true])
        let conntrack = try #require(facts.conntrack)
        #expect(conntrack.maximum > 0 && conntrack.count < conntrack.maximum)
        #expect(!facts.kernel.isEmpty)
    }

    @Test(arguments: [IPAddress(127, 0, 0, 1), IPAddress(ipv4: 0), IPAddress(ipv6High: 0, low: 0)])
    func whoHasAPortIsNamed(address: IPAddress) throws {
        let sandbox = try Sandbox()
        let server = try EchoServer(on: sandbox.host, port: 8080, name: "other", addresses: [address])
        defer { server.stop() }
        let place = address.family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0)
        let ports = [8080, 8081].map {
            HostFacts.Port(purpose: "HTTP", address: place, number: $0, option: "--http-port")
        }
        let facts = try self.inspect(sandbox, .ingress, ports: ports)
        guard case .taken(let process?, let command) = facts.ports[0].state else {
            Issue.record("\(facts.ports[0].state)")
            return
        }
        #expect(process > 0 && !command.isEmpty)
        #expect(facts.ports[1].state == .free)
    }
}
