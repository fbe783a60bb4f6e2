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

    fileprivate var holdsEndpoints: Bool { self.kind == .endpoints || self.kind == .nodeportEndpoints }
}

extension ElementChanges {
    /// The changes in the order in which to commit them.
    ///
    /// The kernel decides anew at each look-up which generation of the ruleset a packet sees. One that was
    /// led to a chain by an element of before must still find there what it looks for, and one that is led by
    /// a new element must find it already. So where changes concern more than entrances and endpoints, what is
    /// new on the way is committed before the entrances, and what is not needed any more after them. Most
    /// changes are one commit.
    var phases: [ElementChanges] {
        guard self.sets.contains(where: \.isOnTheWay) else { return [self] }
        var (before, middle, after) = (ElementChanges(), ElementChanges(), ElementChanges())
        for set in self.sets {
            let (deletions, additions) = (self.deletions[set] ?? [], self.additions[set] ?? [])
            let isStaged = set.isOnTheWay || set.holdsEndpoints
            // Ranges of one set may not overlap, so that old and new ones change places at once.
            guard isStaged, set.kind != .admittedSources || deletions.isEmpty || additions.isEmpty else {
                for element in deletions { middle.delete(PlacedElement(set: set, element: element)) }
                for element in additions { middle.add(PlacedElement(set: set, element: element)) }
                continue
            }
            let (old, new) = (Set(deletions.map(\.key)), Set(additions.map(\.key)))
            for element in deletions {
                let placed = PlacedElement(set: set, element: element)
                if new.contains(element.key) { middle.delete(placed) } else { after.delete(placed) }
            }
            for element in additions {
                let placed = PlacedElement(set: set, element: element)
                if old.contains(element.key) { middle.add(placed) } else { before.add(placed) }
            }
        }
        return [before, middle, after].filter { !$0.isEmpty }
    }
}
