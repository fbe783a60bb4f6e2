package import KubernetesAPI
package import Networking

/// Many Services of the same kind, each with one slice: what clusters for measurements are made of.
package struct GeneratedCluster: Sendable, Hashable {
    package var services: Int
    package var endpoints: Int
    package var namespace = "bench"
    /// ClusterIPs are this one and those that follow it.
    package var firstClusterIP = IPAddress(10, 96, 0, 10)
    package var port: UInt16 = 80
    /// Endpoints are taken from here in turn, from the first to the last and again, all at `backendPort`. One address
    /// never comes twice in a slice while there are enough.
    package var backends = AddressRun(first: IPAddress(10, 128, 0, 1), count: 1 << 22)
    package var backendPort: UInt16 = 8_080

    /// Addresses that follow each other.
    package struct AddressRun: Sendable, Hashable {
        package var first: IPAddress
        package var count: Int

        package init(first: IPAddress, count: Int) {
            self.first = first
            self.count = count
        }

        /// `10.0.0.1`, or `10.0.0.1-10.0.0.9`.
        package init?(_ text: some StringProtocol) {
            let ends = text.split(separator: "-", maxSplits: 1).map { IPAddress(String($0)) }
            guard let first = ends.first.flatMap({ $0 }), let last = ends.last.flatMap({ $0 }),
                first.family == last.family, first.high == last.high, first.low <= last.low,
                last.low - first.low < 1 << 24
            else { return nil }
            self.init(first: first, count: Int(last.low - first.low) + 1)
        }

        package subscript(index: Int) -> IPAddress {
            let low = self.first.low + UInt64(index % self.count)
            return self.first.family == .ipv4
                ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(ipv6High: self.first.high, low: low)
        }
    }

    package init(services: Int, endpoints: Int) {
        self.services = services
        self.endpoints = endpoints
    }

    /// `service-0`, and its slice `service-0-slice`.
    package func objects(_ index: Int) -> [KubernetesObject] {
        let name = ObjectName(namespace: self.namespace, name: "service-\(index)")
        let clusterIPs = AddressRun(first: self.firstClusterIP, count: .max)
        let service = Service(
            metadata: ObjectMeta(name: name),
            clusterIPs: [clusterIPs[index]],
            ports: [ServicePort(name: "http", port: self.port)]
        )
        let slice = EndpointSlice(
            metadata: ObjectMeta(
                name: ObjectName(namespace: self.namespace, name: "\(name.name)-slice"),
                labels: [KnownKey.serviceName: name.name]
            ),
            serviceName: name,
            family: self.backends.first.family,
            endpoints: (0..<self.endpoints).map { place in
                Endpoint(
                    address: self.backends[index * self.endpoints + place],
                    nodeName: "node-\((index + place) % 100)",
                    zone: "zone-\((index + place) % 3)"
                )
            },
            ports: [EndpointPort(name: "http", port: self.backendPort)]
        )
        return [.service(service), .endpointSlice(slice)]
    }
}

extension FakeAPIServer {
    /// Adds all objects of a cluster.
    @discardableResult
    package func generate(_ cluster: GeneratedCluster) async throws -> WrittenAt {
        var written = WrittenAt.now()
        // In parts, so that requests are answered in between.
        for start in stride(from: 0, to: cluster.services, by: 500) {
            let indices = start..<min(start + 500, cluster.services)
            written = try await self.apply(indices.flatMap { cluster.objects($0) })
        }
        return written
    }
}
