internal import Balancing
internal import HealthChecking
internal import Networking
internal import Reactor
internal import ServiceModel

/// The endpoints that a worker knows, and who of its clients gets which.
struct EndpointChooser: ~Copyable {
    let book: ClientBook
    var groups = Slab<ServedGroup>()
    /// By number.
    private(set) var numbers: [Handle] = []
    var detection = ClientDetection()
    var random: RandomNumbers
    private let affinityKey = AffinityKey.standard

    /// What UDP asks by: a frontend by its number, an endpoint of a session by its pin.
    var datagramFrontends: [DatagramFrontend] = []
    var freeDatagramFrontends: [Int] = []
    var pins = Slab<EndpointPin>()

    init(_ book: ClientBook, seed: UInt64) {
        self.book = book
        self.random = RandomNumbers(seed: seed)
    }

    /// Where clients from there are led.
    func target(of client: IPAddress, _ targets: FrontendTargets) -> FrontendTarget {
        guard let outside = targets.outside else { return targets.main }
        return self.detection.kind(of: client) == .outside ? outside : targets.main
    }

    /// The endpoint for one more connection of a client; nil if there is none left.
    mutating func choose(
        _ group: Handle, _ balancing: ServiceModel.Balancing, _ service: Int, _ client: SocketAddress,
        tried: TriedEndpoints = TriedEndpoints(), now: UInt64
    ) -> EndpointSlot? {
        let outcome: PickOutcome
        switch balancing {
        case .random: outcome = self.groups[group].endpoints.pick(tried: tried, at: now)
        case .clientIPHash:
            let key = self.affinityKey.value(address: self.identity(client.address), port: 0).rawValue
            outcome = self.groups[group].endpoints.pick(key: key, tried: tried, at: now)
        case .flowHash:
            let key = self.affinityKey.value(address: client.address, port: client.port).rawValue
            outcome = self.groups[group].endpoints.pick(key: key, tried: tried, at: now)
        case .clientIPAffinity(let seconds):
            let address = self.identity(client.address)
            let value = self.book.endpoint(of: address, service, now: now)
            let pick = self.groups[group].endpoints.pick(session: value, tried: tried, at: now)
            outcome = pick.outcome
            if let chosen = pick.cookie ?? value {
                self.book.remember(
                    chosen, of: address, service, until: now + UInt64(clamping: seconds) * 1_000, now: now)
            }
        }
        guard case .slot(let slot) = outcome else { return nil }
        return slot
    }

    /// As what a client keeps its endpoint. This node is one client, though it comes to each of its own addresses, as virtual IPs
    /// are here, from that very address.
    private func identity(_ client: IPAddress) -> IPAddress {
        guard self.detection.kind(of: client) == .thisNode else { return client }
        return client.family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
    }

    // MARK: - Groups

    /// Returns the group's name here.
    mutating func adopt(_ plan: GroupPlan, now: UInt64) -> Handle {
        while self.numbers.count <= plan.number { self.numbers.append(.none) }
        let group = self.numbers[plan.number]
        if self.groups.contains(group) {
            self.groups[group].adopt(plan, now: now)
            return group
        }
        let new = self.groups.insert(ServedGroup(plan, seed: self.random.next()))
        self.numbers[plan.number] = new
        return new
    }

    mutating func retire(_ plan: GroupPlan) {
        let group = self.numbers[plan.number]
        guard self.groups.contains(group), self.groups[group].plan.key == plan.key else { return }
        self.numbers[plan.number] = .none
        self.groups[group].isRetired = true
        self.removeIfUnused(group)
    }

    private mutating func removeIfUnused(_ group: Handle) {
        guard self.groups[group].isRetired, self.groups[group].users == 0 else { return }
        _ = self.groups.remove(group)
    }

    /// A connection is of this group from now on; until ``leave(_:)``.
    mutating func enter(_ group: Handle) { self.groups[group].users += 1 }

    mutating func leave(_ group: Handle) {
        self.groups[group].users -= 1
        self.removeIfUnused(group)
    }

    func resolve(_ target: ServedFrontend.Target) -> FrontendTarget {
        switch target {
        case .group(let number): number < self.numbers.count ? .group(self.numbers[number]) : .refuse
        case .refuse: .refuse
        case .drop: .drop
        }
    }

    func resolve(_ served: ServedFrontend) -> FrontendTargets {
        // Closures would capture a value that cannot be copied.
        var targets = FrontendTargets(main: self.resolve(served.target))
        if let outside = served.outside { targets.outside = self.resolve(outside) }
        return targets
    }
}

/// A ``ServedFrontend/Target`` with the worker's own name for the group.
enum FrontendTarget: BitwiseCopyable {
    case group(Handle)
    case refuse
    case drop
}

struct FrontendTargets: BitwiseCopyable {
    /// For everybody, or for those inside only.
    var main = FrontendTarget.refuse
    var outside: FrontendTarget?
}
