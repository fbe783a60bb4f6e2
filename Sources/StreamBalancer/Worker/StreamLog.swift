internal import Linux
internal import Logging

/// What a worker has to say to people; seldom, so that it may cost what a log costs.
struct StreamLog: ~Copyable {
    private let logger: Logger
    private var said: UInt64?

    init(_ logger: Logger) { self.logger = logger }

    /// This process lacks what it takes. Said once in ten seconds.
    mutating func lacks(_ what: String, _ number: Int32, now: UInt64) {
        if let said, now < said + Self.repetition { return }
        self.said = now
        self.logger.error(
            "\(what)",
            metadata: [
                "reason": "\(SystemError.text(of: number))",
                "mend": "raise the limit on open files (LimitNOFILE=), or net.ipv4.ip_local_port_range",
            ])
    }

    /// Milliseconds.
    private static let repetition: UInt64 = 10_000
}
