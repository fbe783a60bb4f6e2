package import Nftables
package import ServiceModel

/// What the kernel's table holds beside what it is to hold, frontend by frontend.
package struct KernelAudit: Sendable {
    /// Sets, chains and the rules that are the same for every Service stand as they should, and nothing else does.
    package let hasFrame: Bool
    /// Frontends that have elements which are missing or others than planned, and how many.
    package let differences: [Frontend: Int]
    /// Elements that belong to no one frontend (addresses of Services, of endpoints, of the node) and are missing or others than
    /// planned, and elements that nobody has planned. nil: only some frontends were looked at.
    package let others: Int?

    /// nil: only some frontends were looked at, and those are.
    package var isExact: Bool? {
        guard self.hasFrame, self.differences.isEmpty else { return false }
        return self.others.map { $0 == 0 }
    }

    /// - Parameters:
    ///   - snapshot: what a dump says, as far as ``scope(of:in:)`` asks for it; nil: there is no table.
    ///   - frontends: which to look at; nil: all, and at what is there besides.
    package init(_ program: TableProgram, _ snapshot: TableSnapshot?, of frontends: [Frontend]? = nil) {
        let looked = program.programmed(frontends)
        guard let snapshot else {
            self.hasFrame = false
            self.differences = Dictionary(uniqueKeysWithValues: looked.map { ($0, $0.elements($1).count) })
            self.others = frontends == nil ? 0 : nil
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
        for (frontend, programmed) in looked {
            let wrong = frontend.elements(programmed).count { !take($0) }
            if wrong > 0 { differences[frontend] = wrong }
        }
        self.hasFrame = TableReadback(snapshot).hasFrame(of: program)
        self.differences = differences
        guard frontends == nil else {
            self.others = nil
            return
        }
        let missing = program.sharedElements.count { !take($0) }
        self.others = missing + present.values.reduce(0) { $0 + $1.count }
    }

    /// What is quicker: above this share of all frontends a dump, below it a question for each element.
    private static let shareOfLookUps = 0.25

    /// What has to be read to look at some frontends, or at all.
    package static func scope(of frontends: [Frontend]?, in program: TableProgram) -> SnapshotScope {
        guard let frontends, Double(frontends.count) <= self.shareOfLookUps * Double(program.frontends.count) else {
            return .all
        }
        return self.scope(ofEach: frontends, in: program)
    }

    /// The elements of these, each by its key.
    package static func scope(ofEach frontends: [Frontend], in program: TableProgram) -> SnapshotScope {
        var elements: [String: [Element]] = [:]
        for (frontend, programmed) in program.programmed(frontends) {
            for placed in frontend.elements(programmed) {
                elements[placed.set.name, default: []].append(placed.element)
            }
        }
        return .elements(elements)
    }
}
