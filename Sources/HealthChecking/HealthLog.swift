internal import Linux
internal import Logging
internal import Reactor
internal import ServiceModel

/// What checks have to say to people.
struct HealthLog {
    private let logger: Logger
    private var saidInconclusive: UInt64?

    init(_ logger: Logger) { self.logger = logger }

    func failed(_ endpoint: SocketAddress, _ failure: ProbeFailure, _ backend: CheckedBackend) {
        self.logger.warning(
            "endpoint is unhealthy: it gets no new requests", metadata: self.metadata(endpoint, backend, failure))
    }

    func recovered(_ endpoint: SocketAddress, _ backend: CheckedBackend) {
        self.logger.notice("endpoint is healthy again", metadata: self.metadata(endpoint, backend, nil))
    }

    func allFail(_ backend: CheckedBackend) {
        self.logger.warning(
            "all endpoints of a backend are unhealthy: they are used all the same",
            metadata: ["backend": "\(backend.name)", "check": "\(backend.policy.question.name)"])
    }

    /// Said once in ten seconds.
    mutating func inconclusive(_ number: Int32, now: UInt64) {
        if let said = self.saidInconclusive, now < said + Self.repetition { return }
        self.saidInconclusive = now
        self.logger.error(
            "endpoints cannot be checked: this process lacks what it takes",
            metadata: [
                "reason": "\(SystemError.text(of: number))",
                "mend": "raise the limit on open files (LimitNOFILE=), or net.ipv4.ip_local_port_range",
            ])
    }

    private func metadata(
        _ endpoint: SocketAddress, _ backend: CheckedBackend, _ failure: ProbeFailure?
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "backend": "\(backend.name)", "endpoint": "\(endpoint)", "check": "\(backend.policy.question.name)",
        ]
        if let failure { metadata["why"] = "\(failure)" }
        return metadata
    }

    /// Milliseconds.
    private static let repetition: UInt64 = 10_000
}
