internal import ArgumentParser
internal import ClusterState
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Networking
internal import Traces

/// `fairlead trace`: where a packet goes, and why.
struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain where a connection goes, and why it does not go elsewhere.",
        discussion: """
            From manifests: what would be planned for them on this node. `fairlead trace --manifests DIR --from 10.244.1.7 10.96.0.10:80` \
            names the Service, the policy, each endpoint and why it is or is not one, and whose address endpoints see. Needs no privilege.
            """
    )

    @Argument(help: ArgumentHelp("Where the connection goes: ADDRESS:PORT, [ADDRESS]:PORT.", valueName: "destination"))
    var destination: String

    @Option(help: ArgumentHelp("Who makes it. Default: this node.", valueName: "address"))
    var from: String?

    @Option(name: .customLong("protocol"), help: ArgumentHelp("tcp, udp or sctp.", valueName: "protocol"))
    var transport = "tcp"

    @Option(
        help: ArgumentHelp("The interface that it comes by, where pods are known by theirs.", valueName: "interface"))
    var interface: String?

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Node: address") var address: NodeAddressOptions
    @OptionGroup(title: "Userspace balancer") var balancer: BalancerOptions

    func run() throws {
        let packet = try self.packet()
        let start = try NodeStart(config: self.node.config, flags: self.node.given + self.address.given)
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        try self.balancer.apply(to: &configuration)
        let tracing: PacketTracing
        do {
            let listing = try ManifestListing.read(
                directory: try self.source.directory(), kinds: ObjectKind.ofNode, limits: try self.source.limits())
            let preview = try RulesetPreview(
                of: listing.objects, nodeName: configuration.nodeName, streams: configuration.handover
            ) {
                (cluster) throws(SystemError) in try configuration.settings(cluster)
            }
            tracing = PacketTracing(
                preview.planner, node: preview.node, hostAddresses: Set(try HostAddresses.all()),
                dataplane: configuration.dataplane == .userspace ? .userspace : .nftables)
        } catch let error as SystemError {
            throw CommandFailure.failed("\(error)")
        } catch let error as ManifestSourceError {
            throw CommandFailure.failed("\(error)")
        }
        print(TraceText.text(tracing.trace(packet)), terminator: "")
    }

    private func packet() throws(CommandFailure) -> TracedPacket {
        guard let (address, port) = Self.place(self.destination) else {
            throw .usage("'\(self.destination)' is not ADDRESS:PORT, such as 10.96.0.10:80 or [fd00::10]:80")
        }
        guard let transport = TransportProtocol(kubernetesName: self.transport.uppercased()) else {
            throw .usage("--protocol: must be tcp, udp or sctp, not '\(self.transport)'")
        }
        guard let from else {
            let own = HostAddresses.primary().first { $0.family == address.family }
            let loopback = address.family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
            return TracedPacket(from: own ?? loopback, to: address, transport, port, interface: self.interface)
        }
        guard let source = IPAddress(from), source.family == address.family else {
            throw .usage("--from: '\(from)' is not an address of the same IP version as \(address)")
        }
        return TracedPacket(from: source, to: address, transport, port, interface: self.interface)
    }

    private static func place(_ text: String) -> (IPAddress, UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return IPAddress(String(host)).map { ($0, port) }
    }
}
