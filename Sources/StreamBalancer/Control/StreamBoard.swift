internal import Balancing
internal import KubernetesAPI
internal import Networking
internal import ServiceModel

/// Which endpoints connections are spread over: those of one Service port and family by one traffic policy. All frontends that
/// lead to them share what is known of them.
struct GroupKey: Hashable, Sendable {
    let port: ServicePortIdentity
    let family: AddressFamily
    let policy: TrafficPolicy
    /// Of TLS passthrough, where these are another Service's.
    let serverName: String?
}

/// The same, as workers know it.
struct GroupPlan: Hashable, Sendable {
    /// Small, and nobody else's as long as this is there.
    let number: Int
    let key: GroupKey
    let endpoints: [BackendEndpoint]
    let policy: StreamPolicy

    var name: String { "\(self.key.port)" }
}

/// A frontend, as workers know it.
struct ServedFrontend: Hashable, Sendable {
    enum Target: Hashable, Sendable {
        /// A group's number.
        case group(Int)
        case refuse
        case drop
    }

    struct NamedTarget: Hashable, Sendable {
        let name: String
        let target: Target
        let outside: Target?
    }

    let address: StreamAddress
    let port: ServicePortIdentity
    /// For everybody, or for those inside only.
    let target: Target
    let outside: Target?
    let named: [NamedTarget]
    let balancing: ServiceModel.Balancing
    let admittedSources: [AddressRange]?
    let policy: StreamPolicy

    /// Whether there is anybody who may be answered.
    var isServed: Bool {
        if case .group = self.target { return true }
        if case .group? = self.outside { return true }
        return !self.named.isEmpty
    }
}

/// What the balancer serves, and what a change of that is to its workers. Pure.
struct StreamBoard {
    struct Delta: Sendable {
        /// New, or with other endpoints or another policy.
        var groups: [GroupPlan] = []
        /// Nobody leads there any more.
        var retired: [GroupPlan] = []
        var frontends: [ServedFrontend] = []
        var withdrawn: [StreamAddress] = []
        /// Not served, but to be nobody else's; and those that need not be any more. None of a worker's business.
        var reserved: [StreamAddress] = []
        var released: [StreamAddress] = []

        var isEmpty: Bool {
            self.groups.isEmpty && self.retired.isEmpty && self.frontends.isEmpty && self.withdrawn.isEmpty
                && self.reserved.isEmpty && self.released.isEmpty
        }
    }

    private struct Entry {
        var plan: GroupPlan
        /// Frontends that lead there.
        var users: Int
    }

    private(set) var frontends: [StreamAddress: ServedFrontend] = [:]
    private var reserved: Set<StreamAddress> = []
    private var keys: [StreamAddress: Set<GroupKey>] = [:]
    private var groups: [GroupKey: Entry] = [:]
    private var freeNumbers: [Int] = []
    private var nextNumber = 0

    /// - Parameter changes: one of an address at most.
    mutating func apply(_ changes: [StreamChange]) -> Delta {
        var delta = Delta()
        var touched: Set<GroupKey> = []
        var left: Set<GroupKey> = []
        for change in changes {
            switch change {
            case .serve(let address, let frontend):
                let former = self.keys[address] ?? []
                var used: Set<GroupKey> = []
                let served = self.resolve(address, frontend, &used, &touched)
                self.keys[address] = used
                left.formUnion(self.count(from: former, to: used))
                guard self.frontends[address] != served else { continue }
                self.frontends[address] = served
                // Its sockets take the place of the one that was there.
                self.reserved.remove(address)
                delta.frontends.append(served)
            case .withdraw(let address):
                if self.reserved.remove(address) != nil { delta.released.append(address) }
                left.formUnion(self.withdraw(address, &delta))
            case .reserve(let address):
                left.formUnion(self.withdraw(address, &delta))
                if self.reserved.insert(address).inserted { delta.reserved.append(address) }
            }
        }
        for key in left {
            guard let entry = self.groups[key], entry.users == 0 else { continue }
            self.groups[key] = nil
            self.freeNumbers.append(entry.plan.number)
            delta.retired.append(entry.plan)
        }
        delta.groups = touched.compactMap { self.groups[$0]?.plan }.sorted { $0.number < $1.number }
        return delta
    }

    /// Returns the keys that lost a user.
    private mutating func withdraw(_ address: StreamAddress, _ delta: inout Delta) -> Set<GroupKey> {
        let left = self.count(from: self.keys.removeValue(forKey: address) ?? [], to: [])
        guard self.frontends.removeValue(forKey: address) != nil else { return left }
        delta.withdrawn.append(address)
        return left
    }

    /// Those whose endpoints are asked how they are.
    var checkedGroups: [GroupPlan] {
        self.groups.values.lazy.map(\.plan).filter { $0.policy.healthCheck != nil }
    }

    /// What is served there could not be: the next change of it is one in any case.
    mutating func forget(_ address: StreamAddress) { self.frontends[address] = nil }

    /// Returns the keys that lost a user.
    private mutating func count(from former: Set<GroupKey>, to used: Set<GroupKey>) -> Set<GroupKey> {
        for key in used.subtracting(former) { self.groups[key]?.users += 1 }
        let left = former.subtracting(used)
        for key in left { self.groups[key]?.users -= 1 }
        return left
    }

    private mutating func resolve(
        _ address: StreamAddress, _ frontend: StreamFrontend, _ used: inout Set<GroupKey>,
        _ touched: inout Set<GroupKey>
    ) -> ServedFrontend {
        let plan = frontend.plan
        func target(_ route: Route, _ name: String? = nil) -> ServedFrontend.Target {
            switch route {
            case .refuse: return .refuse
            case .drop: return .drop
            case .backends(let policy, let backends):
                let family = backends.first?.backend.address.family ?? plan.frontend.family
                let key = GroupKey(port: plan.port, family: family, policy: policy, serverName: name)
                used.insert(key)
                return .group(self.number(key, backends, frontend.policy, &touched))
            }
        }
        let main = target(plan.route)
        let outside = plan.externalRoute.map { target($0) }
        let named = frontend.policy.serverNames.map {
            ServedFrontend.NamedTarget(
                name: $0.name, target: target($0.route, $0.name),
                outside: $0.externalRoute.map { [name = $0.name] in target($0, name) })
        }
        return ServedFrontend(
            address: address, port: plan.port, target: main, outside: outside, named: named,
            balancing: plan.balancing, admittedSources: plan.admittedSources, policy: frontend.policy)
    }

    private mutating func number(
        _ key: GroupKey, _ backends: [WeightedBackend], _ policy: StreamPolicy, _ touched: inout Set<GroupKey>
    ) -> Int {
        let endpoints = backends.map {
            BackendEndpoint(address: $0.backend.address, port: $0.backend.port, weight: $0.weight)
        }
        if let entry = self.groups[key] {
            guard entry.plan.endpoints != endpoints || entry.plan.policy != policy else { return entry.plan.number }
            self.groups[key]?.plan = GroupPlan(
                number: entry.plan.number, key: key, endpoints: endpoints, policy: policy)
            touched.insert(key)
            return entry.plan.number
        }
        let number = self.freeNumbers.popLast() ?? self.nextNumber
        if number == self.nextNumber { self.nextNumber += 1 }
        self.groups[key] = Entry(
            plan: GroupPlan(number: number, key: key, endpoints: endpoints, policy: policy), users: 0)
        touched.insert(key)
        return number
    }
}
