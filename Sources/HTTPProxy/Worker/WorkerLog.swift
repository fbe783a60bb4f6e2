internal import Balancing
internal import Linux
internal import Logging
internal import Networking
internal import Reactor

/// What a worker has to say to people; seldom, so that it may cost what a log costs.
struct WorkerLog: ~Copyable {
    private let logger: Logger
    private var saidAccept: UInt64?
    private var saidConnect: UInt64?

    init(_ logger: Logger) { self.logger = logger }

    /// Said once in ten seconds.
    mutating func acceptFailed(_ number: Int32, now: UInt64) {
        if let said = self.saidAccept, now < said + Self.repetition { return }
        self.saidAccept = now
        self.logger.error(
            "connections cannot be accepted; they wait",
            metadata: [
                "reason": "\(SystemError.text(of: number))", "mend": "raise the limit on open files (LimitNOFILE=)",
            ])
    }

    /// The same.
    mutating func connectFailed(_ number: Int32, now: UInt64) {
        if let said = self.saidConnect, now < said + Self.repetition { return }
        self.saidConnect = now
        self.logger.error(
            "endpoints cannot be connected to: this process lacks what it takes",
            metadata: [
                "reason": "\(SystemError.text(of: number))",
                "mend": "raise the limit on open files (LimitNOFILE=), or net.ipv4.ip_local_port_range",
            ])
    }

    func outlier(_ event: OutlierEvent, _ endpoint: BackendEndpoint?, _ backend: String, now: UInt64) {
        guard let endpoint else { return }
        let address = SocketAddress(endpoint.address, endpoint.port)
        switch event {
        case .none: break
        case .ejected(let until, let times):
            self.logger.warning(
                "endpoint ejected: its requests fail",
                metadata: [
                    "backend": "\(backend)", "endpoint": "\(address)", "milliseconds": "\(until - min(until, now))",
                    "times": "\(times)",
                ])
        case .spared:
            self.logger.warning(
                "endpoint fails, and is used still: too many are ejected",
                metadata: ["backend": "\(backend)", "endpoint": "\(address)"])
        }
    }

    func returned(_ endpoint: BackendEndpoint?, _ backend: String) {
        guard let endpoint else { return }
        self.logger.notice(
            "endpoint is used again",
            metadata: ["backend": "\(backend)", "endpoint": "\(SocketAddress(endpoint.address, endpoint.port))"])
    }

    /// Milliseconds.
    private static let repetition: UInt64 = 10_000
}
