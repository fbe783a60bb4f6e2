internal import ArgumentParser
internal import KernelDataplane
internal import Networking

/// Options of the node role for the userspace balancer: when it serves, and where.
struct BalancerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Who serves virtual IPs and NodePorts: nftables, userspace (the balancer of this process), or auto: nftables, and the \
            balancer as long as nftables cannot be programmed. Services that ask for what the kernel cannot do are the \
            balancer's in any case. Default: auto.
            """, valueName: "auto|nftables|userspace"))
    var dataplane: String?

    @Option(
        name: .customLong("localhost-nodeports"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp("NodePorts answer at 127.0.0.1 and ::1 too. Default: true.", valueName: "bool"))
    var localhostNodePorts: String?

    @Option(
        name: .customLong("balancer-addresses"),
        help: ArgumentHelp(
            """
            Where the kernel finds the balancer: addresses that nobody else has, at most one of each IP version, which this host \
            takes for its own while they are needed. Default: \(Self.defaults.ipv4),\(Self.defaults.ipv6).
            """, valueName: "address,address"))
    var addresses: String?

    @Option(
        name: .customLong("balancer-ports"),
        help: ArgumentHelp(
            """
            The ports there, one to three for each port of a Service that the kernel hands over. Default: \
            \(Self.defaults.ports.lowerBound)-\(Self.defaults.ports.upperBound).
            """, valueName: "first-last"))
    var ports: String?

    private static let defaults = BalancerAddresses()

    func apply(to configuration: inout DataplaneConfiguration) throws(CommandFailure) {
        if let dataplane {
            guard let choice = DataplaneChoice(rawValue: dataplane) else {
                throw .usage("--dataplane: must be auto, nftables or userspace, not '\(dataplane)'")
            }
            configuration.dataplane = choice
        }
        configuration.servesLocalhostNodePorts = try FlagValue.isTrue(
            "localhost-nodeports", self.localhostNodePorts, default: true)
        if let addresses { configuration.balancer = try Self.read(addresses, configuration.balancer) }
        if let ports {
            let ends = ports.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last else {
                throw .usage("--balancer-ports: must be two ports such as 20000-29999, not '\(ports)'")
            }
            configuration.balancer.ports = first...last
        }
    }

    private static func read(
        _ text: String, _ defaults: BalancerAddresses
    ) throws(CommandFailure) -> BalancerAddresses {
        var balancer = defaults
        var seen: Set<AddressFamily> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let address = IPAddress(String(part)), !address.isLoopback, !address.isUnspecified,
                !(address.family == .ipv6 && address.isLinkLocal), seen.insert(address.family).inserted
            else {
                throw .usage(
                    "--balancer-addresses: must be at most one address of each IP version, and none of 127.0.0.0/8, ::1 or "
                        + "fe80::/10, not '\(text)'")
            }
            balancer[address.family] = address
        }
        return balancer
    }
}
