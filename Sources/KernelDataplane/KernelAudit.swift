package import Nftables
package import ServiceModel

/// What the kernel's table holds beside what it is to hold, frontend by frontend.
package struct KernelAudit: Sendable {
    /// Sets, chains and the rules that are the same for every Service stand as they should, and nothing else does.
    package let hasFrame: Bool
    /// Frontends that have elements which are missing or others than planned, and how many.
    package let differences: [Frontend: Int]
    /// Elements that belong to no one frontend (addresses of Services, of endpoints, of the node) and are missing or others than
    /// planned, and elements that nobody has planned.
    package let others: Int

    package var isExact: Bool { self.hasFrame && self.differences.isEmpty && self.others == 0 }

    /// - Parameter snapshot: what a dump says; nil: there is no table.
    package init(_ program: TableProgram, _ snapshot: TableSnapshot?) {
        guard let snapshot else {
            self.hasFrame = false
            self.differences = Dictionary(
                uniqueKeysWithValues: program.frontends.map { ($0.key, $0.key.elements($0.value).count) })
            self.others = 0
            return
        }
        var present: [FairleadSet: [ElementKey: Element]] = [:]
        for set in FairleadSet.all where !set.isDynamic {
            let elements = snapshot.elements[set.name] ?? []
            var standing = Dictionary(minimumCapacity: elements.count) as [ElementKey: Element]
            for element in elements { standing[ElementKey(element)] = element }
            present[set] = standing
        }
        /// Takes it out; false if it was not there as it should be.
        func take(_ placed: PlacedElement) -> Bool {
            present[placed.set]?.removeValue(forKey: ElementKey(placed.element)) == placed.element
        }
        var differences: [Frontend: Int] = [:]
        for (frontend, programmed) in program.frontends {
            let wrong = frontend.elements(programmed).count { !take($0) }
            if wrong > 0 { differences[frontend] = wrong }
        }
        let missing = program.sharedElements.count { !take($0) }
        self.hasFrame = TableReadback(snapshot).hasFrame(of: program)
        self.differences = differences
        self.others = missing + present.values.reduce(0) { $0 + $1.count }
    }
}
