internal import Admin
internal import AdminAPI
internal import ArgumentParser
internal import ClusterState
internal import IngressControl
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Networking
internal import Nftables
internal import Routing
internal import Traces

/// `fairlead trace`: where a packet or a request goes, and why.
struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain where a connection or a request goes, and why it does not go elsewhere.",
        discussion: """
            `fairlead trace --from 10.244.1.7 10.96.0.10:80` asks the Fairlead of this node, over its admin socket; with --manifests it says what \
            would be planned for them, without any privilege. It names the Service, source ranges and policies, each endpoint and why it \
            is or is not one, whose address endpoints see, and the verdict.

            `fairlead trace https://shop.example.com/cart` asks the ingress role in the same way: which certificate is shown, whose \
            rules count for the host, which rule the path meets, the backend, its endpoints, and the answer where there is none.

            With --live it waits for a connection's first packet and follows it through the rules that the kernel really has, all \
            programs' (nftrace): make the client try, or add --probe, which connects from this host. It takes CAP_NET_ADMIN and leaves \
            nothing behind.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Where it goes: ADDRESS:PORT, [ADDRESS]:PORT, or a URL of http or https.", valueName: "destination"))
    var destination: String

    @Option(help: ArgumentHelp("Who makes it. Default: this node.", valueName: "address"))
    var from: String?

    @Option(name: .customLong("protocol"), help: ArgumentHelp("tcp, udp or sctp.", valueName: "protocol"))
    var transport = "tcp"

    @Option(
        help: ArgumentHelp("The interface that it comes by, where pods are known by theirs.", valueName: "interface"))
    var interface: String?

    @Flag(
        help: """
            Connect to each endpoint from here, to see whether anybody listens there; with --live, connect to the destination.
            """)
    var probe = false

    @Flag(help: "Follow a packet that comes by through the kernel's rules, and compare with what is planned.")
    var live = false

    @Option(help: ArgumentHelp("With --live: so long a packet is waited for.", valueName: "seconds"))
    var wait = 30

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Node: address") var address: NodeAddressOptions
    @OptionGroup(title: "Userspace balancer") var balancer: BalancerOptions
    @OptionGroup(title: "Ingress: rules") var rules: IngressRuleOptions

    func run() async throws {
        guard !self.live || !self.destination.contains("://") else {
            throw CommandFailure.usage("--live follows packets; for a request there is the access log")
        }
        if self.destination.contains("://") { return try await self.followRequest() }
        let packet = try self.packet()
        guard !self.probe || packet.transport == .tcp else {
            throw CommandFailure.usage("--probe: only who listens for TCP can be asked")
        }
        if self.live { return try await self.followLive(packet) }
        var trace = try await self.plan(packet)
        let outcomes = await self.outcomes(trace.candidates.map(\.address))
        for (place, outcome) in outcomes.enumerated() { trace.candidates[place].probe = outcome }
        print(TraceText.text(trace), terminator: "")
    }

    private func followLive(_ packet: TracedPacket) async throws {
        guard self.wait > 0 else { throw CommandFailure.usage("--wait: must be at least 1") }
        guard !self.probe || self.from == nil else {
            throw CommandFailure.usage("--live --probe: the connection it makes comes from this host, not from --from")
        }
        let tracing = try LiveTracing(packet, isFromAnywhere: self.from == nil)
        if self.probe {
            _ = await ConnectProbe.run([(packet.destination, packet.port)])
        } else {
            StandardError.write("waiting for a connection to \(self.destination); let the client try\n")
        }
        guard let path = try tracing.path(within: .seconds(self.probe ? 1 : self.wait)) else {
            throw CommandFailure.failed(
                "no first packet of such a connection came by: it takes another way, or is dropped before (rp_filter, the client's network)"
            )
        }
        let found = TracedPacket(
            from: path.first.source, to: packet.destination, packet.transport, packet.port,
            interface: path.input.flatMap(NetworkInterface.name))
        var plan: PacketTrace?
        do {
            plan = try await self.plan(found)
        } catch {
            // What the kernel does can be seen without a Fairlead that runs.
            StandardError.write("there is no plan to compare with: \(error)\n")
        }
        print(TraceText.text(path, plan: plan, interface: NetworkInterface.name), terminator: "")
    }

    private func plan(_ packet: TracedPacket) async throws -> PacketTrace {
        self.source.manifests == nil ? try await self.ask(.packet(packet), from: .node) : try self.planned(packet)
    }

    /// The running Fairlead.
    private func ask<Trace: TraceDocumentContent>(
        _ query: TraceQuery, from role: AdminSocketOptions.DefaultPath
    ) async throws(CommandFailure) -> Trace {
        let body = try await self.connection.get(query.target, from: role)
        return try self.connection.reading { () throws(APIFailure) in try TraceDocument<Trace>(json: body).trace }
    }

    private func followRequest() async throws {
        guard self.from == nil, self.interface == nil, self.transport == "tcp" else {
            throw CommandFailure.usage("--from, --protocol and --interface are about connections, not about requests")
        }
        guard let request = TracedRequest(url: self.destination) else {
            throw CommandFailure.usage("'\(self.destination)' is no URL such as https://shop.example.com/cart")
        }
        var trace: RequestTrace
        if self.source.manifests == nil {
            trace = try await self.ask(.request(request), from: .ingress)
        } else {
            trace = RequestTracing(try self.plannedRoutes(), now: WallTime.now.seconds).trace(request)
        }
        let outcomes = await self.outcomes(trace.candidates.map(\.address))
        for (place, outcome) in outcomes.enumerated() { trace.candidates[place].probe = outcome }
        print(TraceText.text(trace), terminator: "")
    }

    /// What connections to these came to; none if that is not wanted.
    private func outcomes(_ addresses: [String]) async -> [String] {
        guard self.probe else { return [] }
        return await ConnectProbe.run(addresses.compactMap(Self.place))
    }

    private func plannedRoutes() throws -> IngressPlanner {
        var options = try self.rules.plannerOptions()
        options.appliesDefaultClass = true
        let listing = try self.listing(of: ObjectKind.ofIngress)
        return IngressPreview.planner(
            of: listing.objects, options, nodeName: self.node.hostnameOverride ?? HostSystem.name)
    }

    /// By manifests.
    private func planned(_ packet: TracedPacket) throws -> PacketTrace {
        let start = try NodeStart(config: self.node.config, flags: self.node.given + self.address.given)
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        try self.balancer.apply(to: &configuration)
        let tracing: PacketTracing
        do {
            let listing = try self.listing(of: ObjectKind.ofNode)
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
        }
        return tracing.trace(packet)
    }

    private func listing(of kinds: Set<ObjectKind>) throws -> ManifestListing {
        let (directory, limits) = (try self.source.directory(), try self.source.limits())
        do throws(ManifestSourceError) {
            return try ManifestListing.read(directory: directory, kinds: kinds, limits: limits)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
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

    private static func place(_ text: String) -> (address: IPAddress, port: UInt16)? {
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
