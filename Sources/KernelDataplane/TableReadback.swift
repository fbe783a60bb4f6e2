internal import KubernetesAPI
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

    /// The slots of each frontend and pool as far as they are in order: 0, 1, 2 and so on. Elements that
    /// make no sense are left out here; the difference of elements deletes them.
    package func hints() -> TableProgram.Hints {
        var main: [Frontend: [Int: Backend]] = [:]
        var external: [Frontend: [Int: Backend]] = [:]
        func note(_ element: Element, _ location: Frontend.Location, at offset: Int, _ family: AddressFamily) {
            guard let transport = element.key.transportProtocol(at: offset),
                let port = element.key.port(at: offset + 4), let slot = element.key.integer(at: offset + 8),
                case .bytes(let value)? = element.value, let address = value.address(family, at: 0),
                let target = value.port(at: family.addressLength)
            else { return }
            let frontend = Frontend(location, transport, port)
            if slot >= Balancer.firstExternalSlot {
                external[frontend, default: [:]][Int(slot - Balancer.firstExternalSlot)] = Backend(address, target)
            } else {
                main[frontend, default: [:]][Int(slot)] = Backend(address, target)
            }
        }
        var hints = TableProgram.Hints()
        for family in AddressFamily.allCases {
            for element in self.snapshot.elements[FairleadSet(.endpoints, family).name] ?? [] {
                guard let address = element.key.address(family, at: 0) else { continue }
                note(element, .address(address), at: family.addressLength, family)
            }
            for element in self.snapshot.elements[FairleadSet(.nodeportEndpoints, family).name] ?? [] {
                note(element, .node(family), at: 0, family)
            }
            var ports: [TrafficPolicy: [UInt32: [Int: UInt32]]] = [:]
            for element in self.snapshot.elements[FairleadSet(.affinitySlots, family).name] ?? [] {
                guard let port = element.key.address(family, at: 0),
                    let slot = element.key.integer(at: family.addressLength),
                    case .bytes(let value)? = element.value, let endpoint = value.address(family, at: 0)
                else { continue }
                let isLocal = slot >= Balancer.firstExternalSlot
                ports[isLocal ? .local : .cluster, default: [:]][
                    UInt32(truncatingIfNeeded: port.low), default: [:]
                ][Int(slot - (isLocal ? Balancer.firstExternalSlot : 0))] = UInt32(truncatingIfNeeded: endpoint.low)
            }
            hints.affinity[family] = ports.mapValues { $0.mapValues(Self.inOrder) }
        }
        hints.main = main.mapValues(Self.inOrder)
        hints.external = external.mapValues(Self.inOrder)
        return hints
    }

    /// The frontends that the table has.
    package func frontends() -> Set<Frontend> {
        var found: Set<Frontend> = []
        for family in AddressFamily.allCases {
            for element in self.snapshot.elements[FairleadSet(.frontends, family).name] ?? [] {
                let length = family.addressLength
                guard let address = element.key.address(family, at: 0),
                    let transport = element.key.transportProtocol(at: length),
                    let port = element.key.port(at: length + 4)
                else { continue }
                found.insert(Frontend(.address(address), transport, port))
            }
            for element in self.snapshot.elements[FairleadSet(.nodeports, family).name] ?? [] {
                guard let transport = element.key.transportProtocol(at: 0), let port = element.key.port(at: 4)
                else { continue }
                found.insert(Frontend(.node(family), transport, port))
            }
        }
        return found
    }

    private static func inOrder<Value>(_ slots: [Int: Value]) -> [Value] {
        var values: [Value] = []
        while let value = slots[values.count] { values.append(value) }
        return values
    }

    // MARK: - The frame

    /// Sizes of the sets as declared.
    package var sizes: [FairleadSet: UInt32] {
        var sizes: [FairleadSet: UInt32] = [:]
        for set in FairleadSet.all { sizes[set] = self.snapshot.sets[set.name]?.size }
        return sizes
    }

    /// Balancing chains that stand with the rules they should have.
    package var balancers: Set<Balancer> {
        Set(self.snapshot.chains.keys.compactMap(Balancer.init).filter { self.holds(Chain(name: $0.name), $0.rules) })
    }

    /// Whether the constant part stands as it should: every set and chain, every rule, and nothing else.
    package func hasFrame(of program: TableProgram) -> Bool {
        let sets = program.declarations.values
        guard self.snapshot.flags == 0, !self.snapshot.hasMore, self.snapshot.sets.count == sets.count,
            sets.allSatisfy({ self.snapshot.sets[$0.name] == $0.state })
        else { return false }
        let constant = FairleadTable.chains(program.node)
        guard self.snapshot.chains.count == constant.count + self.balancers.count else { return false }
        return constant.allSatisfy { self.holds($0.chain, $0.rules) }
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
        for set in FairleadSet.all where !set.isDynamic {
            let present = self.snapshot.elements.removeValue(forKey: set.name) ?? []
            guard !set.hasBoundaries else {
                changes.replace(present, with: wanted.removeValue(forKey: set) ?? [], in: set)
                continue
            }
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
struct ElementKey: Hashable {
    let bytes: ElementBytes
    let isEnd: Bool

    init(_ element: Element) {
        self.bytes = element.key
        self.isEnd = element.boundary == .end
    }
}
