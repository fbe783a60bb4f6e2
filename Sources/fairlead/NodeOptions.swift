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

    @Option(
        name: .customLong("detect-local-mode"),
        help: ArgumentHelp(
            """
            How pods are told from everybody else: ClusterCIDR (by --cluster-cidr), NodeCIDR (by spec.podCIDRs of \
            this node's Node), BridgeInterface (they come by --pod-bridge-interface) or InterfaceNamePrefix (by \
            interfaces that start with --pod-interface-name-prefix).
            """, valueName: "mode"))
    var detectLocalMode = "ClusterCIDR"

    @Option(
        name: .customLong("pod-bridge-interface"),
        help: ArgumentHelp("The bridge that this node's pods are on.", valueName: "interface"))
    var podBridgeInterface: String?

    @Option(
        name: .customLong("pod-interface-name-prefix"),
        help: ArgumentHelp("What the names of this node's pods' interfaces start with.", valueName: "prefix"))
    var podInterfaceNamePrefix: String?

    @Option(
        name: .customLong("max-affinity-clients"),
        help: ArgumentHelp(
            "How many clients of each IP version session affinity remembers; others are balanced anew each time.",
            valueName: "count"))
    var maximumAffinityClients = NodeSettings.defaultAffinityClients

    @Option(
        name: .customLong("feature-gates"),
        help: ArgumentHelp(
            "AllowServiceExternalIPs=false makes spec.externalIPs have no effect. Other gates have no meaning here.",
            valueName: "name=bool,name=bool"))
    var featureGates = ""

    /// The options as the data plane takes them.
    func configuration() throws -> DataplaneConfiguration {
        var configuration = DataplaneConfiguration(
            nodeName: (self.hostnameOverride ?? HostSystem.name).lowercased())
        guard !configuration.nodeName.isEmpty else {
            throw CommandFailure.usage("--hostname-override: must not be empty")
        }
        configuration.masqueradeAll = self.masqueradeAll
        guard self.maximumAffinityClients > 0 else {
            throw CommandFailure.usage("--max-affinity-clients: must be at least 1")
        }
        configuration.affinityClients = self.maximumAffinityClients
        configuration.allowsExternalIPs = try self.externalIPsGate()
        configuration.localDetection = try self.localDetection()
        if self.nodePortAddresses != "primary" {
            configuration.nodePortAddresses = .blocks(
                try Self.blocks(self.nodePortAddresses, option: "--nodeport-addresses"))
        }
        return configuration
    }

    private func localDetection() throws -> DataplaneConfiguration.LocalDetection {
        func interface(_ value: String?, _ option: String) throws -> String {
            // IFNAMSIZ, less the NUL.
            guard let value, !value.isEmpty, value.utf8.count <= 15, !value.contains("/"), !value.contains(" ") else {
                throw CommandFailure.usage(
                    "--detect-local-mode \(self.detectLocalMode) needs \(option) with the name of an interface")
            }
            return value
        }
        switch self.detectLocalMode {
        case "ClusterCIDR":
            let blocks = try self.clusterCIDR.map { try Self.blocks($0, option: "--cluster-cidr") } ?? []
            for family in AddressFamily.allCases where blocks.count(where: { $0.family == family }) > 1 {
                throw CommandFailure.usage(
                    "--cluster-cidr: at most one IPv\(family.rawValue) block, not '\(self.clusterCIDR ?? "")'")
            }
            return .clusterCIDR(blocks)
        case "NodeCIDR":
            return .nodeCIDR
        case "BridgeInterface":
            return .bridgeInterface(try interface(self.podBridgeInterface, "--pod-bridge-interface"))
        case "InterfaceNamePrefix":
            return .interfaceNamePrefix(try interface(self.podInterfaceNamePrefix, "--pod-interface-name-prefix"))
        default:
            throw CommandFailure.usage(
                "--detect-local-mode: '\(self.detectLocalMode)' is none of ClusterCIDR, NodeCIDR, BridgeInterface, "
                    + "InterfaceNamePrefix")
        }
    }

    /// Other gates of kube-proxy are let pass: command lines are taken over whole.
    private func externalIPsGate() throws -> Bool {
        var isOpen = true
        for gate in self.featureGates.split(separator: ",") {
            let sides = gate.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2, let value = Bool(sides[1].lowercased()) else {
                throw CommandFailure.usage("--feature-gates: '\(gate)' is not NAME=true or NAME=false")
            }
            if sides[0] == "AllowServiceExternalIPs" { isOpen = value }
        }
        return isOpen
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

/// Options of connection tracking; names and defaults as kube-proxy's.
struct ConntrackOptions: ParsableArguments {
    private static let defaults = ConntrackSettings()

    @Option(
        name: .customLong("conntrack-max-per-core"),
        help: ArgumentHelp("Connections to track for each core; 0 leaves the kernel's limit.", valueName: "count"))
    var maximumPerCore = Self.defaults.maximumPerCore

    @Option(
        name: .customLong("conntrack-min"),
        help: ArgumentHelp("Connections to track however few cores there are.", valueName: "count"))
    var minimum = Self.defaults.minimum

    @Option(
        name: .customLong("conntrack-tcp-timeout-established"),
        help: ArgumentHelp("How long idle TCP connections are tracked; 0s leaves it.", valueName: "duration"))
    var tcpEstablished = Seconds(Self.defaults.tcpEstablishedTimeout)

    @Option(
        name: .customLong("conntrack-tcp-timeout-close-wait"),
        help: ArgumentHelp("How long half closed TCP connections are tracked; 0s leaves it.", valueName: "duration"))
    var tcpCloseWait = Seconds(Self.defaults.tcpCloseWaitTimeout)

    @Option(
        name: .customLong("conntrack-udp-timeout"),
        help: ArgumentHelp("How long UDP flows without answers are tracked; 0s leaves it.", valueName: "duration"))
    var udp = Seconds(Self.defaults.udpTimeout)

    @Option(
        name: .customLong("conntrack-udp-timeout-stream"),
        help: ArgumentHelp("How long answered UDP flows are tracked; 0s leaves it.", valueName: "duration"))
    var udpStream = Seconds(Self.defaults.udpStreamTimeout)

    @Option(
        name: .customLong("conntrack-tcp-be-liberal"),
        help: ArgumentHelp(
            "Keep TCP segments outside the window with their connection: without it one from an endpoint can end it.",
            valueName: "bool"))
    var tcpIsLiberal = Self.defaults.tcpIsLiberal

    @Flag(
        name: .customLong("reset-tcp-to-removed-endpoints"),
        help: "End TCP connections to endpoints that are gone: what the client sends next is answered by a reset.")
    var endsStaleTCP = false

    func settings() throws -> ConntrackSettings {
        let bounds = 0...Int(Int32.max)
        guard bounds.contains(self.maximumPerCore), bounds.contains(self.minimum) else {
            throw CommandFailure.usage(
                "--conntrack-max-per-core, --conntrack-min: must be from 0 to \(bounds.upperBound)")
        }
        var settings = ConntrackSettings()
        settings.maximumPerCore = self.maximumPerCore
        settings.minimum = self.minimum
        settings.tcpEstablishedTimeout = self.tcpEstablished.count
        settings.tcpCloseWaitTimeout = self.tcpCloseWait.count
        settings.udpTimeout = self.udp.count
        settings.udpStreamTimeout = self.udpStream.count
        settings.tcpIsLiberal = self.tcpIsLiberal
        return settings
    }
}

/// A duration as Go writes it (`1h30m`, `300s`), in whole seconds.
struct Seconds: ExpressibleByArgument, CustomStringConvertible {
    let count: Int

    init(_ count: Int) { self.count = count }

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        var total = 0
        var number: Int?
        for byte in argument.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (next, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
                guard !overflow, next < Int(Int32.max) else { return nil }
                number = next + Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "h"), UInt8(ascii: "m"), UInt8(ascii: "s"):
                guard let value = number else { return nil }
                total += value * (byte == UInt8(ascii: "h") ? 3600 : byte == UInt8(ascii: "m") ? 60 : 1)
                number = nil
            default: return nil
            }
        }
        // A bare number has no unit; only 0 needs none.
        guard number ?? 0 == 0, total <= Int(Int32.max) else { return nil }
        self.count = total
    }

    var description: String { "\(self.count)s" }
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
