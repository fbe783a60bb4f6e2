import Lab
import Linux
import Networking
import Synchronization
import Testing

/// Each host's packets are lost without a word: neither answered nor refused nor called unreachable.
func expectDropped(
    _ hosts: [Host],
    _ targets: SocketAddress...,
    over transports: [TransportProtocol] = transports,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectLoss(hosts, targets, transports, sourceLocation) { $0 == .timedOut }
}

func expectDropped(
    _ hosts: [Host], _ targets: [SocketAddress], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectLoss(hosts, targets, transports, sourceLocation) { $0 == .timedOut }
}

/// Nobody takes the packets: they are lost, or some router says so, but they are not refused.
func expectUnserved(
    _ hosts: [Host],
    _ targets: SocketAddress...,
    over transports: [TransportProtocol] = transports,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectLoss(hosts, targets, transports, sourceLocation, isUnserved)
}

func expectUnserved(
    _ hosts: [Host], _ targets: [SocketAddress], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectLoss(hosts, targets, transports, sourceLocation, isUnserved)
}

private func isUnserved(_ result: ProbeResult) -> Bool {
    switch result {
    case .timedOut, .unreachable: true
    case .answered, .refused, .reset: false
    }
}

/// To see that nothing comes takes the whole timeout, so all attempts are made at once.
private func expectLoss(
    _ hosts: [Host],
    _ targets: [SocketAddress],
    _ transports: [TransportProtocol],
    _ sourceLocation: SourceLocation,
    _ isExpected: (ProbeResult) -> Bool
) throws {
    let results = Results()
    var threads: [OSThread] = []
    for host in hosts {
        for target in targets {
            for transport in transports {
                threads.append(
                    try OSThread {
                        let result = Result { try host.probe(transport, target, timeout: .milliseconds(150)) }
                        results.add("\(transport) from \(host.name) to \(target)", result)
                    })
            }
        }
    }
    for thread in threads { thread.join() }
    for (attempt, result) in results.all {
        let result = try result.get()
        #expect(isExpected(result), "\(attempt): \(result)", sourceLocation: sourceLocation)
    }
}

private final class Results: Sendable {
    private let list = Mutex<[(attempt: String, result: Result<ProbeResult, any Error>)]>([])

    var all: [(attempt: String, result: Result<ProbeResult, any Error>)] {
        self.list.withLock { $0.sorted { $0.attempt < $1.attempt } }
    }

    func add(_ attempt: String, _ result: Result<ProbeResult, any Error>) {
        self.list.withLock { $0.append((attempt, result)) }
    }
}
