package import KubernetesAPI
internal import Networking
package import ServiceModel

/// What `GET /v1/endpoints` answers: sorted by namespace, Service, port and address.
package struct EndpointList: Hashable, Sendable {
    package static let kind = "EndpointList"

    package var items: [EndpointItem]
    /// Behind which Service the next page begins; nil: there is none.
    package var next: ObjectName?

    package init(items: [EndpointItem] = []) {
        self.items = items
    }

    /// From what the data plane goes by.
    ///
    /// - Parameters:
    ///   - reports: what the balancer knows of endpoints.
    ///   - server: who serves a port of a Service; nil: nobody.
    package init(
        _ planner: ServicePlanner, _ history: EndpointHistory,
        _ reports: [StreamEndpoint: StreamEndpointReport], of query: ObjectQuery = ObjectQuery(.endpoints),
        server: (ServicePort, ObjectName) -> EndpointServer?
    ) {
        var items: [EndpointItem] = []
        var left = Self.connected(reports, of: query)
        let selected = ListPage.select(
            planner.servedServices(namespace: query.namespace, named: query.name, labelled: query.selector), query.page)
        self.next = selected.next
        for name in selected.names {
            var servers: [ServicePort: EndpointServer?] = [:]
            let first = items.count
            for endpoint in planner.listedEndpoints(of: name, history) {
                let servedBy: EndpointServer?
                if let known = servers[endpoint.port] {
                    servedBy = known
                } else {
                    servedBy = server(endpoint.port, name)
                    servers[endpoint.port] = .some(servedBy)
                }
                let identity = ServicePortIdentity(
                    service: name, name: endpoint.port.name, transport: endpoint.port.transport)
                let report = reports[StreamEndpoint(port: identity, backend: endpoint.backend)]
                items.append(EndpointItem(endpoint, of: name, servedBy, servedBy == .userspace ? report : nil))
                left[identity]?[endpoint.backend] = nil
            }
            guard let gone = Self.gone(planner.service(name), name, &left, server), !gone.isEmpty else { continue }
            items += gone
            items[first...].sort(by: EndpointItem.precedes)
        }
        self.items = items
    }

    private typealias Connected = [ServicePortIdentity: [Backend: Int]]

    /// Endpoints that have connections.
    private static func connected(
        _ reports: [StreamEndpoint: StreamEndpointReport], of query: ObjectQuery
    ) -> Connected {
        var connected: Connected = [:]
        for (endpoint, report) in reports where report.connections > 0 && query.selects(endpoint.port.service) {
            connected[endpoint.port, default: [:]][endpoint.backend] = report.connections
        }
        return connected
    }

    /// Those that no slice of a Service lists any more; only where the balancer serves: a Service that the kernel has may have
    /// some there as well, of NodePorts on localhost.
    private static func gone(
        _ service: Service?, _ name: ObjectName, _ left: inout Connected,
        _ server: (ServicePort, ObjectName) -> EndpointServer?
    ) -> [EndpointItem]? {
        guard !left.isEmpty else { return nil }
        var items: [EndpointItem] = []
        for port in service?.ports ?? [] {
            let identity = ServicePortIdentity(service: name, name: port.name, transport: port.transport)
            guard let endpoints = left.removeValue(forKey: identity), !endpoints.isEmpty,
                server(port, name) == .userspace
            else { continue }
            for (backend, connections) in endpoints {
                var item = EndpointItem(
                    namespace: name.namespace, service: name.name, portName: port.name, portNumber: port.port,
                    transport: port.transport, backend: backend, state: .draining)
                item.servedBy = .userspace
                item.connections = connections
                items.append(item)
            }
        }
        return items
    }
}

extension EndpointItem {
    fileprivate init(
        _ endpoint: ListedEndpoint, of service: ObjectName, _ servedBy: EndpointServer?, _ report: StreamEndpointReport?
    ) {
        let standing = EndpointStanding(endpoint.condition, since: endpoint.since, report)
        self.init(
            namespace: service.namespace, service: service.name, portName: endpoint.port.name,
            portNumber: endpoint.port.port, transport: endpoint.port.transport, backend: endpoint.backend,
            state: standing.state)
        self.node = endpoint.node
        self.zone = endpoint.zone
        self.servedBy = servedBy
        self.since = standing.since
        self.share = standing.share
        self.connections = servedBy == .userspace ? report?.connections ?? 0 : nil
        self.lastFailure = report?.lastFailure
    }

    fileprivate static func precedes(_ left: EndpointItem, _ right: EndpointItem) -> Bool {
        (left.portName, left.transport, left.backend) < (right.portName, right.transport, right.backend)
    }
}
