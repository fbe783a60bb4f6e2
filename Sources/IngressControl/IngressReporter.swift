internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Routing

/// Says in the log and in the metrics what the loop does and finds.
struct IngressReporter {
    /// Problems of one plan that are logged one by one; the pages have all of them.
    static let loggedProblems = 100
    /// Certificates of one look that are.
    static let loggedCertificates = 100

    private(set) var expiry: CertificateExpiry
    private let metrics: IngressMetrics
    private let logger: Logger

    init(expiry: CertificateExpiry, metrics: IngressMetrics, logger: Logger) {
        self.expiry = expiry
        self.metrics = metrics
        self.logger = logger
    }

    /// The workers have been given a snapshot.
    func published(_ state: IngressState, isFirst: Bool) {
        self.metrics.published(state)
        let plan = state.plan
        var metadata: Logger.Metadata = [
            "generation": "\(state.generation)", "routes": "\(plan.routes.count)",
            "ingresses": "\(plan.ingresses.count)", "took": "\(IngressText.duration(state.latency))",
        ]
        guard !isFirst else {
            metadata["problems"] = "\(plan.problems.count)"
            return self.logger.notice("routes are in force", metadata: metadata)
        }
        metadata["backends"] = "\(plan.changes.backends.count)"
        self.logger.debug("published a change", metadata: metadata)
    }

    /// The state may say something new about problems or certificates.
    mutating func changed(_ state: IngressState) {
        self.report(state.plan.changes)
        let items = state.certificates.compactMap { CertificateExpiry.Item($0) }
        let warnings = self.expiry.look(at: items, now: WallTime.now.seconds)
        for warning in warnings.prefix(Self.loggedCertificates) {
            self.logger.warning(
                warning.stage == .expired
                    ? "a certificate has expired, and is served still" : "a certificate expires soon",
                metadata: [
                    "secret": "\(warning.item.secret)", "not_after": "\(IngressText.date(warning.item.notAfter))",
                ])
        }
        self.reportRest(warnings.count - Self.loggedCertificates, of: "certificates that expire", page: "certificates")
    }

    /// Backends whose requests are refused for no fault of their Ingresses.
    func cannotConnect(_ failures: [BackendAssembly.Failure]) {
        for failure in failures {
            self.logger.error(
                "a backend cannot be connected to by TLS: its requests are answered with 503",
                metadata: ["backend": "\(failure.backend)", "error": "\(failure.message)"])
        }
    }

    private func report(_ changes: PlanChanges) {
        for problem in changes.problemsAppeared.prefix(Self.loggedProblems) {
            self.logger.log(
                level: problem.severity.level, "\(problem.message)",
                metadata: ["object": "\(problem.object)", "reason": "\(problem.code.rawValue)"])
        }
        self.reportRest(changes.problemsAppeared.count - Self.loggedProblems, of: "problems", page: "problems")
        for problem in changes.problemsGone.prefix(Self.loggedProblems) {
            self.logger.info(
                "no longer a problem: \(problem.message)",
                metadata: ["object": "\(problem.object)", "reason": "\(problem.code.rawValue)"])
        }
    }

    private func reportRest(_ count: Int, of things: String, page: String) {
        guard count > 0 else { return }
        self.logger.warning("there are more \(things)", metadata: ["more": "\(count)", "see": "/ingress/\(page)"])
    }
}

extension IngressProblem.Severity {
    var level: Logger.Level {
        switch self {
        case .note: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
