package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// Answers on the health check ports of Services.
///
/// It owns one thread. The ports are opened in the network namespace of the thread that made this value.
package final class HealthCheckServer: ServiceLifecycle.Service, Sendable {
    private struct Inbox {
        var state: HealthCheckState?
        var isRunning = false
        /// Whether the event loop has been asked to look here and has not yet.
        var isAnnounced = false
    }

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let listeners: NIOLoopBoundBox<ListenerSet>
    private let inbox = Mutex(Inbox())

    package init(logger: Logger, limits: HealthCheckLimits = HealthCheckLimits()) {
        // The thread starts here, and not when it is needed first: it inherits the namespace.
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        self.listeners = .makeBoxSendingValue(
            ListenerSet(loop: self.loop, limits: limits, logger: logger), eventLoop: self.loop)
    }

    deinit {
        // Does nothing after run().
        self.group.shutdownGracefully { _ in }
    }

    /// Makes `state` what is served, while ``run()`` runs. Any thread may call this; it does not wait. The
    /// newest state wins, those in between may never be looked at.
    package func serve(_ state: HealthCheckState) {
        self.inbox.withLock { inbox in
            inbox.state = state
            if inbox.isRunning { self.announce(&inbox) }
        }
    }

    /// Serves until graceful shutdown or cancellation, then closes everything. Can run once.
    package func run() async throws {
        self.inbox.withLock { inbox in
            inbox.isRunning = true
            self.announce(&inbox)
        }
        // The only error is a cancellation, which is an end as good as the other.
        try? await gracefulShutdown()
        self.inbox.withLock { $0.isRunning = false }
        try await self.loop.submit {
            self.listeners.value.apply(HealthCheckState(checks: [], isProxyHealthy: false))
        }.get()
        try await self.group.shutdownGracefully()
    }

    /// Under the lock, so that nothing reaches the event loop after ``run()`` has begun to end it.
    private func announce(_ inbox: inout Inbox) {
        guard !inbox.isAnnounced else { return }
        inbox.isAnnounced = true
        self.loop.execute {
            let state = self.inbox.withLock { inbox in
                inbox.isAnnounced = false
                defer { inbox.state = nil }
                return inbox.isRunning ? inbox.state : nil
            }
            if let state { self.listeners.value.apply(state) }
        }
    }
}
