internal import KubernetesAPI
internal import Networking
internal import Nftables
internal import ServiceModel

/// A Service port with ClientIP affinity, in one family.
struct AffinityPortKey: Hashable, Sendable {
    let port: ServicePortIdentity
    let family: AddressFamily
}

/// Numbers for what session affinity remembers: Service ports and endpoints. They stand for them in
/// the rules, where an address is what a packet can carry.
///
/// A number is a hash of what it stands for, so that it is the same at every start and what is remembered
/// keeps its meaning; if another one has it already, the next that is free. Should numbers of
/// two change places over a restart, clients are balanced anew: what is remembered counts only
/// for members of the Service port.
struct AffinityNumbers<Key: Hashable & Sendable>: Sendable {
    private var numbers: [Key: UInt32] = [:]
    private var holders: [UInt32: Key] = [:]

    subscript(key: Key) -> UInt32? { self.numbers[key] }

    /// The number of `key`, which has one from now on.
    mutating func number(_ key: Key, _ text: String) -> UInt32 {
        if let known = self.numbers[key] { return known }
        // FNV-1a, 64 bits folded to 32; 0 stands for nothing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var number = UInt32(truncatingIfNeeded: hash ^ hash >> 32)
        while number == 0 || self.holders[number] != nil { number &+= 1 }
        self.numbers[key] = number
        self.holders[number] = key
        return number
    }

    mutating func release(_ key: Key) {
        guard let number = self.numbers.removeValue(forKey: key) else { return }
        self.holders[number] = nil
    }
}

/// All Service ports with ClientIP affinity and their endpoints.
struct AffinityPorts: Sendable {
    private struct EndpointKey: Hashable, Sendable {
        let port: AffinityPortKey
        let backend: Backend
    }

    private var numbers = AffinityNumbers<AffinityPortKey>()
    private var endpointNumbers = AffinityNumbers<EndpointKey>()
    /// By slot, for those that policy Cluster or Local goes to.
    private var slots: [AffinityPortKey: [TrafficPolicy: [Backend]]] = [:]

    func slots(_ key: AffinityPortKey, _ policy: TrafficPolicy) -> [Backend] { self.slots[key]?[policy] ?? [] }

    /// The number of a Service port, which has one from now on until it has no slots.
    mutating func number(_ key: AffinityPortKey) -> UInt32 {
        self.numbers.number(key, "\(key.port)/\(key.port.transport)/\(key.family.rawValue)")
    }

    /// Puts other endpoints into force; none for a Service port that is gone.
    mutating func set(_ key: AffinityPortKey, _ slots: [TrafficPolicy: [Backend]], _ changes: inout ElementChanges) {
        let old = self.slots[key] ?? [:]
        guard old != slots else { return }
        let before = Set(self.elements(key))
        self.slots[key] = slots.isEmpty ? nil : slots
        for backend in slots.values.joined() {
            let endpoint = EndpointKey(port: key, backend: backend)
            _ = self.endpointNumbers.number(endpoint, "\(key.port)/\(backend.address)/\(backend.port)")
        }
        if !slots.isEmpty { _ = self.number(key) }
        let after = Set(self.elements(key))
        for placed in before.subtracting(after) { changes.delete(placed) }
        for placed in after.subtracting(before) { changes.add(placed) }
        for backend in Set(old.values.joined()).subtracting(slots.values.joined()) {
            self.endpointNumbers.release(EndpointKey(port: key, backend: backend))
        }
        if slots.isEmpty { self.numbers.release(key) }
    }

    var elements: [PlacedElement] { self.slots.keys.flatMap { self.elements($0) } }

    /// The slots of a Service port as endpoints' numbers in the kernel say, given the endpoints that it
    /// has now.
    mutating func slots(
        _ key: AffinityPortKey,
        among backends: [WeightedBackend],
        hinted: [UInt32: [UInt32]]
    ) -> [Backend] {
        guard let numbers = hinted[self.number(key)] else { return [] }
        var known: [UInt32: Backend] = [:]
        for weighted in backends {
            let endpoint = EndpointKey(port: key, backend: weighted.backend)
            let text = "\(key.port)/\(weighted.backend.address)/\(weighted.backend.port)"
            known[self.endpointNumbers.number(endpoint, text)] = weighted.backend
        }
        return numbers.compactMap { known[$0] }
    }

    private func elements(_ key: AffinityPortKey) -> [PlacedElement] {
        guard let slots = self.slots[key], let number = self.numbers[key] else { return [] }
        let family = key.family
        var elements: [PlacedElement] = []
        func bytes(_ body: (inout ElementBytes) -> Void) -> ElementBytes {
            var bytes = ElementBytes()
            body(&bytes)
            return bytes
        }
        func place(_ kind: FairleadSet.Kind, _ key: ElementBytes, _ value: ElementBytes?) {
            elements.append(
                PlacedElement(
                    set: FairleadSet(kind, family), element: Element(key: key, value: value.map { .bytes($0) })))
        }
        for (policy, backends) in slots {
            let base = policy == .local ? Balancer.firstExternalSlot : 0
            for (slot, backend) in backends.enumerated() {
                let endpoint = self.endpointNumbers[EndpointKey(port: key, backend: backend)] ?? 0
                place(
                    .affinitySlots,
                    bytes {
                        $0.append(number: number, family)
                        $0.append(integer: base + UInt32(slot))
                    },
                    bytes { $0.append(number: endpoint, family) })
            }
            for backend in Set(backends) {
                let endpoint = self.endpointNumbers[EndpointKey(port: key, backend: backend)] ?? 0
                place(
                    policy == .local ? .affinityLocalMembers : .affinityMembers,
                    bytes {
                        $0.append(number: number, family)
                        $0.append(number: endpoint, family)
                    }, nil)
            }
        }
        for backend in Set(slots.values.joined()) {
            let endpoint = self.endpointNumbers[EndpointKey(port: key, backend: backend)] ?? 0
            place(
                .affinityEndpoints,
                bytes {
                    $0.append(key.port.transport)
                    $0.append(number: endpoint, family)
                },
                bytes {
                    $0.append(backend.address)
                    $0.append(port: backend.port)
                })
        }
        return elements
    }
}

extension ElementBytes {
    /// A number where an address is expected.
    mutating func append(number: UInt32, _ family: AddressFamily) {
        self.append(family == .ipv4 ? IPAddress(ipv4: number) : IPAddress(ipv6High: 0, low: UInt64(number)))
    }
}
