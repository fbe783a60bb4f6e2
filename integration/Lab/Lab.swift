// Lab: a Kubernetes node and its surroundings out of network namespaces, for tests, the demo and
// the benchmarks. Everything is real: the kernel's routing and netfilter, sockets, programs. What
// is checked is what packets do, never what rules look like.
//
//     client ──────────────── node ─┬─ pod-1    10.244.1.2   fd00:10:244:1::2
//     192.168.50.1   192.168.50.2   ├─ pod-2    10.244.1.3   fd00:10:244:1::3
//     fd00:50::1       fd00:50::2   └─ pod-3    ...
//
// Each pod has a veth pair of its own that the node routes to, so traffic between pods, and of a
// pod with itself through a Service, passes the node's forwarding path like any other.
internal import Linux
package import Networking
import Synchronization

/// The running topology. Its namespaces go with the last reference, at exit of the process, or, if
/// that was killed, when the next lab is built.
package final class Lab: Sendable {
    /// Outside of the cluster. Its default route is the node, so Service addresses are routed there.
    package let client: Host
    /// The host under test; its namespace is what the host is to a Service proxy.
    package let node: Host
    package let pods: [Host]
    /// Further addresses of the node on its uplink.
    package let nodeAliases: [IPAddress]

    /// What `--cluster-cidr` says.
    package static let clusterCIDR = "10.244.0.0/16,fd00:10:244::/48"

    private static let nextNumber = Atomic<Int>(0)

    /// Builds the topology. At most 250 pods; `nodeAliases` adds 192.168.50.3 and fd00:50::3 to the node.
    package init(pods: Int = 3, nodeAliases: Bool = true) throws {
        guard (0...250).contains(pods) else { throw LabError("a lab has 0 to 250 pods, not \(pods)") }
        NamespaceRegistry.sweep()
        let number = Self.nextNumber.add(1, ordering: .relaxed).newValue
        func host(_ name: String, _ ipv4: IPAddress, _ ipv6: IPAddress) throws -> Host {
            let namespace = try NamespaceRegistry.create(lab: number, host: name)
            return Host(name: name, namespace: namespace, ipv4: ipv4, ipv6: ipv6)
        }
        self.client = try host("client", Plan.client.ipv4, Plan.client.ipv6)
        self.node = try host("node", Plan.node.ipv4, Plan.node.ipv6)
        self.pods = try (0..<pods).map { index in
            let addresses = Plan.pod(index)
            return try host("pod-\(index + 1)", addresses.ipv4, addresses.ipv6)
        }
        self.nodeAliases = nodeAliases ? [Plan.alias.ipv4, Plan.alias.ipv6] : []
        do {
            try self.configure()
        } catch {
            self.tearDown()
            throw error
        }
    }

    deinit { self.tearDown() }

    /// The node as its pods see it: masqueraded connections come from here.
    package func podGateway(_ family: AddressFamily) -> IPAddress {
        family == .ipv4 ? Plan.gateway.ipv4 : Plan.gateway.ipv6
    }

    package var hosts: [Host] { [self.client, self.node] + self.pods }

    /// Deletes the namespaces. Servers and programs inside must have been stopped: they keep theirs alive.
    package func tearDown() {
        for host in self.hosts { NamespaceRegistry.delete(host.namespace) }
    }

    // MARK: - Configuration

    private func configure() throws {
        // Before any device exists: a device takes its settings from `default` when it is made.
        for host in self.hosts { try host.setKernelParameters(Plan.kernelParameters) }
        try self.node.setKernelParameters(Plan.routerParameters)
        // The node makes both ends of each pair, the far one directly in its place.
        try Self.batch(
            self.node,
            ["link add uplink type veth peer name eth0 netns \(self.client.namespace.name)"]
                + self.pods.map { "link add \($0.name) type veth peer name eth0 netns \($0.namespace.name)" }
        )
        try Self.batch(self.client, Plan.clientCommands)
        for (index, pod) in self.pods.enumerated() { try Self.batch(pod, Plan.podCommands(index)) }
        try Self.batch(
            self.node,
            Plan.nodeCommands(aliases: self.nodeAliases) + self.pods.indices.flatMap(Plan.nodeCommands(pod:))
        )
    }

    private static func batch(_ host: Host, _ lines: [String]) throws {
        let script = lines.map { "\($0)\n" }.joined()
        try host.shell("ip -batch - <<'END'\n\(script)END")
    }
}
