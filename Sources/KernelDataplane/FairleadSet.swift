package import Networking
package import Nftables

/// The sets and maps of the table, one of each per address family.
package struct FairleadSet: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// (address, protocol, port) -> what is done with its connections. Comment: the Service port.
        case frontends
        /// (address, protocol, port, slot) -> endpoint address and port.
        case endpoints
        /// (protocol, port) -> what is done with its connections. Comment: the Service port.
        case nodeports
        /// (protocol, port, slot) -> endpoint address and port.
        case nodeportEndpoints = "nodeport-endpoints"
        /// Addresses of which every port is a Service's.
        case clusterIPs = "cluster-ips"
        /// The IP version -> refusal. A map with one element, for ``FairleadTable/reject``.
        case refusals
        /// Where ClusterIPs come from: what is sent to one that is nobody's is dropped.
        case serviceCIDRs = "service-cidrs"
        /// The node's addresses on which NodePorts answer.
        case nodeIPs = "node-ips"
        /// Where pods' addresses come from.
        case podCIDRs = "pod-cidrs"
        /// Pods' addresses as learned from the interface they come by.
        case podAddresses = "pod-addresses"
        /// Sources that reach a ClusterIP with their own address.
        case plainSources = "plain-sources"
        /// (address, protocol, port, source) of who may use a frontend that not everybody may.
        case admittedSources = "admitted-sources"
        /// (address, protocol, port) -> what is done once the source has been admitted.
        case admittedFrontends = "admitted-frontends"
        /// (address, protocol, port) -> what is done for pods and this node, by `externalTrafficPolicy: Local`.
        case internalFrontends = "internal-frontends"
        /// (address, protocol, port) -> what is done for everybody else.
        case externalFrontends = "external-frontends"
        case internalNodeports = "internal-nodeports"
        case externalNodeports = "external-nodeports"
        /// (source, destination) of an endpoint that reached itself.
        case hairpins
        /// (address, protocol, port) of frontends some of whose clients are masqueraded -> which.
        case masqueradeFrontends = "masquerade-frontends"
        /// (protocol, port) of NodePorts some of whose clients are masqueraded -> which.
        case masqueradeNodeports = "masquerade-nodeports"
        /// (address, protocol, port) -> the number of the Service port, for those with session affinity.
        case affinityFrontends = "affinity-frontends"
        /// (protocol, port) -> the number of the Service port.
        case affinityNodeports = "affinity-nodeports"
        /// (client, Service port) -> the endpoint it had, for a while. Written by the rules.
        case affinity
        /// (Service port, slot) -> endpoint.
        case affinitySlots = "affinity-slots"
        /// (Service port, endpoint): who takes connections.
        case affinityMembers = "affinity-members"
        /// The same for clients that go to endpoints on this node only.
        case affinityLocalMembers = "affinity-local-members"
        /// (protocol, endpoint) -> endpoint address and port.
        case affinityEndpoints = "affinity-endpoints"
    }

    package let kind: Kind
    package let family: AddressFamily

    package init(_ kind: Kind, _ family: AddressFamily) {
        self.kind = kind
        self.family = family
    }

    package static let all: [FairleadSet] = Kind.allCases.flatMap { kind in
        AddressFamily.allCases.map { FairleadSet(kind, $0) }
    }

    /// `frontends4`.
    package var name: String { "\(self.kind.rawValue)\(self.family.rawValue)" }

    /// Room for this many elements from the start; a table with more is made anew with more room.
    package var defaultSize: UInt32? {
        switch self.kind {
        case .endpoints: 65536
        case .frontends, .nodeportEndpoints, .hairpins, .clusterIPs: 16384
        case .affinitySlots, .affinityMembers, .affinityLocalMembers, .affinityEndpoints: 16384
        case .nodeports, .masqueradeFrontends, .masqueradeNodeports: 4096
        case .affinityFrontends, .affinityNodeports: 4096
        case .admittedFrontends, .internalFrontends, .externalFrontends, .internalNodeports, .externalNodeports: 4096
        // Written by rules: a bound, not a size. When it is reached, clients are not remembered.
        case .affinity: NodeSettings.defaultAffinityClients
        case .podAddresses: 65536
        case .refusals: nil
        // Ranges live in a tree, which grows; node addresses are few.
        case .nodeIPs, .podCIDRs, .plainSources, .serviceCIDRs, .admittedSources: nil
        }
    }

    /// Whether elements are the boundaries of ranges: where one starts, and where it has ended.
    package var hasBoundaries: Bool {
        switch self.kind {
        case .podCIDRs, .plainSources, .serviceCIDRs: true
        default: false
        }
    }

    /// Written by rules, not by the program.
    package var isDynamic: Bool { self.kind == .affinity || self.kind == .podAddresses }

    /// The set as the kernel is told of it, with room for `size` elements.
    package func declaration(size: UInt32?) -> NamedSet {
        let kind: Selector.AddressKind = self.family == .ipv4 ? .ipv4 : .ipv6
        let address: Datatype = self.family == .ipv4 ? .ipv4Address : .ipv6Address
        let frontend = Concatenation.types(address, .transportProtocol, .port)
        let nodePort = Concatenation.types(.transportProtocol, .port)
        let number = Selector.random(modulus: 65536)
        let endpoint = NamedSet.Yield.values(.typeof(.address(kind, .destination), .destinationPort))
        func verdicts(_ key: Concatenation, counted: Bool = false) -> NamedSet {
            NamedSet(name: self.name, key: key, data: .verdict, hasCounters: counted, size: size)
        }
        func map(_ key: Concatenation, to value: Concatenation, _ flags: NamedSet.Flags = []) -> NamedSet {
            NamedSet(name: self.name, key: key, data: .values(value), flags: flags, size: size)
        }
        func plain(_ key: Concatenation, _ flags: NamedSet.Flags = []) -> NamedSet {
            NamedSet(name: self.name, key: key, flags: flags, size: size)
        }
        switch self.kind {
        case .frontends: return verdicts(frontend, counted: true)
        case .nodeports: return verdicts(nodePort, counted: true)
        case .admittedFrontends, .internalFrontends, .externalFrontends, .masqueradeFrontends:
            return verdicts(frontend)
        case .internalNodeports, .externalNodeports, .masqueradeNodeports: return verdicts(nodePort)
        case .endpoints:
            let key = Concatenation.typeof(
                .address(kind, .destination), .transportProtocol, .destinationPort, number)
            return NamedSet(name: self.name, key: key, data: endpoint, hasCounters: true, size: size)
        case .nodeportEndpoints:
            let key = Concatenation.typeof(.transportProtocol, .destinationPort, number)
            return NamedSet(name: self.name, key: key, data: endpoint, hasCounters: true, size: size)
        case .refusals: return verdicts(.types(.networkProtocol))
        case .clusterIPs, .nodeIPs: return plain(.types(address))
        case .podCIDRs, .plainSources, .serviceCIDRs: return plain(.types(address), .interval)
        case .hairpins: return plain(.types(address, address))
        case .podAddresses: return plain(.types(address), [.dynamic, .timeout])
        case .admittedSources:
            return plain(.types(address, .transportProtocol, .port, address), .interval)
        case .affinityFrontends: return map(frontend, to: .types(address))
        case .affinityNodeports: return map(nodePort, to: .types(address))
        case .affinity:
            // An IPv6 client of a Service port is two hashes of both: nft 1.0 makes a wrong rule of a dynamic map
            // whose key has more than 16 bytes. Two with the same hashes would share an endpoint, no more.
            return map(
                self.family == .ipv4 ? .types(address, address) : .typeof(number, number),
                to: self.family == .ipv4 ? .types(address) : .typeof(.address(kind, .destination)),
                [.dynamic, .timeout])
        case .affinitySlots:
            return map(.typeof(.address(kind, .source), number), to: .typeof(.address(kind, .destination)))
        case .affinityMembers, .affinityLocalMembers: return plain(.types(address, address))
        case .affinityEndpoints:
            return NamedSet(
                name: self.name, key: .typeof(.transportProtocol, .address(kind, .destination)), data: endpoint,
                hasCounters: true, size: size)
        }
    }
}
