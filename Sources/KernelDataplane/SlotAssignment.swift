package import ServiceModel

/// Which endpoint has which slots of a frontend.
///
/// Slots are 0..<N for N shares, so that one random draw finds one. An endpoint of weight w has w slots
/// and keeps them as long as it can: one that comes takes the next, one that goes gives its own to the
/// last. A change of one endpoint of weight 1 is therefore at most three element operations, whatever
/// N is. The price: which slot an endpoint has depends on history; that cannot be seen, as every draw is
/// uniform.
package enum SlotAssignment {
    /// The slots for `backends` (each once), given how they were.
    package static func assign(_ backends: [WeightedBackend], keeping slots: [Backend]) -> [Backend] {
        guard !slots.isEmpty else { return Self.expanded(backends) }
        var missing = Dictionary(minimumCapacity: backends.count) as [Backend: Int]
        for weighted in backends { missing[weighted.backend] = weighted.weight }
        // An endpoint keeps no more slots than it has shares; one that has gone keeps none.
        var assigned: [Backend?] = slots.map { backend in
            guard let count = missing[backend], count > 0 else { return nil }
            missing[backend] = count - 1
            return backend
        }
        var added: [Backend] = []
        for weighted in backends {
            for _ in 0..<(missing[weighted.backend] ?? 0) { added.append(weighted.backend) }
        }
        var next = added[...]
        for index in assigned.indices where assigned[index] == nil {
            guard let backend = next.popFirst() else { break }
            assigned[index] = backend
        }
        for backend in next { assigned.append(backend) }
        // Holes that are left are filled from the end.
        var index = 0
        while index < assigned.count {
            guard assigned[index] == nil else {
                index += 1
                continue
            }
            while let last = assigned.last, last == nil { assigned.removeLast() }
            if index < assigned.count { assigned[index] = assigned.removeLast() }
        }
        return assigned.compactMap(\.self)
    }

    private static func expanded(_ backends: [WeightedBackend]) -> [Backend] {
        var slots: [Backend] = []
        slots.reserveCapacity(backends.count)
        for weighted in backends {
            for _ in 0..<weighted.weight { slots.append(weighted.backend) }
        }
        return slots
    }
}
