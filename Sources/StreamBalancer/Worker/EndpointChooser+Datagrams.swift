internal import Balancing
internal import Networking
internal import Reactor
internal import ServiceModel

/// A UDP frontend, as sessions are begun by it.
struct DatagramFrontend {
    var targets = FrontendTargets()
    var balancing = ServiceModel.Balancing.random
    var service = 0
    var connectionsPerClient = 0
    var connectionRatePerClient = 0
    var admittedSources: [AddressRange]?
}

/// The endpoint of a UDP session.
struct EndpointPin {
    let group: Handle
    let slot: EndpointSlot
    /// Whose limits count it; nil: nobody's.
    let client: IPAddress?
    let service: Int
}

/// UDP: a session is what a connection is for TCP.
extension EndpointChooser: DatagramPicking {
    mutating func pick(frontend: UInt32, client: SocketAddress, now: UInt64) -> DatagramVerdict {
        let number = Int(frontend)
        if let ranges = self.datagramFrontends[number].admittedSources,
            !ranges.contains(where: { $0.first <= client.address && client.address <= $0.last })
        {
            return .drop
        }
        let group: Handle
        switch self.target(of: client.address, self.datagramFrontends[number].targets) {
        case .group(let handle): group = handle
        case .refuse: return .refuse
        case .drop: return .drop
        }
        guard self.groups.contains(group) else { return .refuse }
        let service = self.datagramFrontends[number].service
        let connections = self.datagramFrontends[number].connectionsPerClient
        let rate = self.datagramFrontends[number].connectionRatePerClient
        let isLimited = connections > 0 || rate > 0
        if isLimited,
            !self.book.admit(service, client.address, connections: connections, rate: rate, now: now)
        {
            return .drop
        }
        guard let slot = self.choose(group, self.datagramFrontends[number].balancing, service, client, now: now),
            let endpoint = self.groups[group].endpoints.endpoint(slot)
        else {
            if isLimited { self.book.leave(service, client.address) }
            return .refuse
        }
        self.enter(group)
        self.groups[group].endpoints.connectionOpened(slot)
        let pin = self.pins.insert(
            EndpointPin(group: group, slot: slot, client: isLimited ? client.address : nil, service: service))
        return .endpoint(SocketAddress(endpoint.address, endpoint.port), slot: pin.token(kind: 0))
    }

    borrowing func isStillServed(_ slot: UInt64, frontend: UInt32) -> Bool {
        guard let pin = self.pins.handle(token: slot), Int(frontend) < self.datagramFrontends.count else {
            return false
        }
        let group = self.pins[pin].group
        let targets = self.datagramFrontends[Int(frontend)].targets
        guard Self.leads(targets.main, to: group) || targets.outside.map({ Self.leads($0, to: group) }) ?? false else {
            return false
        }
        return self.groups[group].endpoints.isActive(self.pins[pin].slot)
    }

    private static func leads(_ target: FrontendTarget, to group: Handle) -> Bool {
        if case .group(group) = target { true } else { false }
    }

    /// The next session may fare better: who fails for long is for checks to find out.
    mutating func failed(_ slot: UInt64, frontend: UInt32, now: UInt64) {}

    mutating func ended(_ slot: UInt64, frontend: UInt32) {
        guard let handle = self.pins.handle(token: slot) else { return }
        let pin = self.pins.remove(handle)
        self.groups[pin.group].endpoints.connectionClosed(pin.slot)
        if let client = pin.client { self.book.leave(pin.service, client) }
        self.leave(pin.group)
    }

    // MARK: - Frontends

    /// Whether a frontend's clients go to one of these groups.
    func leads(_ number: Int, to groups: Set<Int>) -> Bool {
        let targets = self.datagramFrontends[number].targets
        for group in groups where !self.numbers[group].isNone {
            if Self.leads(targets.main, to: self.numbers[group]) { return true }
            if let outside = targets.outside, Self.leads(outside, to: self.numbers[group]) { return true }
        }
        return false
    }

    /// A number for one more frontend.
    mutating func makeDatagramFrontend(_ served: ServedFrontend) -> Int {
        let number = self.freeDatagramFrontends.popLast() ?? self.datagramFrontends.count
        if number == self.datagramFrontends.count { self.datagramFrontends.append(DatagramFrontend()) }
        self.update(number, served)
        return number
    }

    mutating func update(_ number: Int, _ served: ServedFrontend) {
        self.datagramFrontends[number] = DatagramFrontend(
            targets: self.resolve(served), balancing: served.balancing, service: served.port.hashValue,
            connectionsPerClient: served.policy.connectionsPerClient,
            connectionRatePerClient: served.policy.connectionRatePerClient, admittedSources: served.admittedSources)
    }

    mutating func removeDatagramFrontend(_ number: Int) {
        self.datagramFrontends[number] = DatagramFrontend()
        self.freeDatagramFrontends.append(number)
    }
}
