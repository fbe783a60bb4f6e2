import Lab
import Networking
import Testing

/// New connections from everywhere to every frontend, and some that stay open.
final class SteadyTraffic {
    private let load: [(name: String, generator: LoadGenerator)]
    private let open: [(name: String, conversation: TCPConversation)]
    private let flows: [SteadySender]

    /// Connections a second of each generator; there are twelve of them for all places and a NodePort.
    static let rate = Sanitizer.isOn ? 20 : 100

    /// - Parameters:
    ///   - hosts: where it comes from; nil for every place that a connection can come from.
    ///   - sendsDatagrams: UDP flows as well.
    ///   - timeout: of each connection.
    init(
        to application: Application, _ scene: Scene, from hosts: [Host]? = nil, sendsDatagrams: Bool = true,
        timeout: Duration = .seconds(2)
    ) throws {
        let pairs = application.families.flatMap { family in
            let nodePort = application.nodePort.map { SocketAddress(scene.node.address(family), $0) }
            let frontends = [application.clusterIP(family)] + (nodePort.map { [$0] } ?? [])
            return (hosts ?? scene.vantagePoints).flatMap { host in frontends.map { (host, $0) } }
        }
        self.open = try pairs.map { host, target in
            ("\(host.name) to \(target)", try host.converse(with: target))
        }
        self.flows =
            sendsDatagrams
            ? try pairs.map { host, target in
                try SteadySender(from: host, to: target, interval: .milliseconds(Sanitizer.isOn ? 25 : 5))
            } : []
        self.load = try pairs.map { host, target in
            let generator = try LoadGenerator(
                from: host, to: target.address, port: target.port, rate: Self.rate, timeout: timeout)
            return ("\(host.name) to \(target)", generator)
        }
    }

    /// Ends it. Nothing may have failed.
    ///
    /// - Parameter limit: for a connection from its start to the answer, and between two answers of a UDP flow; nil for any.
    func expectWhole(
        _ what: String, within limit: Duration? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var started = 0
        var slowest = Duration.zero
        for (name, generator) in self.load {
            let report = generator.stop()
            #expect(report.failed == 0, "\(what): \(name): \(report)", sourceLocation: sourceLocation)
            #expect(report.answered == report.started, "\(what): \(name)", sourceLocation: sourceLocation)
            #expect(report.answered > Self.rate / 2, "\(what): \(name): \(report)", sourceLocation: sourceLocation)
            started += report.started
            slowest = max(slowest, report.slowest)
        }
        for (name, conversation) in self.open {
            #expect(conversation.isAlive(), "\(what): \(name)", sourceLocation: sourceLocation)
        }
        var longestGap = Duration.zero
        for flow in self.flows {
            flow.stop()
            let replies = flow.replies
            #expect(replies.count > Self.rate / 2, "\(what): \(flow.name)", sourceLocation: sourceLocation)
            #expect(
                !replies.contains { $0.answer == nil }, "\(what): \(flow.name) was refused",
                sourceLocation: sourceLocation)
            // One flow stays with one endpoint.
            #expect(
                Set(replies.compactMap { $0.answer?.server }).count == 1, "\(what): \(flow.name)",
                sourceLocation: sourceLocation)
            for (one, next) in zip(replies, replies.dropFirst()) {
                longestGap = max(longestGap, next.time - one.time)
            }
        }
        if let limit {
            #expect(slowest < limit, "\(what)", sourceLocation: sourceLocation)
            #expect(longestGap < limit, "\(what)", sourceLocation: sourceLocation)
        }
        print(
            "\(what): \(started) new connections, none failed, slowest \(slowest); \(self.open.count) open ones; "
                + "\(self.flows.count) UDP flows, longest gap \(longestGap)")
    }
}
