package import Nftables

/// Elements to delete and to add, by set. Deletions come first: a changed element is both.
package struct ElementChanges: Sendable {
    package private(set) var deletions: [FairleadSet: [Element]] = [:]
    package private(set) var additions: [FairleadSet: [Element]] = [:]
    /// By how many elements each set grows.
    package private(set) var growth: [FairleadSet: Int] = [:]
    private let keepsElements: Bool

    /// - Parameter keepsElements: false to count only: where the kernel has been read back it is the whole that is
    ///   compared with it, and nobody wants to hold the way there as well.
    package init(keepsElements: Bool = true) {
        self.keepsElements = keepsElements
    }

    package mutating func delete(_ placed: PlacedElement) {
        self.growth[placed.set, default: 0] -= 1
        guard self.keepsElements else { return }
        self.deletions[placed.set, default: []].append(placed.element)
    }

    package mutating func add(_ placed: PlacedElement) {
        self.growth[placed.set, default: 0] += 1
        guard self.keepsElements else { return }
        self.additions[placed.set, default: []].append(placed.element)
    }

    package mutating func toggle(_ set: FairleadSet, _ element: Element, _ isPresent: Bool) {
        let placed = PlacedElement(set: set, element: element)
        if isPresent { self.add(placed) } else { self.delete(placed) }
    }

    /// Makes `new` of `old`: nothing if they are the same.
    package mutating func replace(_ old: PlacedElement?, with new: PlacedElement?) {
        guard old != new else { return }
        if let old { self.delete(old) }
        if let new { self.add(new) }
    }

    /// Makes `new` of `old`, in a set of few elements. Where they are boundaries of ranges, all are written
    /// anew, each start just before its end: the kernel refuses many a change of one without the other.
    mutating func replace(_ old: [Element], with new: [Element], in set: FairleadSet) {
        let (before, after) = (Set(old), Set(new))
        guard before != after else { return }
        for element in set.hasBoundaries ? old.sorted(by: Self.comesFirst) : old
        where set.hasBoundaries || !after.contains(element) {
            self.delete(PlacedElement(set: set, element: element))
        }
        for element in new where set.hasBoundaries || !before.contains(element) {
            self.add(PlacedElement(set: set, element: element))
        }
    }

    /// One range may end where another one starts.
    private static func comesFirst(_ left: Element, _ right: Element) -> Bool {
        left.key != right.key ? left.key < right.key : left.boundary == .end && right.boundary != .end
    }

    /// The sets that change.
    var sets: Set<FairleadSet> { Set(self.deletions.keys).union(self.additions.keys) }

    /// How many elements of a set go without another one in their place.
    func leaving(_ set: FairleadSet) -> Int {
        guard let deletions = self.deletions[set] else { return 0 }
        let added = Set((self.additions[set] ?? []).map(\.key))
        return deletions.count { !added.contains($0.key) }
    }

    package var isEmpty: Bool { self.deletions.isEmpty && self.additions.isEmpty }

    package var count: Int {
        self.deletions.values.reduce(0) { $0 + $1.count } + self.additions.values.reduce(0) { $0 + $1.count }
    }

    /// Puts the changes into a transaction, in an order that does not depend on hashing.
    package func append(to transaction: inout Transaction, declarations: [FairleadSet: NamedSet]) {
        for set in FairleadSet.all {
            guard let declaration = declarations[set] else { continue }
            transaction.delete(self.deletions[set] ?? [], from: declaration)
        }
        for set in FairleadSet.all {
            guard let declaration = declarations[set] else { continue }
            transaction.add(self.additions[set] ?? [], to: declaration)
        }
    }
}
