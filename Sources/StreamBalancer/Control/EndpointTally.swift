internal import HealthChecking
internal import Linux
internal import Networking
internal import Reactor
internal import ServiceModel

/// What one worker has to tell of one endpoint of a group.
struct EndpointTally: Hashable, Sendable {
    let group: GroupKey
    let endpoint: SocketAddress
    /// Open ones, and UDP sessions.
    let connections: Int
    /// nil: it has always had its full share.
    let warmth: Warmth?
}

extension EndpointChooser {
    /// Of groups that nobody is led to any more as well: their connections go on.
    func tallies(now: UInt64) -> [EndpointTally] {
        var tallies: [EndpointTally] = []
        for position in 0..<self.groups.positions {
            if let group = self.groups.handle(at: position) { tallies += self.groups[group].tallies(now: now) }
        }
        return tallies
    }
}

extension StreamEndpointReport {
    /// All that workers and checks know, by endpoint: an endpoint of two groups, as it is where traffic policies differ, has the
    /// connections of both. Where the groups do not agree, the one counts that gives it less.
    ///
    /// - Parameters:
    ///   - tallies: of each worker.
    ///   - checked: the groups whose endpoints are checked.
    static func merge(
        _ tallies: [[EndpointTally]], checked: [GroupPlan], _ health: HealthSnapshot, at now: WallTime
    ) -> [StreamEndpoint: StreamEndpointReport] {
        var reports: [StreamEndpoint: StreamEndpointReport] = [:]
        for tally in tallies.joined() where tally.group.serverName == nil {
            reports[StreamEndpoint(tally.group, tally.endpoint), default: .init()].add(tally, at: now)
        }
        for plan in checked where plan.key.serverName == nil {
            guard let backend = health.backends[plan.number], backend.name == plan.healthName else { continue }
            for (address, found) in backend.endpoints {
                reports[StreamEndpoint(plan.key, address), default: .init()].add(found)
            }
        }
        return reports
    }

    private mutating func add(_ tally: EndpointTally, at now: WallTime) {
        self.connections += tally.connections
        switch tally.warmth {
        case .warming(let percent, let milliseconds)?:
            guard percent < self.share else { return }
            self.share = percent
            self.shareSince = now.unixNanoseconds - Int64(milliseconds) * 1_000_000
        case .warm(let milliseconds)?:
            guard self.share == Self.fullShare else { return }
            self.shareSince = max(self.shareSince ?? .min, now.unixNanoseconds - Int64(milliseconds) * 1_000_000)
        case nil: break
        }
    }

    private mutating func add(_ health: EndpointHealth) {
        self.isChecked = true
        self.lastFailure = health.lastFailure.map { "\($0)" } ?? self.lastFailure
        guard self.isUsable || !health.isUsable else { return }
        self.isUsable = health.isUsable
        self.usableSince = health.since.map(\.unixNanoseconds)
    }
}

extension StreamEndpoint {
    fileprivate init(_ group: GroupKey, _ address: SocketAddress) {
        self.init(port: group.port, backend: Backend(address.address, address.port))
    }
}
