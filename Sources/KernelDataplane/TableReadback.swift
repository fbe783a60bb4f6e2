internal import Networking
package import Nftables
package import ServiceModel

/// What a dump of the table says, in Fairlead's terms.
package struct TableReadback: Sendable {
    package private(set) var snapshot: TableSnapshot

    package init(_ snapshot: TableSnapshot) {
        self.snapshot = snapshot
    }

    // MARK: - Slots

    /// The slots of each frontend as far as they are in order: 0, 1, 2 and so on. Elements that make no
    /// sense are left out here; the difference of elements deletes them.
    package func slots() -> [Frontend: [Backend]] {
        var found: [Frontend: [Int: Backend]] = [:]
        for family in AddressFamily.allCases {
            for element in self.snapshot.elements[FairleadSet(.endpoints, family).name] ?? [] {
                let offset = family.addressLength
                guard let address = element.key.address(family, at: 0) else { continue }
                Self.note(element, .address(address), at: offset, family, in: &found)
            }
            for element in self.snapshot.elements[FairleadSet(.nodeportEndpoints, family).name] ?? [] {
                Self.note(element, .node(family), at: 0, family, in: &found)
            }
        }
        return found.mapValues { slots in
            var backends: [Backend] = []
            while let backend = slots[backends.count] { backends.append(backend) }
            return backends
        }
    }

    private static func note(
        _ element: Element,
        _ location: Frontend.Location,
        at offset: Int,
        _ family: AddressFamily,
        in found: inout [Frontend: [Int: Backend]]
    ) {
        guard let transport = element.key.transportProtocol(at: offset), let port = element.key.port(at: offset + 4),
            let slot = element.key.integer(at: offset + 8), case .bytes(let value)? = element.value,
            let address = value.address(family, at: 0), let target = value.port(at: family.addressLength)
        else { return }
        found[Frontend(location, transport, port), default: [:]][Int(slot)] = Backend(address, target)
    }

    // MARK: - The frame

    /// Sizes of the sets as declared.
    package var sizes: [FairleadSet: UInt32] {
        var sizes: [FairleadSet: UInt32] = [:]
        for set in FairleadSet.all { sizes[set] = self.snapshot.sets[set.name]?.size }
        return sizes
    }

    /// Balancing chains that stand with the rules they should have.
    package var balancers: Set<FairleadTable.Balancer> {
        Set(
            self.snapshot.chains.keys.compactMap(FairleadTable.Balancer.init).filter {
                self.holds(Chain(name: $0.name), $0.rules)
            }
        )
    }

    /// Whether the constant part stands as it should: every set and chain, every rule, and nothing else.
    package func hasFrame(of program: TableProgram) -> Bool {
        let sets = program.declarations.values
        guard self.snapshot.flags == 0, !self.snapshot.hasMore, self.snapshot.sets.count == sets.count,
            sets.allSatisfy({ self.snapshot.sets[$0.name] == $0.state })
        else { return false }
        let balancers = self.balancers
        guard self.snapshot.chains.count == FairleadTable.chains.count + balancers.count else { return false }
        return FairleadTable.chains.allSatisfy { self.holds($0.chain, $0.rules) }
    }

    private func holds(_ chain: Chain, _ rules: [Rule]) -> Bool {
        guard self.snapshot.chains[chain.name] == chain else { return false }
        let standing = self.snapshot.rules[chain.name] ?? []
        return standing.map(\.expressions) == rules.map { $0.expressions(in: FairleadTable.reference.family) }
    }

    // MARK: - Elements

    /// What to change so that the sets hold exactly `wanted`. Lets go of what was read, set by set:
    /// at a hundred thousand endpoints a second copy of everything would be felt.
    package consuming func changes(to wanted: consuming [FairleadSet: [Element]]) -> ElementChanges {
        var changes = ElementChanges()
        for set in FairleadSet.all {
            let present = self.snapshot.elements.removeValue(forKey: set.name) ?? []
            var standing = Dictionary(minimumCapacity: present.count) as [ElementKey: Int32]
            for (index, element) in present.enumerated() { standing[ElementKey(element)] = Int32(index) }
            for element in wanted.removeValue(forKey: set) ?? [] {
                let old = standing.removeValue(forKey: ElementKey(element)).map { present[Int($0)] }
                guard old != element else { continue }
                changes.replace(
                    old.map { PlacedElement(set: set, element: $0) }, with: PlacedElement(set: set, element: element))
            }
            for index in standing.values { changes.delete(PlacedElement(set: set, element: present[Int(index)])) }
        }
        return changes
    }
}

/// What tells elements of one set apart: the end of a range may have the same bytes as the start of
/// another.
private struct ElementKey: Hashable {
    let bytes: ElementBytes
    let isEnd: Bool

    init(_ element: Element) {
        self.bytes = element.key
        self.isEnd = element.boundary == .end
    }
}
