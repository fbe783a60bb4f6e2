internal import Networking

/// One listening socket: where it is and for which Service. A port that passes from one Service to
/// another is a new listener, so that no connection of the first asks about the second.
struct ListenerKey: Hashable, Sendable {
    let namespace: String
    let name: String
    let address: IPAddress
    let port: UInt16
}

extension ListenerKey: Comparable, CustomStringConvertible {
    static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name, left.port, left.address) < (right.namespace, right.name, right.port, right.address)
    }

    var service: String { "\(self.namespace)/\(self.name)" }

    var description: String {
        "\(self.service) \(BindAddress(self.address, self.port))"
    }
}

/// A Service that asks for a port which another has.
struct PortConflict: Hashable, Sendable {
    let port: UInt16
    let service: String
    let holder: String
}

/// Which listeners there are to be, what they answer, and what has to be done for a new state. Pure.
struct ListenerPlan {
    /// What leads from one state to the next. Everything is closed before anything is opened: the new
    /// holder of a port takes it over from the old one.
    struct Step: Equatable {
        var close: [ListenerKey] = []
        var open: [ListenerKey] = []
        /// Those that the last state did not have.
        var conflicts: [PortConflict] = []
    }

    private(set) var listeners: Set<ListenerKey> = []
    private var answers: [UInt16: HealthAnswer] = [:]
    private var conflicts: Set<PortConflict> = []

    /// What `port` answers now; nil where nobody has it.
    func answer(port: UInt16) -> HealthAnswer? { self.answers[port] }

    mutating func update(to state: HealthCheckState) -> Step {
        let checks = state.checks.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        var holders: [UInt16: HealthCheck] = [:]
        var conflicts: Set<PortConflict> = []
        for check in checks {
            guard let holder = holders[check.port] else {
                holders[check.port] = check
                continue
            }
            let (name, other) = ("\(check.namespace)/\(check.name)", "\(holder.namespace)/\(holder.name)")
            if name != other { conflicts.insert(PortConflict(port: check.port, service: name, holder: other)) }
        }

        var listeners: Set<ListenerKey> = []
        for (port, check) in holders {
            for address in state.addresses ?? BindAddress.everywhere {
                listeners.insert(
                    ListenerKey(namespace: check.namespace, name: check.name, address: address, port: port))
            }
        }

        let step = Step(
            close: self.listeners.subtracting(listeners).sorted(),
            open: listeners.subtracting(self.listeners).sorted(),
            conflicts: conflicts.subtracting(self.conflicts).sorted { ($0.port, $0.service) < ($1.port, $1.service) }
        )
        self.listeners = listeners
        self.conflicts = conflicts
        self.answers = holders.mapValues { HealthAnswer($0, isProxyHealthy: state.isProxyHealthy) }
        return step
    }
}
