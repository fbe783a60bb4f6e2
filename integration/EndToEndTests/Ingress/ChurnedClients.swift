import Lab
import Linux
import Networking
import Synchronization

/// WebSockets that talk all the time, half of them over TLS.
final class Tunnels: Sendable {
    struct Report: Sendable {
        var exchanges = 0
        var failures: [String] = []
    }

    private let state = Mutex(Report())
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    init(_ scene: IngressScene, plain: Int, secure: Int) throws {
        let request = HTTPRequest(
            "GET", "/ws", host: "churn.test",
            ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])
        let conversations = try (0..<(plain + secure)).map { number in
            let conversation =
                number < plain
                ? try scene.connect() : try scene.host.converseByHTTPS(with: IngressScene.https, name: "churn.test")
            guard try conversation.exchange(request).status == 101 else { throw LabError("no WebSocket") }
            return conversation
        }
        let thread = try OSThread { [weak self] in
            while let self, !self.isStopped.load(ordering: .relaxed) { self.exchange(conversations) }
        }
        self.thread.withLock { $0 = thread }
    }

    func stop() -> Report {
        self.isStopped.store(true, ordering: .relaxed)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        return self.state.withLock { $0 }
    }

    private func exchange(_ conversations: [HTTPConversation]) {
        let message = Array("message \(self.state.withLock { $0.exchanges })".utf8)
        for (number, conversation) in conversations.enumerated() {
            do {
                try conversation.send(message)
                guard try conversation.read(message.count) == message else { throw LabError("another's message") }
                self.state.withLock { $0.exchanges += 1 }
            } catch {
                self.state.withLock { if $0.failures.count < 10 { $0.failures.append("\(number): \(error)") } }
            }
        }
        pause(.milliseconds(50))
    }
}

/// New connections over TLS, each of which has to be shown a certificate of these days.
final class Handshakes: Sendable {
    struct Report: Sendable {
        var handshakes = 0
        var failures: [String] = []
    }

    private let state = Mutex(Report())
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    init(_ scene: IngressScene, _ world: ChurnedIngress) throws {
        let thread = try OSThread { [weak self] in
            while let self, !self.isStopped.load(ordering: .relaxed) {
                let handshake = try? scene.host.handshake(with: IngressScene.https, name: "churn.test")
                let isKnown = handshake?.leaf.map(world.isKnown) ?? false
                self.state.withLock { report in
                    report.handshakes += 1
                    if !isKnown, report.failures.count < 10 { report.failures.append(handshake?.text ?? "none") }
                }
                pause(.milliseconds(100))
            }
        }
        self.thread.withLock { $0 = thread }
    }

    func stop() -> Report {
        self.isStopped.store(true, ordering: .relaxed)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        return self.state.withLock { $0 }
    }
}
