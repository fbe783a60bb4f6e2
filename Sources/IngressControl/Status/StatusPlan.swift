internal import KubernetesAPI
internal import KubernetesClient
internal import Routing

/// Which statuses have to be written, and how. A value: news go in, and what became of it; actions come out.
struct StatusPlan {
    enum Action: Hashable {
        /// Makes the status say these addresses and no others.
        case publish([PublishedAddress], ObjectName)
        /// Takes these out and leaves the others.
        case withdraw(Set<PublishedAddress>, ObjectName)
    }

    /// Those that are ours, with what their status was when it was last seen.
    private var served: [ObjectName: [PublishedAddress]] = [:]
    /// Those that are not ours any more and may still say that they are.
    private var released: Set<ObjectName> = []
    /// What was written last.
    private var written: [ObjectName: [PublishedAddress]] = [:]
    /// nil while it is not known where Ingresses are reached.
    private(set) var addresses: [PublishedAddress]?
    /// All that has been ours since the start: none of it may stay where it does not belong.
    private var ours: Set<PublishedAddress> = []

    mutating func take(_ news: IngressNews) {
        self.served = Dictionary(
            news.served.map { ($0.name, PublishedAddresses.list($0.addresses)) }, uniquingKeysWith: { $1 })
        self.written = self.written.filter { self.served[$0.key] != nil }
        for ingress in news.released where !ingress.addresses.isEmpty { self.released.insert(ingress.name) }
        self.released = self.released.filter { self.served[$0] == nil }
    }

    /// Where Ingresses are reached now; nil if that cannot be told, and then everything stays as it is.
    mutating func take(_ addresses: [PublishedAddress]?) {
        guard let addresses else { return }
        self.addresses = PublishedAddresses.sorted(addresses)
        self.ours.formUnion(addresses)
    }

    /// What is to be done now, by name.
    ///
    /// - Parameter isResync: whether statuses that say something else again are written again. They are not at once, so that
    ///   two who both think that an Ingress is theirs do not write all the time.
    func due(isResync: Bool) -> [Action] {
        guard let addresses = self.addresses else { return [] }
        let publications = self.served.filter { name, status in
            status != addresses && (isResync || self.written[name] != addresses)
        }
        return publications.keys.sorted().map { .publish(addresses, $0) }
            + self.released.sorted().map { .withdraw(self.ours, $0) }
    }

    mutating func done(_ action: Action) {
        switch action {
        case .publish(let addresses, let name): self.written[name] = addresses
        case .withdraw(_, let name): self.released.remove(name)
        }
    }

    /// What is to be done when nobody serves these Ingresses any more.
    var farewell: [Action] {
        let all = Set(self.served.filter { !$0.value.isEmpty || self.written[$0.key]?.isEmpty == false }.keys)
        guard !self.ours.isEmpty else { return [] }
        return all.union(self.released).sorted().map { .withdraw(self.ours, $0) }
    }
}
