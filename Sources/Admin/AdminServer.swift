// Admin: what others may ask this process over HTTP. The health check ports of Services, which come and go
// with them, and pages at fixed addresses: health for load balancers and the kubelet, metrics for Prometheus. Over a unix socket it is
// the admin API, with the client for it.
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// An address that has to be listened on and cannot be (`--bind-address-hard-fail`).
package struct AdminServerError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case cannotListen
    }

    package let code: Code
    package let description: String
}

/// An address that cannot be listened on. Unless it is required, it is tried again until it can.
package struct ListeningTrouble: Hashable, Sendable {
    package enum User: Hashable, Sendable {
        /// One of the sites, by its name.
        case site(String)
        /// A Service's health check port.
        case service(namespace: String, name: String)
    }

    package let user: User
    /// With its port.
    package let address: String
    package let reason: String
}

/// Answers on the health check ports of Services, and at the addresses of some sites.
///
/// It owns one thread. The ports are opened in the network namespace of the thread that made this value.
package final class AdminServer: ServiceLifecycle.Service, Sendable {
    /// What lives on the event loop.
    private struct Served {
        let checks: ListenerSet
        var pages: [Listener] = []
    }

    private struct Inbox {
        var state: HealthCheckState?
        var isRunning = false
        /// Whether the event loop has been asked to look here and has not yet.
        var isAnnounced = false
    }

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let served: NIOLoopBoundBox<Served>
    private let inbox = Mutex(Inbox())
    private let sites: [Site]
    private let limits: ServerLimits
    private let logger: Logger
    private let onTrouble: @Sendable (ListeningTrouble) -> Void

    /// - Parameter onTrouble: told, from the server's thread, when an address cannot be listened on.
    package init(
        sites: [Site] = [],
        logger: Logger,
        limits: ServerLimits = ServerLimits(),
        onTrouble: @escaping @Sendable (ListeningTrouble) -> Void = { _ in }
    ) {
        // The thread starts here, and not when it is needed first: it inherits the namespace.
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        self.served = .makeBoxSendingValue(
            Served(checks: ListenerSet(loop: self.loop, limits: limits, logger: logger, onTrouble: onTrouble)),
            eventLoop: self.loop)
        self.sites = sites
        self.limits = limits
        self.logger = logger
        self.onTrouble = onTrouble
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

    /// Serves until graceful shutdown or cancellation, then closes everything. Can run once. Throws
    /// ``AdminServerError`` where a site that is required cannot be served.
    package func run() async throws {
        let (failures, failed) = AsyncStream.makeStream(of: AdminServerError.self)
        self.inbox.withLock { inbox in
            inbox.isRunning = true
            self.announce(&inbox)
            self.loop.execute { self.openSites { failed.yield($0) } }
        }
        let failure = await cancelWhenGracefulShutdown { await failures.first { _ in true } }
        self.inbox.withLock { $0.isRunning = false }
        try await self.loop.submit {
            self.served.value.checks.apply(HealthCheckState(checks: [], isProxyHealthy: false))
            for listener in self.served.value.pages { listener.close() }
            self.served.value.pages = []
        }.get()
        try await self.group.shutdownGracefully()
        if let failure { throw failure }
    }

    private func openSites(_ failed: @escaping (AdminServerError) -> Void) {
        for site in self.sites {
            for place in site.place.listeners {
                let listener = Listener(
                    place,
                    purpose: Listener.Purpose(user: .site(site.name), noun: "the \(site.name) port"),
                    loop: self.loop, limits: self.limits, logger: self.logger,
                    onFailure: site.isRequired ? { failed(AdminServerError($0)) } : nil,
                    onTrouble: self.onTrouble, answer: site.answer)
                self.served.value.pages.append(listener)
                listener.open()
            }
        }
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
            if let state { self.served.value.checks.apply(state) }
        }
    }
}

extension Site.Place {
    /// Those of the listeners: an unspecified address is several.
    fileprivate var listeners: [Site.Place] {
        switch self {
        case .address(let address): address.listeners.map { .address(BindAddress($0, address.port)) }
        case .socket: [self]
        }
    }
}

extension AdminServerError {
    fileprivate init(_ failure: Listener.Failure) {
        self.init(
            code: .cannotListen,
            description: "\(failure.purpose.noun) cannot be opened at \(failure.place): \(failure.reason)")
    }
}
