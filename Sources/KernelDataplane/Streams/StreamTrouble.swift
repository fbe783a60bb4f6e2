internal import Logging
internal import ServiceModel

/// Says once what the balancer could not have, and when it could after all.
struct StreamTrouble {
    private var said: [StreamAddress: String] = [:]
    private let report: @Sendable (StreamProblem) -> Void
    private let logger: Logger

    init(report: @escaping @Sendable (StreamProblem) -> Void, logger: Logger) {
        self.report = report
        self.logger = logger
    }

    /// Addresses that are not served.
    var count: Int { self.said.count }

    mutating func note(_ problem: StreamProblem) {
        guard self.said.updateValue(problem.reason, forKey: problem.address) != problem.reason else { return }
        self.logger.warning(
            "a Service is not served at an address; it is tried again",
            metadata: [
                "object": "Service \(problem.port)", "address": "\(problem.address)", "reason": "\(problem.reason)",
            ])
        self.report(problem)
    }

    /// It is served now, or need not be.
    mutating func end(_ address: StreamAddress) {
        guard self.said.removeValue(forKey: address) != nil else { return }
        self.logger.notice("a Service is no longer missing at an address", metadata: ["address": "\(address)"])
    }
}
