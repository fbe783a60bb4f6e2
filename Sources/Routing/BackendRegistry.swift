internal import KubernetesAPI
internal import ServiceModel

/// The backends that Ingresses lead to: their indices, who leads to them, and what they are now.
struct BackendRegistry {
    private struct Entry {
        let index: Int
        var referrers = SortedList<Seniority>()
        /// Whether it is the default backend of the command line.
        var isDefault = false
    }

    private var entries: [BackendID: Entry] = [:]
    private var byService: [ObjectName: Set<BackendID>] = [:]
    private var freeIndices: [Int] = []
    private var indexCount = 0
    private var revision: UInt64 = 0
    private(set) var table = BackendTable()
    /// Indices that have changed since changes were last taken.
    private var changed: Set<Int> = []

    // MARK: - Who leads where

    mutating func acquire(_ id: BackendID, by referrer: Seniority) {
        self.entry(id) { $0.referrers.insert(referrer) }
    }

    mutating func acquireDefault(_ id: BackendID) {
        self.entry(id) { $0.isDefault = true }
    }

    /// What nobody leads to any longer is gone, and its index free.
    mutating func release(_ id: BackendID, by referrer: Seniority) {
        guard var entry = self.entries[id] else { return }
        entry.referrers.remove(referrer)
        guard entry.referrers.isEmpty, !entry.isDefault else {
            self.entries[id] = entry
            return
        }
        self.entries[id] = nil
        self.byService[id.service]?.remove(id)
        if self.byService[id.service]?.isEmpty == true { self.byService[id.service] = nil }
        self.table[entry.index] = nil
        self.changed.insert(entry.index)
        self.freeIndices.append(entry.index)
    }

    private mutating func entry(_ id: BackendID, _ change: (inout Entry) -> Void) {
        if self.entries[id] == nil {
            var index = self.indexCount
            if let free = self.freeIndices.popLast() { index = free } else { self.indexCount += 1 }
            self.entries[id] = Entry(index: index)
            self.byService[id.service, default: []].insert(id)
        }
        change(&self.entries[id, default: Entry(index: -1)])
    }

    /// -1 for one that nobody leads to.
    func index(of id: BackendID) -> Int32 { Int32(self.entries[id]?.index ?? -1) }

    func backends(of service: ObjectName) -> Set<BackendID> { self.byService[service] ?? [] }

    func referrers(of id: BackendID) -> [Seniority] { self.entries[id]?.referrers.elements ?? [] }

    func isDefault(_ id: BackendID) -> Bool { self.entries[id]?.isDefault ?? false }

    // MARK: - What they are

    mutating func update(_ id: BackendID, _ state: BackendState) {
        guard let index = self.entries[id]?.index else { return }
        if let former = self.table[index], former.id == id, former.state == state { return }
        self.revision += 1
        self.table[index] = BackendPlan(id: id, revision: self.revision, state: state)
        self.changed.insert(index)
    }

    mutating func takeChanges() -> [Int] {
        guard !self.changed.isEmpty else { return [] }
        defer { self.changed = [] }
        return self.changed.sorted()
    }
}
