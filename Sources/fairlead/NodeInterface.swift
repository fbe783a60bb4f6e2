internal import AdminAPI
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Networking
internal import ServiceModel
internal import StreamBalancer
internal import Traces

/// What the node role answers.
struct NodeInterface: Sendable {
    /// For the data plane's thread, which may be programming; and for the balancer's, which hardly ever is late.
    private static let dataplanePatience = Duration.seconds(2)
    private static let balancerPatience = Duration.seconds(1)

    let dataplane: KernelDataplane
    let balancer: StreamBalancer

    func services(_ query: String) throws(APIFailure) -> ServiceList {
        let query = try ObjectQuery(.services, query: query)
        let view = try self.view()
        return ServiceList(view.planner, of: query) { port, service in Self.server(view, port, service) }
    }

    func endpoints(_ query: String) throws(APIFailure) -> EndpointList {
        let query = try ObjectQuery(.endpoints, query: query)
        let view = try self.view()
        guard let reports = self.balancer.endpoints(within: Self.balancerPatience) else {
            throw .unavailable("the userspace balancer does not answer; try again")
        }
        return EndpointList(view.planner, view.history, reports, of: query) { port, service in
            Self.server(view, port, service)
        }
    }

    func trace(_ packet: TracedPacket) throws(APIFailure) -> TraceDocument<PacketTrace> {
        let view = try self.view()
        let tracing = PacketTracing(
            view.planner, node: view.node, hostAddresses: Set((try? HostAddresses.all()) ?? []),
            dataplane: view.mode.name)
        return TraceDocument(tracing.trace(packet))
    }

    private static func server(
        _ view: DataplaneView, _ port: ServicePort, _ service: ObjectName
    ) -> EndpointServer? {
        view.server(of: port, of: service).map { $0 == .nftables ? .kernel : .userspace }
    }

    private func view() throws(APIFailure) -> DataplaneView {
        guard let view = self.dataplane.view(within: Self.dataplanePatience) else {
            throw .unavailable("the data plane is busy programming; try again")
        }
        guard view.isSynced else {
            throw .unavailable("Services and EndpointSlices have not been listed yet; try again, or see the log")
        }
        return view
    }
}
