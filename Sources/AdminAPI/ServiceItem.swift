package import Networking

/// A Service as this node serves it: an item of `GET /v1/services`.
package struct ServiceItem: Hashable, Sendable {
    /// One of its ports.
    package struct Port: Hashable, Sendable {
        /// Empty if it has none.
        package var name: String
        package var number: UInt16
        package var transport: TransportProtocol
        package var nodePort: UInt16?
        /// Endpoints that are ready, of those that EndpointSlices list; of both IP versions.
        package var ready: Int
        package var listed: Int
        /// nil: nobody serves the port.
        package var servedBy: EndpointServer?

        package init(
            name: String, number: UInt16, transport: TransportProtocol, nodePort: UInt16? = nil, ready: Int,
            listed: Int,
            servedBy: EndpointServer?
        ) {
            self.name = name
            self.number = number
            self.transport = transport
            self.nodePort = nodePort
            self.ready = ready
            self.listed = listed
            self.servedBy = servedBy
        }
    }

    package var namespace: String
    package var name: String
    /// As the API spells it: `ClusterIP`.
    package var type: String
    package var clusterIPs: [String]
    /// Load balancer addresses, then external IPs.
    package var externalIPs: [String]
    package var ports: [Port]
    /// `Cluster` or `Local`.
    package var externalPolicy: String
    package var internalPolicy: String
    /// Seconds that a client keeps its endpoint; nil: session affinity is off.
    package var affinity: Int?
    /// What it asks for and does not get, and frontends that older Services hold.
    package var problems: [String]

    package init(namespace: String, name: String, type: String, ports: [Port] = []) {
        self.namespace = namespace
        self.name = name
        self.type = type
        self.clusterIPs = []
        self.externalIPs = []
        self.ports = ports
        self.externalPolicy = "Cluster"
        self.internalPolicy = "Cluster"
        self.affinity = nil
        self.problems = []
    }
}
