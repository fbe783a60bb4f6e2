internal import KubernetesAPI
internal import ServiceModel

/// How an Ingress asks for its endpoints to be checked. All of it is one setting, as times for one kind of check mean
/// nothing for another.
extension IngressAnnotations {
    static let healthCheckKeys: [Key] = [
        .healthCheckInterval, .healthCheckTimeout, .healthCheckRise, .healthCheckFall, .healthCheckPath,
        .healthCheckService,
    ]

    mutating func readHealthCheck() -> HealthCheckPolicy? {
        guard self.has(.healthCheck) else {
            self.reportWithoutEffect(Self.healthCheckKeys, "without \(Key.healthCheck.name)")
            return nil
        }
        let kinds = ["grpc", "http", "tcp"]
        guard let kind = self.read(.healthCheck, "grpc, http or tcp", { kinds.contains($0) ? $0 : nil }) else {
            return nil
        }
        var policy = HealthCheckPolicy(self.question(kind))
        let intervals = HealthCheckPolicy.intervals
        if let time = self.read(
            .healthCheckInterval, "a time from 100ms to 24h, in seconds where there is no unit",
            { text in AnnotationValues.timeout(text).flatMap { intervals.contains($0) ? $0 : nil } })
        {
            policy.interval = time
        }
        if let time = self.read(.healthCheckTimeout, Self.time, AnnotationValues.timeout) { policy.timeout = time }
        let counts = HealthCheckPolicy.counts
        let number = "a number from \(counts.lowerBound) to \(counts.upperBound)"
        if let rise = self.read(.healthCheckRise, number, { AnnotationValues.number($0, in: counts) }) {
            policy.rise = rise
        }
        if let fall = self.read(.healthCheckFall, number, { AnnotationValues.number($0, in: counts) }) {
            policy.fall = fall
        }
        return policy
    }

    private mutating func question(_ kind: String) -> HealthCheckPolicy.Question {
        if kind != "http" { self.reportWithoutEffect([.healthCheckPath], "with \(Key.healthCheck.name): \(kind)") }
        if kind != "grpc" { self.reportWithoutEffect([.healthCheckService], "with \(Key.healthCheck.name): \(kind)") }
        switch kind {
        case "grpc":
            let service = self.read(
                .healthCheckService, "the name of a gRPC service, without spaces", AnnotationValues.visible)
            return .grpc(service: service ?? "")
        case "http":
            let path = self.read(.healthCheckPath, "a path such as /healthz, without spaces", AnnotationValues.target)
            return .http(path: path ?? HealthCheckPolicy.defaultPath)
        default:
            return .tcp
        }
    }

    private mutating func reportWithoutEffect(_ keys: [Key], _ why: String) {
        for key in keys where self.has(key) { self.report(.annotationWithoutEffect, "\(key.name): no effect \(why)") }
    }
}

extension AnnotationValues {
    /// Visible ASCII, which may be nothing.
    static func visible(_ text: String) -> String? {
        text.utf8.allSatisfy { 0x21..<0x7f ~= $0 } && text.utf8.count <= HealthCheckPolicy.longestText ? text : nil
    }

    /// A request's target in origin form (RFC 9112 section 3.2.1).
    static func target(_ text: String) -> String? {
        guard text.utf8.first == UInt8(ascii: "/"), !text.utf8.contains(UInt8(ascii: "#")) else { return nil }
        return self.visible(text)
    }
}
