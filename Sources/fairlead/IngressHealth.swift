internal import Admin
internal import IngressControl
internal import ServiceLifecycle
internal import Synchronization

/// Whether requests should come here: once routes are in force, until this is told to end.
final class IngressHealth: ServiceLifecycle.Service, Sendable {
    private let board: IngressBoard
    private let draining = Atomic(false)

    init(_ board: IngressBoard) {
        self.board = board
    }

    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// The last of the services to start, and so the first that is told to end: before anything else does, the health page
    /// says so.
    func run() async throws {
        try await gracefulShutdown()
        self.draining.store(true, ordering: .relaxed)
    }

    var pages: [String: Site.Page] {
        ["/healthz": { self.answer }, "/livez": { Answer.text("ok") }]
    }

    private var answer: Answer {
        if self.isDraining { return .text("draining\n", status: .serviceUnavailable) }
        guard self.board.state != nil else {
            return .text("no routes yet: not everything has been listed\n", status: .serviceUnavailable)
        }
        return .text("ok")
    }
}

/// Waits between the moment when the health page says no and that when no connection is accepted any more.
struct GracePeriod: ServiceLifecycle.Service {
    let duration: Duration

    func run() async throws {
        try await gracefulShutdown()
        // Cut short by cancellation alone, which ends everything.
        try? await Task.sleep(for: self.duration)
    }
}
