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

    /// Reads what the kernel holds of what is asked for. The list of all says of its table as a whole whether that is as planned, on the last
    /// page where it comes in pages, for which all of it is read: that takes as long as there is much in it.
    func frontends(_ query: String) throws(APIFailure) -> String {
        let query = try ObjectQuery(.frontends, query: query)
        // Not before everything was listed.
        let view = try self.view()
        let selected = ListPage.select(
            view.planner.servedServices(namespace: query.namespace, named: query.name, labelled: query.selector),
            query.page)
        /// What is programmed may be older than the view: a Service that is gone from that stays until its rules have.
        func selects(_ service: ObjectName) -> Bool {
            guard query.selects(service), query.page?.after.map({ $0 < service }) ?? true,
                selected.next.map({ service <= $0 }) ?? true
            else { return false }
            guard let selector = query.selector else { return true }
            return view.planner.service(service).map { selector.matches($0.metadata.allLabels) } ?? false
        }
        let isWhole = query.isOfAll && selected.next == nil
        let report: FrontendReport?
        do {
            report = try self.dataplane.frontends(of: isWhole ? nil : selects, within: Self.dataplanePatience)
        } catch {
            throw .unavailable("the kernel could not be read: \(error)")
        }
        guard let report else { throw Self.busy }
        let items = report.items.compactMap { item -> (service: ObjectName, item: FrontendItem)? in
            guard selects(item.service) else { return nil }
            return (
                item.service,
                FrontendItem(
                    service: item.servicePort, frontend: item.frontend, kernel: item.standing.rawValue,
                    wrongElements: item.wrongElements, connections: item.traffic.connections, bytes: item.traffic.bytes)
            )
        }
        return FrontendList(items, next: selected.next, isTableExact: report.isTableExact).json
    }

    func nodes(_ query: String) throws(APIFailure) -> String {
        let query = try ObjectQuery(.nodes, query: query)
        let view = try self.view()
        let facts = view.planner.node
        guard query.name.map({ $0 == facts.name }) ?? true, query.namespace == nil else { return NodeItem.document([]) }
        let names = view.planner.servedServices(namespace: nil, named: nil)
        let pods: [String] =
            switch view.node.pods {
            case .blocks(let blocks): blocks.map { "\($0)" }
            case .interface(let name): [name]
            }
        return NodeItem.document([
            NodeItem(
                node: facts.name, dataplane: view.mode.name.rawValue, services: names.count,
                endpoints: names.reduce(0) { sum, name in
                    let service = view.planner.service(name)
                    return sum
                        + (service.map { view.planner.endpointCounts(of: $0) } ?? []).reduce(0) { $0 + $1.listed }
                },
                zone: facts.zone, addresses: view.node.nodePortAddresses.map { "\($0)" }.sorted(),
                serviceCIDRs: view.node.serviceCIDRs.map { "\($0)" }.sorted(), pods: pods,
                version: Fairlead.versionNumber)
        ])
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

    private static let busy = APIFailure.unavailable("the data plane is busy programming; try again")

    private func view() throws(APIFailure) -> DataplaneView {
        guard let view = self.dataplane.view(within: Self.dataplanePatience) else {
            throw Self.busy
        }
        guard view.isSynced else {
            throw .unavailable("Services and EndpointSlices have not been listed yet; try again, or see the log")
        }
        return view
    }
}
