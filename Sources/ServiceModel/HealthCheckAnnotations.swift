internal import KubernetesAPI

/// How an Ingress or a Service asks for its endpoints to be checked, by annotations under `fairlead.dev/`. All of it is one
/// setting, as times for one kind of check mean nothing for another.
package struct HealthCheckAnnotations {
    /// What may follow the prefix.
    package enum Key: String, CaseIterable, Sendable {
        case kind = "health-check"
        case interval = "health-check-interval"
        case timeout = "health-check-timeout"
        case rise = "health-check-rise"
        case fall = "health-check-fall"
        case path = "health-check-path"
        case service = "health-check-grpc-service"

        package var name: String { KnownKey.ownPrefix + self.rawValue }
    }

    package struct Problem: Sendable {
        /// It can be read, and changes nothing.
        package let isWithoutEffect: Bool
        package let message: String
    }

    /// nil: none are asked for.
    package private(set) var policy: HealthCheckPolicy?
    package private(set) var problems: [Problem] = []
    private let values: [String: String]

    package init(_ annotations: [String: String]) {
        self.values = annotations
        self.policy = self.read()
    }

    private mutating func read() -> HealthCheckPolicy? {
        guard self.values[Key.kind.name] != nil else {
            self.reportWithoutEffect(Key.allCases.filter { $0 != .kind }, "without \(Key.kind.name)")
            return nil
        }
        let kinds = ["grpc", "http", "tcp"]
        guard let kind = self.read(.kind, "grpc, http or tcp", { kinds.contains($0) ? $0 : nil }) else {
            return nil
        }
        var policy = HealthCheckPolicy(self.question(kind))
        let intervals = HealthCheckPolicy.intervals
        if let time = self.read(
            .interval, "a time from 100ms to 24h, in seconds where there is no unit",
            { text in AnnotationValues.timeout(text).flatMap { intervals.contains($0) ? $0 : nil } })
        {
            policy.interval = time
        }
        if let time = self.read(.timeout, AnnotationValues.timeoutRule, AnnotationValues.timeout) {
            policy.timeout = time
        }
        let counts = HealthCheckPolicy.counts
        let number = "a number from \(counts.lowerBound) to \(counts.upperBound)"
        if let rise = self.read(.rise, number, { AnnotationValues.number($0, in: counts) }) { policy.rise = rise }
        if let fall = self.read(.fall, number, { AnnotationValues.number($0, in: counts) }) { policy.fall = fall }
        return policy
    }

    private mutating func question(_ kind: String) -> HealthCheckPolicy.Question {
        if kind != "http" { self.reportWithoutEffect([.path], "with \(Key.kind.name): \(kind)") }
        if kind != "grpc" { self.reportWithoutEffect([.service], "with \(Key.kind.name): \(kind)") }
        switch kind {
        case "grpc":
            let service = self.read(.service, "the name of a gRPC service, without spaces", AnnotationValues.visible)
            return .grpc(service: service ?? "")
        case "http":
            let path = self.read(.path, "a path such as /healthz, without spaces", AnnotationValues.target)
            return .http(path: path ?? HealthCheckPolicy.defaultPath)
        default:
            return .tcp
        }
    }

    /// A value, if it is there and can be read. `expected` follows "must be".
    private mutating func read<Value>(_ key: Key, _ expected: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = self.values[key.name] else { return nil }
        if let value = parse(text) { return value }
        self.problems.append(
            Problem(isWithoutEffect: false, message: "\(key.name): must be \(expected), not \(Quoted.text(text))"))
        return nil
    }

    private mutating func reportWithoutEffect(_ keys: [Key], _ why: String) {
        for key in keys where self.values[key.name] != nil {
            self.problems.append(Problem(isWithoutEffect: true, message: "\(key.name): no effect \(why)"))
        }
    }
}
