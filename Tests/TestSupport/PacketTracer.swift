package import Networking
package import Nftables

/// Follows the first packet of a connection through the nat chains of a ruleset and says what becomes
/// of it, for every number that could be drawn. Evaluates typed rules, not text.
package struct PacketTracer {
    package struct Packet: Hashable, Sendable {
        package var source: IPAddress
        package var destination: IPAddress
        package var transport: TransportProtocol
        package var port: UInt16
        /// Made by the node itself, so it enters at the output hook.
        package var isLocal: Bool
        /// The interface that it comes by.
        package var interface: String?

        package init(
            from source: IPAddress,
            to destination: IPAddress,
            _ transport: TransportProtocol,
            _ port: UInt16,
            isLocal: Bool = false,
            interface: String? = nil
        ) {
            self.source = source
            self.destination = destination
            self.transport = transport
            self.port = port
            self.isLocal = isLocal
            self.interface = interface
        }
    }

    package enum Outcome: Hashable, Sendable {
        /// No Service's business.
        case passed
        case refused
        case dropped
        /// Where it may go, and for which of these its source becomes the node's.
        case translated([Target])
    }

    package struct Target: Hashable, Sendable, Comparable {
        package var address: IPAddress
        package var port: UInt16
        package var isMasqueraded: Bool

        package static func < (left: Self, right: Self) -> Bool {
            (left.address, left.port) < (right.address, right.port)
        }
    }

    private enum Verdict: Hashable {
        case accepted
        case refused
        case dropped
        case translated(IPAddress, UInt16)
        case masqueraded
        /// The end of the chain, back to where it was jumped from.
        case returned
    }

    /// What rules have put into dynamic sets.
    private final class Memory {
        var keys: [String: Set<ElementBytes>] = [:]
    }

    private struct State {
        var packet: Packet
        let memory: Memory
        /// As the connection tracking knows it.
        let first: Packet
        /// Before translation; nil while it has not been translated.
        var original: Packet?
    }

    private let chains: [String: [Rule]]
    private let elements: [String: [ElementBytes: Element]]
    private let ranges: [String: [Element]]

    package init(_ ruleset: Ruleset) {
        self.chains = Dictionary(uniqueKeysWithValues: ruleset.chains.map { ($0.chain.name, $0.rules) })
        var elements: [String: [ElementBytes: Element]] = [:]
        var ranges: [String: [Element]] = [:]
        for set in ruleset.sets {
            let list = ruleset.elements[set.name] ?? []
            if set.flags.contains(.interval) {
                ranges[set.name] = list.sorted { $0.key < $1.key }
            } else {
                elements[set.name] = Dictionary(uniqueKeysWithValues: list.map { ($0.key, $0) })
            }
        }
        self.elements = elements
        self.ranges = ranges
    }

    /// What becomes of a connection's first packet.
    package func trace(_ packet: Packet) -> Outcome {
        let memory = Memory()
        let verdicts = self.run(
            packet.isLocal ? "output" : "prerouting", State(packet: packet, memory: memory, first: packet))
        if verdicts.contains(.refused) { return .refused }
        if verdicts.contains(.dropped) { return .dropped }
        let targets = verdicts.compactMap { verdict -> Target? in
            guard case .translated(let address, let port) = verdict else { return nil }
            var translated = packet
            translated.destination = address
            translated.port = port
            let after = self.run(
                "postrouting", State(packet: translated, memory: memory, first: packet, original: packet))
            return Target(address: address, port: port, isMasqueraded: after == [.masqueraded])
        }
        return targets.isEmpty ? .passed : .translated(targets.sorted())
    }

    /// Every verdict that the chain may come to.
    private func run(_ chain: String, _ state: State) -> Set<Verdict> {
        var state = state
        var outcomes: Set<Verdict> = []
        for rule in self.chains[chain] ?? [] {
            guard let verdicts = self.run(rule.statements[...], &state) else { continue }
            outcomes.formUnion(verdicts.filter { $0 != .returned })
            if !verdicts.contains(.returned) { return outcomes }
        }
        return outcomes.union([.returned])
    }

    /// nil if the rule does not match; `.returned` among the verdicts if what follows may be reached.
    /// What a rule writes into the packet, the rules after it see.
    private func run(_ statements: ArraySlice<Statement>, _ state: inout State) -> Set<Verdict>? {
        for (index, statement) in zip(statements.indices, statements) {
            switch statement {
            case .isLocal(.source, let isInverted):
                guard state.packet.isLocal != isInverted else { return nil }
            case .isLocal(.destination, let isInverted):
                // No traced packet goes to this host's own addresses but by NodePorts.
                guard isInverted else { return nil }
            case .inputInterface(let pattern):
                guard let name = state.packet.interface else { return nil }
                let matches = pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
                guard matches else { return nil }
            case .update(let set, let key, let value, _):
                guard let keys = self.keys(key, state) else { return nil }
                if value.isEmpty { state.memory.keys[set, default: []].formUnion(keys) }
            case .forget:
                continue
            case .restoreAddress(_, .source):
                state.packet.source = state.first.source
            case .restoreAddress(_, .destination):
                state.packet.destination = state.first.destination
            case .setAddress(let kind, let direction, let selectors, let map):
                let family: AddressFamily = kind == .ipv4 ? .ipv4 : .ipv6
                guard state.packet.destination.family == family, let keys = self.keys(selectors, state) else {
                    return nil
                }
                let addresses = keys.map { key -> IPAddress? in
                    guard case .bytes(let value)? = self.elements[map]?[key]?.value else { return nil }
                    return value.address(family, at: 0)
                }
                if addresses.count == 1 {
                    guard let address = addresses[0] else { return nil }
                    state.packet.set(direction, address)
                    continue
                }
                // One path for each number that may be drawn.
                return addresses.reduce(into: Set<Verdict>()) { verdicts, address in
                    var branch = state
                    address.map { branch.packet.set(direction, $0) }
                    let outcome = address == nil ? nil : self.run(statements[(index + 1)...], &branch)
                    verdicts.formUnion(outcome ?? [.returned])
                }
            case .counter, .limit, .trace:
                continue
            case .transportProtocol(let transport):
                guard state.packet.transport == transport else { return nil }
            case .networkProtocol(let kind):
                guard state.packet.destination.family == (kind == .ipv4 ? .ipv4 : .ipv6) else { return nil }
            case .segmentWithoutSYN:
                // The first segment of a connection is a SYN.
                return nil
            case .connectionRequest:
                guard state.packet.transport == .tcp else { return nil }
            case .address(let direction, let address):
                guard (direction == .source ? state.packet.source : state.packet.destination) == address else {
                    return nil
                }
            case .destinationPort(let port):
                guard state.packet.port == port else { return nil }
            case .destinationTranslated:
                guard state.original != nil else { return nil }
            case .lookup(let selectors, let set, let isInverted):
                guard let keys = self.keys(selectors, state), let key = keys.first else { return nil }
                guard self.contains(key, in: set, state) != isInverted else { return nil }
            case .verdictMap(let selectors, let map):
                guard let key = self.keys(selectors, state)?.first,
                    case .verdict(let verdict)? = self.elements[map]?[key]?.value
                else { return nil }
                return self.follow(verdict, state)
            case .verdict(let verdict):
                return self.follow(verdict, state)
            case .destinationNAT(_, let selectors, let map):
                guard let keys = self.keys(selectors, state) else { return nil }
                let family = state.packet.destination.family
                return Set(
                    keys.map { key in
                        guard case .bytes(let value)? = self.elements[map]?[key]?.value,
                            let address = value.address(family, at: 0), let port = value.port(at: family.addressLength)
                        else { return .returned }
                        return .translated(address, port)
                    })
            case .masquerade:
                return [.masqueraded]
            case .reject:
                return [.refused]
            }
        }
        return nil
    }

    private func follow(_ verdict: Nftables.Verdict, _ state: State) -> Set<Verdict> {
        switch verdict {
        case .accept: [.accepted]
        case .drop: [.dropped]
        case .continue, .return: [.returned]
        case .jump(let chain): self.run(chain, state)
        // What a chain that was gone to returns, is at the end of the one that went there.
        case .goto(let chain): Set(self.run(chain, state).map { $0 == .returned ? .accepted : $0 })
        }
    }

    /// The key that the selectors make of the packet: one for each number that may be drawn; nil if a
    /// selector is of the other IP version.
    private func keys(_ selectors: [Selector], _ state: State) -> [ElementBytes]? {
        var keys = [ElementBytes()]
        for selector in selectors {
            switch selector {
            case .address(let kind, let direction):
                let address = direction == .source ? state.packet.source : state.packet.destination
                guard address.family == (kind == .ipv4 ? .ipv4 : .ipv6) else { return nil }
                keys = keys.map { $0.appending { $0.append(address) } }
            case .originalAddress(let kind, let direction):
                let address = direction == .source ? state.first.source : state.first.destination
                guard address.family == (kind == .ipv4 ? .ipv4 : .ipv6) else { return nil }
                keys = keys.map { $0.appending { $0.append(address) } }
            case .transportProtocol:
                keys = keys.map { $0.appending { $0.append(state.packet.transport) } }
            case .destinationPort:
                keys = keys.map { $0.appending { $0.append(port: state.packet.port) } }
            case .originalDestinationPort:
                guard let port = state.original?.port else { return nil }
                keys = keys.map { $0.appending { $0.append(port: port) } }
            case .sourcePort:
                keys = keys.map { $0.appending { $0.append(port: 40_000) } }
            case .random(let modulus, let offset), .hash(_, let modulus, let offset, _):
                // Every number that a draw or a hash may come to; of the whole range of hashes any one.
                keys = keys.flatMap { key in
                    (0..<(modulus == .max ? 1 : modulus)).map { number in
                        key.appending { $0.append(integer: offset + number) }
                    }
                }
            case .networkProtocol:
                keys = keys.map { $0.appending { $0.append(networkProtocol: state.packet.destination.family) } }
            }
        }
        return keys
    }

    private func contains(_ key: ElementBytes, in set: String, _ state: State) -> Bool {
        if state.memory.keys[set]?.contains(key) == true { return true }
        guard let ranges = self.ranges[set] else { return self.elements[set]?[key] != nil }
        if ranges.contains(where: { if case .rangeEnd? = $0.value { true } else { false } }) {
            return ranges.contains { element in
                if case .rangeEnd(let end)? = element.value { element.key <= key && key <= end } else { false }
            }
        }
        // The last boundary at or before the key says whether it is inside.
        return ranges.last { $0.key <= key }.map { $0.boundary != .end } ?? false
    }
}

extension ElementBytes {
    fileprivate func appending(_ change: (inout ElementBytes) -> Void) -> ElementBytes {
        var copy = self
        change(&copy)
        return copy
    }
}

extension PacketTracer.Packet {
    fileprivate mutating func set(_ direction: Selector.AddressDirection, _ address: IPAddress) {
        if direction == .source { self.source = address } else { self.destination = address }
    }
}
