internal import KubernetesAPI
internal import Networking

/// Which endpoints of a Service take new connections, by service port name, protocol and family.
///
/// The Cluster traffic policy of KEP-1669: all ready endpoints; if there are none anywhere, those that
/// are terminating and still serve; else none. Endpoints that are neither are never used.
struct EndpointSelection {
    struct PortKey: Hashable {
        let name: String
        let transport: TransportProtocol
        let family: AddressFamily
    }

    private struct Candidate {
        var isReady: Bool
        var isDraining: Bool
    }

    private var candidates: [PortKey: [Backend: Candidate]] = [:]

    /// Slices are merged in any order with the same result: an address and port that several of them
    /// list counts once, and an entry that is ready beats one that is terminating.
    init(_ slices: some Sequence<EndpointSlice>) {
        for slice in slices {
            guard let family = slice.family, slice.metadata.labels[KnownKey.headless] == nil else { continue }
            for port in slice.ports {
                let key = PortKey(name: port.name, transport: port.transport, family: family)
                Self.merge(slice.endpoints, at: port.port, into: &self.candidates[key, default: [:]])
            }
        }
    }

    private static func merge(_ endpoints: [Endpoint], at port: UInt16, into known: inout [Backend: Candidate]) {
        known.reserveCapacity(known.count + endpoints.count)
        for endpoint in endpoints {
            let isDraining = endpoint.isServing && endpoint.isTerminating
            guard endpoint.isReady || isDraining else { continue }
            let former = known[Backend(endpoint.address, port)]
            known[Backend(endpoint.address, port)] = Candidate(
                isReady: endpoint.isReady || former?.isReady == true,
                isDraining: isDraining || former?.isDraining == true
            )
        }
    }

    /// The backends for new connections, sorted.
    func backends(_ name: String, _ transport: TransportProtocol, _ family: AddressFamily) -> [Backend] {
        let candidates = self.candidates[PortKey(name: name, transport: transport, family: family)] ?? [:]
        var usable = candidates.compactMap { $0.value.isReady ? $0.key : nil }
        if usable.isEmpty { usable = candidates.compactMap { $0.value.isDraining ? $0.key : nil } }
        return usable.sorted()
    }
}
