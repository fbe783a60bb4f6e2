internal import ArgumentParser
internal import KernelDataplane
internal import Linux
internal import Logging
internal import Networking

/// Options of the node role; names as kube-proxy's.
struct NodeOptions: ParsableArguments {
    @Option(
        name: .customLong("hostname-override"),
        help: ArgumentHelp("This node's name as EndpointSlices spell it. Default: the host name.", valueName: "name"))
    var hostnameOverride: String?

    @Option(
        name: .customLong("cluster-cidr"),
        help: ArgumentHelp(
            "Where pods' addresses come from, at most one block of each family, separated by commas. "
                + "Connections to a ClusterIP from anywhere else are masqueraded. Without it, none are.",
            valueName: "cidr,cidr"))
    var clusterCIDR: String?

    @Flag(name: .customLong("masquerade-all"), help: "Masquerade every connection to a ClusterIP, pods' too.")
    var masqueradeAll = false

    @Option(
        name: .customLong("nodeport-addresses"),
        help: ArgumentHelp(
            "Which of the node's addresses take NodePorts: `primary`, or blocks separated by commas. Default: primary.",
            valueName: "primary|cidr,cidr"))
    var nodePortAddresses = "primary"

    /// The options as the data plane takes them.
    func configuration() throws -> KernelDataplane.Configuration {
        var configuration = KernelDataplane.Configuration(
            nodeName: (self.hostnameOverride ?? HostSystem.name).lowercased())
        guard !configuration.nodeName.isEmpty else {
            throw CommandFailure.usage("--hostname-override: must not be empty")
        }
        configuration.masqueradeAll = self.masqueradeAll
        if let clusterCIDR {
            configuration.clusterCIDRs = try Self.blocks(clusterCIDR, option: "--cluster-cidr")
            for family in AddressFamily.allCases
            where configuration.clusterCIDRs.count(where: { $0.family == family }) > 1 {
                throw CommandFailure.usage(
                    "--cluster-cidr: at most one IPv\(family.rawValue) block, not '\(clusterCIDR)'")
            }
        }
        if self.nodePortAddresses != "primary" {
            configuration.nodePortAddresses = .blocks(
                try Self.blocks(self.nodePortAddresses, option: "--nodeport-addresses"))
        }
        return configuration
    }

    private static func blocks(_ text: String, option: String) throws -> [CIDR] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let block = CIDR(String(part)) else {
                throw CommandFailure.usage(
                    "\(option): '\(part)' is not an address block such as 10.244.0.0/16 or fd00:10:244::/48")
            }
            return block
        }
    }
}

/// Options for taking over a node from another proxy.
struct TakeoverOptions: ParsableArguments {
    @Flag(
        name: .customLong("cleanup-kube-proxy"),
        help: "Once the rules are in force, remove what kube-proxy left in the kernel. Stop kube-proxy first.")
    var cleanupKubeProxy = false
}

/// Options of every command that runs on.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "How much to say: trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var level = "info"

    func validLevel() throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: self.level) else {
            throw CommandFailure.usage(
                "--log-level: '\(self.level)' is none of trace, debug, info, notice, warning, error, critical")
        }
        return level
    }
}
