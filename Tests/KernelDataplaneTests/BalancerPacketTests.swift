import KernelDataplane
import KubernetesAPI
import Lab
import Linux
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// What packets do where the kernel and a balancer share the work. An echo server is the balancer.
@Suite(.serialized) struct BalancerPacketTests {
    /// `web`, 10.96.0.10 and fd00:10:96::10, port 80, with the endpoint pod-1.
    private static func plans(_ lab: Lab, _ annotations: [String: String]) -> [ObjectName: ServicePlan?] {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        var service = Make.service(
            "web", clusterIPs: ["10.96.0.10", "fd00:10:96::10"],
            ports: [ServicePort(name: "http", transport: .tcp, port: 80)])
        for (key, value) in annotations { service.metadata.annotations["fairlead.dev/\(key)"] = value }
        _ = planner.update(service.metadata.name, service: service)
        for family in AddressFamily.allCases {
            let name = "web-\(family.rawValue)"
            _ = planner.update(
                Make.name(name),
                slice: Make.slice(
                    name, of: "web", family: family,
                    endpoints: [Make.endpoint("\(lab.pods[0].address(family))", node: "here")]))
        }
        return [service.metadata.name: planner.plan(for: service.metadata.name)]
    }

    private static func clusterIP(_ family: AddressFamily) -> IPAddress {
        Make.ip(family == .ipv4 ? "10.96.0.10" : "fd00:10:96::10")
    }

    private static func commit(_ plans: [ObjectName: ServicePlan?], to lab: Lab) throws {
        let blocks = ["10.244.0.0/16", "fd00:10:244::/48"].compactMap { CIDR($0) }
        var program = TableProgram(
            node: NodeSettings(pods: .blocks(blocks), nodePortAddresses: [lab.node.ipv4, lab.node.ipv6]))
        _ = program.apply(plans)
        _ = try lab.node.run { try NetlinkKernel() }.commit(program.ruleset().replacement())
    }

    private static func addresses(_ addresses: Set<IPAddress>, on host: Host) throws {
        var routes = try host.run { try LocalRoutes() }
        #expect(try routes.add(addresses.sorted()).isEmpty)
        // The balancer's sockets ask for it themselves (IP_FREEBIND).
        try host.shell("sysctl -qw net.ipv6.ip_nonlocal_bind=1")
    }

    /// Outside, a pod, and the node itself: nobody is masqueraded on the way to a balancer of this node.
    @Test func theBalancerSeesItsClients() throws {
        let lab = try Lab(pods: 2)
        defer { lab.tearDown() }
        var balancer = StreamProgram(StreamScene.settings())
        let kernelPlans = balancer.apply(Self.plans(lab, ["load-balancing": "least-connections"]))
        try Self.addresses(balancer.virtualAddresses, on: lab.node)
        var servers: [EchoServer] = []
        defer { for server in servers { server.stop() } }
        for address in balancer.served.keys {
            servers.append(
                try EchoServer(
                    on: lab.node, port: address.port, name: "balancer", addresses: [address.address], transports: [.tcp]
                ))
        }
        #expect(servers.count == 2)
        try Self.commit(kernelPlans, to: lab)
        for family in AddressFamily.allCases {
            for host in [lab.client, lab.pods[1], lab.node] {
                let result = try host.tcp(to: Self.clusterIP(family), port: 80)
                #expect(result.server == "balancer", "\(host.name): \(result)")
                let own = host === lab.node ? result.source : host.address(family)
                #expect(result.source == own, "\(host.name): \(result)")
            }
            // The node's own address is the one that it has towards the Service's.
            let source = try #require(try lab.node.tcp(to: Self.clusterIP(family), port: 80).source)
            #expect(try lab.node.shell("ip address").contains("\(source)/"))
            #expect(source != BalancerAddresses()[family])
        }
    }

    /// The kernel takes over from a balancer: connections that it never saw begin stay where they are, new ones are the endpoint's.
    @Test func connectionsOfTheBalancerSurviveTheKernel() throws {
        let lab = try Lab(pods: 2)
        defer { lab.tearDown() }
        let plans = Self.plans(lab, [:])
        var balancer = StreamProgram(StreamScene.settings { $0.servesEverything = true })
        _ = balancer.apply(plans)
        try Self.addresses(balancer.virtualAddresses, on: lab.node)
        let server = try EchoServer(
            on: lab.node, port: 80, name: "balancer", addresses: AddressFamily.allCases.map(Self.clusterIP),
            transports: [.tcp])
        let endpoint = try EchoServer(on: lab.pods[0], port: 8080, transports: [.tcp])
        defer {
            server.stop()
            endpoint.stop()
        }
        let conversations = try [lab.client, lab.pods[1], lab.node].flatMap { host in
            try AddressFamily.allCases.map { family in
                try host.converse(with: Self.clusterIP(family), port: 80)
            }
        }
        #expect(conversations.allSatisfy { $0.answer.server == "balancer" })
        try Self.commit(plans, to: lab)
        for conversation in conversations { #expect(conversation.isAlive()) }
        for host in [lab.client, lab.pods[1], lab.node] {
            for family in AddressFamily.allCases {
                #expect(try host.tcp(to: Self.clusterIP(family), port: 80).server == "pod-1")
            }
        }
        for conversation in conversations { #expect(conversation.isAlive()) }
    }
}
