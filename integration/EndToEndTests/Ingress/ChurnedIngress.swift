import Lab
import Networking
import Synchronization

/// Endpoints that flap, a route that is another one every second, and a certificate that rotates, beside a route that
/// stays: `churn.test` has one or more of all pods, `single.test` always exactly one, `moving.test` a path at a time.
final class ChurnedIngress: Sendable {
    struct Changes {
        var endpoints = 0
        var routes = 0
        var certificates = 0
    }

    private struct Notes {
        var times: [Duration] = []
        var problems: [String] = []
    }

    private let scene: IngressScene
    private let pods: [String]
    private let certificates: [Certificate]
    private let notes = Mutex(Notes())

    init(_ scene: IngressScene, _ pods: [String]) throws {
        self.scene = scene
        self.pods = pods
        self.certificates = try (0..<4).map { _ in try Certificate.selfSigned(for: ["churn.test"]) }
    }

    /// From the writing of a file to the first answer that shows it.
    var times: [Duration] { self.notes.withLock { $0.times } }
    /// What did not come within a second, and what was wrong in the end.
    var problems: [String] { self.notes.withLock { $0.problems } }

    func isKnown(_ leaf: String) -> Bool { self.certificates.contains { $0.certificate == leaf } }

    /// Puts everything into force for the first time.
    func start() throws {
        for pod in self.pods {
            try self.scene.backend(pod).script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
        }
        var stable = ingress(
            "stable",
            [.init("churn.test", [.prefix("/", .to("churn"))]), .init("single.test", [.prefix("/", .to("single"))])])
        stable.tls = [.init(["churn.test"], secret: "churn")]
        try self.scene.folder.write("stable.yaml", [stable])
        try self.writeEndpoints(self.pods, single: self.pods[0])
        try self.writeRoute(0)
        try self.writeCertificate(0)
        try self.scene.settle()
    }

    /// Five changes of endpoints and one of a route a second, and one of the certificate every two.
    func churn(for duration: Duration) throws -> Changes {
        var random = SeededGenerator(seed: 5)
        var changes = Changes()
        let start = ContinuousClock.now
        while ContinuousClock.now - start < duration {
            changes.endpoints += 1
            let single = self.pods[changes.endpoints % self.pods.count]
            let some = self.pods.shuffled(using: &random).prefix(Int.random(in: 1...self.pods.count, using: &random))
            try self.measure("endpoint \(single)") {
                try self.writeEndpoints(Array(some), single: single)
            } until: {
                try self.scene.fetch("http://single.test/").backend == single
            }
            if changes.endpoints.isMultiple(of: 5) {
                changes.routes += 1
                let number = changes.routes
                try self.measure("route \(number)") {
                    try self.writeRoute(number)
                } until: {
                    try self.scene.fetch("http://moving.test/version-\(number)").status == 200
                }
            }
            if changes.endpoints.isMultiple(of: 10) {
                changes.certificates += 1
                try self.writeCertificate(changes.certificates)
            }
            let ahead = Duration.milliseconds(200) * changes.endpoints - (ContinuousClock.now - start)
            if ahead > .zero { pause(ahead) }
        }
        try self.scene.settle()
        try self.checkEnd(changes)
        return changes
    }

    private func checkEnd(_ changes: Changes) throws {
        let leaf = try self.scene.host.handshake(with: IngressScene.https, name: "churn.test").leaf
        let expected = self.certificates[changes.certificates % self.certificates.count].certificate
        if leaf != expected { self.note("the last certificate is not in force") }
        let old = try self.scene.fetch("http://moving.test/version-\(changes.routes - 1)").status
        if changes.routes > 0, old != 404 { self.note("an old route is in force") }
    }

    private func measure(_ what: String, _ change: () throws -> Void, until isSo: () throws -> Bool) throws {
        let start = ContinuousClock.now
        try change()
        guard try waitUntil(timeout: .seconds(1), interval: .zero, isSo) else {
            return self.note("\(what): not in 1 s")
        }
        let duration = ContinuousClock.now - start
        self.notes.withLock { $0.times.append(duration) }
    }

    private func note(_ problem: String) { self.notes.withLock { $0.problems.append(problem) } }

    // MARK: - Files

    private func writeEndpoints(_ some: [String], single: String) throws {
        try self.scene.folder.write(
            "endpoints.yaml",
            try self.scene.service("churn", on: some) + self.scene.service("single", on: [single]))
    }

    private func writeRoute(_ number: Int) throws {
        let path = IngressManifest.Path.exact("/version-\(number)", .to("churn"))
        try self.scene.folder.write("route.yaml", [ingress("moving", [.init("moving.test", [path])])])
    }

    private func writeCertificate(_ number: Int) throws {
        let certificate = self.certificates[number % self.certificates.count]
        try self.scene.folder.write("tls.yaml", [SecretManifest("churn", certificate)])
    }
}
