import Lab
import Networking
import Synchronization
import Testing

/// What Fairlead serves that the lab's servers speak.
let transports: [TransportProtocol] = [.tcp, .udp]

/// Gives each datagram a port that no other had: with one that had, it would belong to an old flow
/// that conntrack still knows, and go where that went.
private enum FreshPort {
    private static let count = Atomic<UInt16>(0)

    static func source(_ family: AddressFamily) -> SocketAddress {
        let port = 10000 + Self.count.wrappingAdd(1, ordering: .relaxed).newValue % 20000
        return SocketAddress(family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0), port)
    }
}

extension Probe {
    /// A new connection or flow to an ``EchoServer``.
    static func new(
        _ transport: TransportProtocol, _ target: SocketAddress, timeout: Duration = .seconds(2)
    ) throws -> ProbeResult {
        guard transport == .udp else { return try self.tcp(to: target.address, port: target.port, timeout: timeout) }
        let source = FreshPort.source(target.address.family)
        return try self.udp(to: target.address, port: target.port, timeout: timeout, source: source)
    }
}

extension Host {
    func probe(
        _ transport: TransportProtocol, _ target: SocketAddress, timeout: Duration = .seconds(2)
    ) throws -> ProbeResult {
        try self.run { try Probe.new(transport, target, timeout: timeout) }
    }

    func converse(with target: SocketAddress) throws -> TCPConversation {
        try self.converse(with: target.address, port: target.port)
    }

    func converseByUDP(with target: SocketAddress, sourcePort: UInt16? = nil) throws -> UDPConversation {
        try self.converseByUDP(with: target.address, port: target.port, sourcePort: sourcePort)
    }

    /// How many of `attempts` each server answered; nil counts those that nobody did.
    func tally(
        _ transport: TransportProtocol, _ target: SocketAddress, attempts: Int
    ) throws -> [String?: Int] {
        try self.run {
            var counts: [String?: Int] = [:]
            for _ in 0..<attempts {
                counts[try Probe.new(transport, target).server, default: 0] += 1
            }
            return counts
        }
    }
}

/// Each host reaches `target` over TCP and UDP, answered by one of `servers`; where `source` is given,
/// seen as that.
func expectAnswered(
    _ hosts: [Host],
    _ target: SocketAddress,
    by servers: [Host]? = nil,
    over transports: [TransportProtocol] = transports,
    seenAs source: ((Host) -> IPAddress)? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let names = servers.map { $0.map(\.name) }
    for host in hosts {
        for transport in transports {
            let result = try host.probe(transport, target)
            let isExpected = result.server.map { names?.contains($0) ?? true } ?? false
            #expect(
                isExpected, "\(transport) from \(host.name) to \(target): \(result), not one of \(names ?? ["any"])",
                sourceLocation: sourceLocation)
            guard let source, result.isAnswered else { continue }
            #expect(
                result.source == source(host), "\(transport) from \(host.name) to \(target): \(result)",
                sourceLocation: sourceLocation)
        }
    }
}

/// Each host is refused at once: a drop would take the whole timeout, an ICMP error that TCP only
/// believes after a retransmission takes a second.
func expectRefused(
    _ hosts: [Host],
    _ target: SocketAddress,
    over transports: [TransportProtocol] = transports,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectEach(hosts, target, transports, timeout: .seconds(2), sourceLocation) { result in
        result.isRefused && (result.duration.map { $0 < .seconds(1) } ?? false)
    }
}

private func expectEach(
    _ hosts: [Host],
    _ target: SocketAddress,
    _ transports: [TransportProtocol],
    timeout: Duration,
    _ sourceLocation: SourceLocation,
    _ isExpected: (ProbeResult) -> Bool
) throws {
    for host in hosts {
        for transport in transports {
            let result = try host.probe(transport, target, timeout: timeout)
            #expect(
                isExpected(result), "\(transport) from \(host.name) to \(target): \(result)",
                sourceLocation: sourceLocation)
        }
    }
}

/// All of `servers` and nobody else answered, about equally often.
func expectEvenSpread(
    _ counts: [String?: Int], over servers: [Host], _ comment: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        Set(counts.keys) == Set(servers.map { Optional($0.name) }), "\(comment): \(counts)",
        sourceLocation: sourceLocation)
    let shares = Dictionary(uniqueKeysWithValues: servers.map { ($0.name, 1.0) })
    expectSpread(counts, shares: shares, comment, sourceLocation: sourceLocation)
}

/// Each server answered about as often as its share of all says.
func expectSpread(
    _ counts: [String?: Int], shares: [String: Double], _ comment: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let attempts = Double(counts.values.reduce(0, +))
    let whole = shares.values.reduce(0, +)
    let statistic = shares.reduce(0.0) { sum, share in
        let expected = attempts * share.value / whole
        let difference = Double(counts[share.key] ?? 0) - expected
        return sum + difference * difference / expected
    }
    // Three servers are two degrees of freedom: an even spread is above this once in a million runs.
    #expect(statistic < 27.6, "\(comment): \(counts), chi-square \(statistic)", sourceLocation: sourceLocation)
}

/// Waits for `condition` and prints how long it took since `start`; records an issue after `limit`.
@discardableResult
func expectSoon(
    _ what: String,
    within limit: Duration = .seconds(1),
    since start: ContinuousClock.Instant = .now,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) rethrows -> Duration {
    let limit = Sanitizer.bound(limit)
    let isSo = try waitUntil(timeout: limit - (ContinuousClock.now - start), interval: .zero, condition)
    let duration = ContinuousClock.now - start
    #expect(isSo, "not within \(limit): \(what)", sourceLocation: sourceLocation)
    return duration
}
