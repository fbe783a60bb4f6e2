internal import Networking
internal import Nftables

extension FairleadSet {
    /// Looked at on the way from an entrance to an endpoint, by connections of Services that ask for
    /// something special.
    fileprivate var isOnTheWay: Bool {
        switch self.kind {
        case .admittedSources, .admittedFrontends, .internalFrontends, .externalFrontends, .internalNodeports,
            .externalNodeports, .affinityFrontends, .affinityNodeports, .affinitySlots, .affinityEndpoints:
            true
        default: false
        }
    }

    /// What elements have in common that take each other's place.
    fileprivate func place(_ element: Element) -> ElementBytes {
        guard self.kind == .admittedSources else { return element.key }
        return ElementBytes(element.key.bytes.dropLast(self.family.addressLength))
    }

    fileprivate var holdsEndpoints: Bool { self.kind == .endpoints || self.kind == .nodeportEndpoints }
}

extension ElementChanges {
    /// Whether it takes more than one commit.
    var isPhased: Bool { self.sets.contains(where: \.isOnTheWay) }

    /// The changes in the order in which to commit them.
    ///
    /// The kernel decides anew at each look-up which generation of the ruleset a packet sees. One that was
    /// led to a chain by an element of before must still find there what it looks for, and one that is led by
    /// a new element must find it already. So where changes concern more than entrances and endpoints, what is
    /// new on the way is committed before the entrances, and what is not needed any more after them. Most
    /// changes are one commit.
    var phases: [ElementChanges] {
        guard self.isPhased else { return [self] }
        var (before, middle, after) = (ElementChanges(), ElementChanges(), ElementChanges())
        for set in self.sets {
            let (deletions, additions) = (self.deletions[set] ?? [], self.additions[set] ?? [])
            guard set.isOnTheWay || set.holdsEndpoints else {
                for element in deletions { middle.delete(PlacedElement(set: set, element: element)) }
                for element in additions { middle.add(PlacedElement(set: set, element: element)) }
                continue
            }
            // What takes another's place does so at once: an element with the same key, and of ranges all of one
            // frontend, as they may not overlap.
            let (old, new) = (Set(deletions.map(set.place)), Set(additions.map(set.place)))
            for element in deletions {
                let placed = PlacedElement(set: set, element: element)
                if new.contains(set.place(element)) { middle.delete(placed) } else { after.delete(placed) }
            }
            for element in additions {
                let placed = PlacedElement(set: set, element: element)
                if old.contains(set.place(element)) { middle.add(placed) } else { before.add(placed) }
            }
        }
        return [before, middle, after].filter { !$0.isEmpty }
    }
}
