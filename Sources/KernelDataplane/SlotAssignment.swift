package import ServiceModel

/// Which endpoint has which slot of a frontend.
///
/// Slots are 0..<N for N endpoints, so that one random draw finds one. An endpoint keeps its slot as
/// long as it can: one that comes takes the next slot, one that goes gives its slot to the last.
/// A change of one endpoint is therefore at most three element operations, whatever N is. The price:
/// which slot an endpoint has depends on history; that cannot be seen, as every draw is uniform.
package enum SlotAssignment {
    /// The slots for `backends` (each once), given how they were.
    package static func assign(_ backends: [Backend], keeping slots: [Backend]) -> [Backend] {
        guard !slots.isEmpty else { return backends }
        if slots == backends { return slots }
        let wanted = Set(backends)
        var assigned: [Backend?] = []
        assigned.reserveCapacity(max(slots.count, backends.count))
        var kept: Set<Backend> = []
        for backend in slots {
            // A backend that stands twice, which only another program can have done, keeps one slot.
            assigned.append(wanted.contains(backend) && kept.insert(backend).inserted ? backend : nil)
        }
        var added = backends.filter { !kept.contains($0) }[...]
        for index in assigned.indices where assigned[index] == nil {
            guard let backend = added.popFirst() else { break }
            assigned[index] = backend
        }
        for backend in added { assigned.append(backend) }
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
}
