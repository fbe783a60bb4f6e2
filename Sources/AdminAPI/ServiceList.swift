package import KubernetesAPI
internal import Networking
package import ServiceModel

/// What `GET /v1/services` answers: sorted by namespace and name.
package struct ServiceList: Hashable, Sendable {
    package static let kind = "ServiceList"

    package var items: [ServiceItem]
    /// Behind which Service the next page begins; nil: there is none.
    package var next: ObjectName?

    package init(items: [ServiceItem] = []) { self.items = items }

    /// From what the data plane goes by.
    ///
    /// - Parameter server: who serves a port of a Service; nil: nobody.
    package init(
        _ planner: ServicePlanner, of query: ObjectQuery = ObjectQuery(.services),
        server: (ServicePort, ObjectName) -> EndpointServer?
    ) {
        let selected = ListPage.select(
            planner.servedServices(namespace: query.namespace, named: query.name, labelled: query.selector), query.page)
        self.next = selected.next
        self.items = selected.names.compactMap { name in
            planner.service(name).map { ServiceItem($0, planner, server) }
        }
    }
}

extension ServiceItem {
    fileprivate init(
        _ service: Service, _ planner: ServicePlanner, _ server: (ServicePort, ObjectName) -> EndpointServer?
    ) {
        let name = service.metadata.name
        self.init(
            namespace: name.namespace, name: name.name, type: service.type.rawValue,
            ports: zip(service.ports, planner.endpointCounts(of: service)).map { port, count in
                Port(
                    name: port.name, number: port.port, transport: port.transport, nodePort: port.nodePort,
                    ready: count.ready, listed: count.listed, servedBy: server(port, name))
            })
        self.clusterIPs = service.clusterIPs.map { "\($0)" }
        self.externalIPs = (service.loadBalancerIPs + service.externalIPs).map { "\($0)" }
        self.externalPolicy = service.externalTrafficPolicy.rawValue
        self.internalPolicy = service.internalTrafficPolicy.rawValue
        if case .clientIP(let seconds) = service.sessionAffinity { self.affinity = seconds }
        self.problems =
            service.notes + planner.passthroughProblems(of: name)
            + planner.conflicts(of: name).map { "\($0.frontend) is held by the older Service \($0.holder)" }
    }
}
