package import Linux
package import Logging
package import ServiceLifecycle

/// The workers, from outside: what they serve, what they have counted, when they end.
package final class HTTPProxy: ServiceLifecycle.Service, Sendable {
    /// Listens at once, so that a port that is taken is known before anything else is done. Nothing is accepted before
    /// ``run()``, and connections get 503 before the first ``publish(_:)``.
    package init(_ configuration: HTTPProxyConfiguration, logger: Logger) throws(SystemError) {
        fatalError("to be written")
    }

    /// Hands all workers what is to be served from now on. From any thread; the workers have it within a turn.
    package func publish(_ snapshot: ProxySnapshot) {}

    /// Until graceful shutdown: then no connection is accepted any more, what is in flight may finish within
    /// ``ProxyLimits/drainTimeout``, and it returns.
    package func run() async throws {}

    /// What all workers have counted together, at most a quarter of a second old.
    package func report() -> ProxyReport { ProxyReport() }
}
