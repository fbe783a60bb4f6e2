package import Networking

/// What plans depend on of the node they are for.
package struct NodeFacts: Hashable, Sendable {
    /// As EndpointSlices spell it.
    package var name: String
    /// The label `topology.kubernetes.io/zone` of its Node; nil while that is not known.
    package var zone: String?
    /// Its own addresses, as far as Services care: where NodePorts answer.
    package var addresses: Set<IPAddress>
    /// Whether `spec.externalIPs` counts (KEP-5707).
    package var allowsExternalIPs: Bool

    package init(
        name: String,
        zone: String? = nil,
        addresses: Set<IPAddress> = [],
        allowsExternalIPs: Bool = true
    ) {
        self.name = name
        self.zone = zone
        self.addresses = addresses
        self.allowsExternalIPs = allowsExternalIPs
    }
}
