package import Networking

/// An EndpointSlice (discovery.k8s.io/v1): some of the endpoints of one Service, of one family.
package struct EndpointSlice: Hashable, Sendable {
    package var metadata: ObjectMeta
    /// From the label `kubernetes.io/service-name`; always in the slice's own namespace.
    package var serviceName: ObjectName?
    /// nil for `addressType: FQDN`, whose endpoints no L4 proxy can use and which are left out.
    package var family: AddressFamily?
    package var endpoints: [Endpoint]
    package var ports: [EndpointPort]
    /// When what made the slice change happened, from ``KnownKey/lastChangeTriggerTime``: nanoseconds since 1970.
    package var lastChangeTriggerTime: Int64?

    package init(
        metadata: ObjectMeta,
        serviceName: ObjectName? = nil,
        family: AddressFamily? = .ipv4,
        endpoints: [Endpoint] = [],
        ports: [EndpointPort] = [],
        lastChangeTriggerTime: Int64? = nil
    ) {
        self.metadata = metadata
        self.serviceName = serviceName
        self.family = family
        self.endpoints = endpoints
        self.ports = ports
        self.lastChangeTriggerTime = lastChangeTriggerTime
    }

    /// What a slice's endpoints are addressed by; the raw value is the spelling of the API.
    package enum AddressType: String, Hashable, Sendable, CaseIterable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
        case fqdn = "FQDN"

        package var family: AddressFamily? {
            switch self {
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            case .fqdn: nil
            }
        }
    }
}

/// One endpoint: its first address (consumers of the API may not use the others) and its condition.
package struct Endpoint: Hashable, Sendable {
    package var address: IPAddress
    package var isReady: Bool
    package var isServing: Bool
    package var isTerminating: Bool
    package var nodeName: String?
    package var zone: String?
    /// `hints.forZones`: zones whose clients should use this endpoint.
    package var zoneHints: [String]
    /// `hints.forNodes`: nodes whose clients should use this endpoint.
    package var nodeHints: [String]

    package init(
        address: IPAddress,
        isReady: Bool = true,
        isServing: Bool = true,
        isTerminating: Bool = false,
        nodeName: String? = nil,
        zone: String? = nil,
        zoneHints: [String] = [],
        nodeHints: [String] = []
    ) {
        self.address = address
        self.isReady = isReady
        self.isServing = isServing
        self.isTerminating = isTerminating
        self.nodeName = nodeName
        self.zone = zone
        self.zoneHints = zoneHints
        self.nodeHints = nodeHints
    }
}

/// One port of all endpoints of a slice, matched to a Service port by name and protocol.
package struct EndpointPort: Hashable, Sendable {
    /// Empty if unnamed.
    package var name: String
    package var transport: TransportProtocol
    package var port: UInt16

    package init(name: String = "", transport: TransportProtocol = .tcp, port: UInt16) {
        self.name = name
        self.transport = transport
        self.port = port
    }
}
