package import KubernetesAPI
internal import Networking

/// What EndpointSlices say of an endpoint.
package enum EndpointCondition: Hashable, Sendable, CaseIterable {
    case ready
    /// Terminating, and serving still.
    case draining
    case notReady

    package init(_ endpoint: Endpoint) {
        // Who publishes endpoints that are not ready wants them used, terminating or not.
        if endpoint.isReady {
            self = .ready
        } else {
            self = endpoint.isTerminating && endpoint.isServing ? .draining : .notReady
        }
    }
}

/// One endpoint of one port of a Service, as EndpointSlices list it.
package struct ListedEndpoint: Hashable, Sendable {
    package let port: ServicePort
    package let backend: Backend
    package let condition: EndpointCondition
    package let node: String?
    package let zone: String?
    /// Since when it has the condition: nanoseconds since 1970, as far as ``EndpointHistory`` knows.
    package let since: Int64?
}

/// What slices list.
package enum EndpointListing {
    /// The endpoints of some ports of one Service, in whatever condition, sorted by the name of the port and by address. An address and
    /// port that several slices list counts once, as ``EndpointSelection`` has it.
    package static func list(
        _ ports: [ServicePort], of slices: [EndpointSlice], _ history: EndpointHistory
    ) -> [ListedEndpoint] {
        let slices = slices.sorted { $0.metadata.name < $1.metadata.name }
        var listed: [ListedEndpoint] = []
        for port in ports.sorted(by: { ($0.name, $0.transport) < ($1.name, $1.transport) }) {
            var ranked: [Backend: (rank: Int, endpoint: ListedEndpoint)] = [:]
            for slice in slices {
                guard let target = slice.ports.first(where: { $0.name == port.name && $0.transport == port.transport })
                else { continue }
                for (index, endpoint) in slice.endpoints.enumerated() {
                    let backend = Backend(endpoint.address, target.port)
                    let rank = (endpoint.isTerminating ? 0 : 2) + (endpoint.isReady ? 1 : 0)
                    if let former = ranked[backend], former.rank >= rank { continue }
                    ranked[backend] = (
                        rank,
                        ListedEndpoint(
                            port: port, backend: backend, condition: EndpointCondition(endpoint),
                            node: endpoint.nodeName, zone: endpoint.zone,
                            since: history.time(of: slice.metadata.name, at: index))
                    )
                }
            }
            listed += ranked.values.lazy.map(\.endpoint).sorted { $0.backend < $1.backend }
        }
        return listed
    }
}

extension ServicePlanner {
    /// The Services that a data plane serves, sorted; of one namespace, or of one name, where these are given.
    package func servedServices(namespace: String? = nil, named name: String? = nil) -> [ObjectName] {
        self.services.lazy
            .filter { (namespace == nil || $0.key.namespace == namespace) && (name == nil || $0.key.name == name) }
            .filter { Self.isOurs($0.value) }.map(\.key).sorted()
    }

    /// The endpoints of all ports of a Service that virtual IPs are served with, in whatever condition.
    package func listedEndpoints(of name: ObjectName, _ history: EndpointHistory) -> [ListedEndpoint] {
        guard let service = self.services[name], let slices = self.slices[name] else { return [] }
        let families = Set(service.clusterIPs.map(\.family))
        let usable = slices.values
            .filter { $0.metadata.labels[KnownKey.headless] == nil && $0.family.map(families.contains) ?? false }
        return EndpointListing.list(service.ports, of: usable, history)
    }

    /// A Service, as it was taken over.
    package func service(_ name: ObjectName) -> Service? { self.services[name] }

    /// A slice, as it was taken over.
    package func slice(_ name: ObjectName) -> EndpointSlice? {
        self.serviceOfSlice[name].flatMap { self.slices[$0]?[name] }
    }
}
