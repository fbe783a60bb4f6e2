import Glibc
import Lab
import Testing

extension EndToEnd.Ingress {
    /// Everything changes all the time, and no client notices.
    ///
    /// Ten seconds here, at a rate that a debug build can serve beside its own tests; `make churn-http` runs sixty at 2,000 requests
    /// a second, and holds the times to their bar (FAIRLEAD_CHURN_SECONDS, FAIRLEAD_CHURN_RATE).
    @Suite(.timeLimit(.minutes(20))) struct IngressChurnTests {
        private static func number(_ name: String) -> Int? {
            unsafe getenv(name).flatMap { Int(unsafe String(cString: $0)) }
        }

        private static let seconds = number("FAIRLEAD_CHURN_SECONDS") ?? 10
        private static let rate = number("FAIRLEAD_CHURN_RATE")
        private static let pods = ["churn-1", "churn-2", "churn-3", "churn-4"]

        @Test func `endpoints, routes and certificates change under load: no error, no connection cut`() throws {
            let scene = try IngressScene(["--proxy-next-upstream-tries", "3"])
            defer { scene.tearDown() }
            let world = try ChurnedIngress(scene, Self.pods)
            try world.start()
            let load = try HTTPLoad(
                from: scene.host, to: IngressScene.http,
                [.init(host: "churn.test", path: "/stable"), .init(host: "churn.test", path: "/stable/deeper")],
                rate: Self.rate ?? 300, connections: 256, freshEvery: 20)
            let tunnels = try Tunnels(scene, plain: 10, secure: 10)
            let handshakes = try Handshakes(scene, world)
            let changes = try world.churn(for: .seconds(Self.seconds))
            let tunnelReport = tunnels.stop()
            let handshakeReport = handshakes.stop()
            let report = load.stop()
            let times = world.times.sorted()
            let p99 = times[min(times.count - 1, times.count * 99 / 100)]
            print(
                """
                ingress churn: \(Self.seconds) s, \(changes.endpoints) endpoint, \(changes.routes) route and \
                \(changes.certificates) certificate changes; \(report.answered) requests over \(report.connections) connections, \
                p99 \(report.latency(0.99)), slowest \(report.latency(1)), \(report.skipped) not sent; 20 WebSockets exchanged \
                \(tunnelReport.exchanges) messages; \(handshakeReport.handshakes) handshakes; file to first correct answer: median \
                \(times[times.count / 2]), p99 \(p99), slowest \(times[times.count - 1])
                """)
            #expect(report.failed == 0, "\(report.failures)")
            #expect(report.answered == report.sent && report.sent > 0)
            #expect(Set(report.answeredBy.keys) == Set(Self.pods))
            #expect(tunnelReport.failures.isEmpty, "\(tunnelReport.failures)")
            #expect(tunnelReport.exchanges >= 20 * Self.seconds)
            #expect(handshakeReport.failures.isEmpty, "\(handshakeReport.failures)")
            #expect(handshakeReport.handshakes > Self.seconds / 2)
            #expect(world.problems.isEmpty, "\(world.problems)")
            if Self.rate != nil {
                #expect(report.skipped == 0)
                #expect(p99 < .milliseconds(50))
            }
        }
    }
}
