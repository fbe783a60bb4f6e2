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
        let times = slices.map { history.times(of: $0.metadata.name) }
        for port in ports.sorted(by: { ($0.name, $0.transport) < ($1.name, $1.transport) }) {
            let naming = slices.enumerated().compactMap { place, slice in
                slice.ports.first { $0.name == port.name && $0.transport == port.transport }.map { (place, $0.port) }
            }
            func item(_ endpoint: Endpoint, _ place: Int, _ index: Int, _ target: UInt16) -> ListedEndpoint {
                ListedEndpoint(
                    port: port, backend: Backend(endpoint.address, target), condition: EndpointCondition(endpoint),
                    node: endpoint.nodeName, zone: endpoint.zone,
                    since: times[place].indices.contains(index) ? times[place][index] : nil)
            }
            // Of one slice with each address once, which nearly all are, nothing has to be merged.
            if naming.count == 1, let (place, target) = naming.first, Self.areDistinct(slices[place].endpoints) {
                listed += slices[place].endpoints.enumerated().map { item($1, place, $0, target) }
                    .sorted { $0.backend < $1.backend }
                continue
            }
            var ranked: [Backend: (rank: Int, endpoint: ListedEndpoint)] = [:]
            for (place, target) in naming {
                for (index, endpoint) in slices[place].endpoints.enumerated() {
                    let backend = Backend(endpoint.address, target)
                    let rank = (endpoint.isTerminating ? 0 : 2) + (endpoint.isReady ? 1 : 0)
                    if let former = ranked[backend], former.rank >= rank { continue }
                    ranked[backend] = (rank, item(endpoint, place, index, target))
                }
            }
            listed += ranked.values.lazy.map(\.endpoint).sorted { $0.backend < $1.backend }
        }
        return listed
    }
}

extension EndpointListing {
    /// How many ``list(_:of:_:)`` has of one port, and how many of them are ready: for those who want no more of many Services.
    package static func count(_ port: ServicePort, of slices: [EndpointSlice]) -> (ready: Int, listed: Int) {
        let listing = slices.compactMap { slice -> (target: UInt16, endpoints: [Endpoint])? in
            slice.ports.first { $0.name == port.name && $0.transport == port.transport }
                .map { ($0.port, slice.endpoints) }
        }
        // Of one slice with each address once, which nearly all are, nothing has to be merged.
        if listing.count == 1, Self.areDistinct(listing[0].endpoints) {
            let endpoints = listing[0].endpoints
            return (endpoints.count { EndpointCondition($0) == .ready }, endpoints.count)
        }
        let all = Self.list([port], of: slices, EndpointHistory())
        return (all.count { $0.condition == .ready }, all.count)
    }

    private static func areDistinct(_ endpoints: [Endpoint]) -> Bool {
        guard endpoints.count <= 16 else { return Set(endpoints.map(\.address)).count == endpoints.count }
        for index in endpoints.indices {
            for other in endpoints.indices[..<index] where endpoints[other].address == endpoints[index].address {
                return false
            }
        }
        return true
    }
}

extension ServicePlanner {
    /// The Services that a data plane serves, sorted; of one namespace, of one name, or with some labels, where these are given.
    package func servedServices(
        namespace: String? = nil, named name: String? = nil, labelled selector: LabelSelector? = nil
    ) -> [ObjectName] {
        self.services.lazy
            .filter { (namespace == nil || $0.key.namespace == namespace) && (name == nil || $0.key.name == name) }
            .filter { Self.isOurs($0.value) && (selector?.matches($0.value.metadata.allLabels) ?? true) }
            .map(\.key).sorted()
    }

    /// The endpoints of all ports of a Service that virtual IPs are served with, in whatever condition.
    package func listedEndpoints(of name: ObjectName, _ history: EndpointHistory) -> [ListedEndpoint] {
        guard let service = self.services[name] else { return [] }
        return EndpointListing.list(service.ports, of: self.listedSlices(of: service), history)
    }

    /// How many they are, of each of its ports in their order, and how many of them are ready.
    package func endpointCounts(of service: Service) -> [(ready: Int, listed: Int)] {
        let slices = self.listedSlices(of: service)
        return service.ports.map { EndpointListing.count($0, of: slices) }
    }

    private func listedSlices(of service: Service) -> [EndpointSlice] {
        guard let slices = self.slices[service.metadata.name] else { return [] }
        return slices.values.filter { slice in
            guard slice.metadata.labels[KnownKey.headless] == nil, let family = slice.family else { return false }
            return service.clusterIPs.contains { $0.family == family }
        }
    }

    /// A Service, as it was taken over.
    package func service(_ name: ObjectName) -> Service? { self.services[name] }

    /// A slice, as it was taken over.
    package func slice(_ name: ObjectName) -> EndpointSlice? {
        self.serviceOfSlice[name].flatMap { self.slices[$0]?[name] }
    }
}
