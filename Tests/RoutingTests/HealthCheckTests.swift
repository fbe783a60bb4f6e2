import KubernetesAPI
import Routing
import ServiceModel
import Testing

/// How Ingresses ask for their endpoints to be checked.
@Suite struct HealthCheckTests {
    private static func cluster(_ annotations: [String: String], appProtocol: String? = nil) -> Cluster {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: appProtocol)]),
            Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]), Self.ingress("web", annotations))
        return cluster
    }

    private static func ingress(
        _ name: String, host: String = "a.example", _ annotations: [String: String], created: Int64 = 100
    ) -> KubernetesObject {
        Make.ingress(
            name, created: created, annotations: annotations, [IngressRule(host: host, paths: [Make.path("/", "s")])])
    }

    private static func policy(_ annotations: [String: String]) -> HealthCheckPolicy? {
        var cluster = Self.cluster(annotations)
        #expect(cluster.problems().isEmpty)
        return cluster.backend("a.example")?.settings.healthCheck
    }

    @Test func `none unless one is asked for`() {
        #expect(Self.policy([:]) == nil)
    }

    @Test(arguments: [
        (["health-check": "tcp"], HealthCheckPolicy(.tcp)),
        (["health-check": "http"], HealthCheckPolicy(.http(path: "/"))),
        (["health-check": "grpc"], HealthCheckPolicy(.grpc(service: ""))),
        (
            ["health-check": "http", "health-check-path": "/healthz?full=1"],
            HealthCheckPolicy(.http(path: "/healthz?full=1"))
        ),
        (
            ["health-check": "grpc", "health-check-grpc-service": "shop.v1.Cart"],
            HealthCheckPolicy(.grpc(service: "shop.v1.Cart"))
        ), (["health-check": "grpc", "health-check-grpc-service": ""], HealthCheckPolicy(.grpc(service: ""))),
        (
            [
                "health-check": "tcp", "health-check-interval": "250ms", "health-check-timeout": "3",
                "health-check-rise": "1", "health-check-fall": "100",
            ], HealthCheckPolicy(.tcp, interval: 250, timeout: 3_000, rise: 1, fall: 100)
        ),
    ])
    func `what is asked`(annotations: [String: String], expected: HealthCheckPolicy) {
        #expect(Self.policy(annotations) == expected)
    }

    @Test func `the defaults are those of the documents`() {
        let policy = HealthCheckPolicy(.tcp)
        #expect(policy.interval == 5_000 && policy.timeout == 1_000 && policy.rise == 2 && policy.fall == 3)
    }

    /// A bad value counts as none, and is named; the rest stands.
    @Test(arguments: [
        ("health-check-interval", "99ms"), ("health-check-interval", "25h"), ("health-check-interval", "often"),
        ("health-check-timeout", "0"), ("health-check-timeout", "1d"), ("health-check-rise", "0"),
        ("health-check-rise", "101"), ("health-check-fall", "-1"), ("health-check-fall", "two"),
        ("health-check-path", "healthz"), ("health-check-path", ""), ("health-check-path", "/a b"),
        ("health-check-path", "/\r\nX: y"), ("health-check-path", "/a#b"),
        ("health-check-path", "/" + String(repeating: "x", count: 1_024)),
    ])
    func `bad values`(name: String, value: String) {
        var cluster = Self.cluster(["health-check": "http", name: value])
        let problems = cluster.planner.plan().problems
        #expect(problems.map(\.code) == [.invalidAnnotation])
        #expect(problems.first?.message.contains("fairlead.dev/\(name): must be") == true)
        #expect(cluster.backend("a.example")?.settings.healthCheck == HealthCheckPolicy(.http(path: "/")))
    }

    @Test(arguments: ["", "GRPC", "https", "icmp"])
    func `a kind that there is not is no check`(kind: String) {
        var cluster = Self.cluster(["health-check": kind, "health-check-interval": "10s"])
        let problems = cluster.planner.plan().problems
        #expect(problems.map(\.code) == [.invalidAnnotation])
        #expect(problems.first?.message.contains("fairlead.dev/health-check: must be grpc, http or tcp") == true)
        #expect(cluster.backend("a.example")?.settings.healthCheck == nil)
        #expect(cluster.answer("a.example", "/") == "s")
    }

    @Test(arguments: [
        ["health-check-interval": "10s"], ["health-check": "tcp", "health-check-path": "/"],
        ["health-check": "http", "health-check-grpc-service": "a"], ["health-check": "grpc", "health-check-path": "/"],
    ])
    func `what has no effect is told`(annotations: [String: String]) {
        var cluster = Self.cluster(annotations)
        #expect(cluster.planner.plan().problems.map(\.code) == [.annotationWithoutEffect])
    }

    @Test func `of two Ingresses for one backend the oldest decides, about all of it`() {
        var cluster = Self.cluster([:])
        cluster.add(
            Self.ingress("old", host: "o.example", ["health-check": "tcp"], created: 1),
            Self.ingress(
                "young", host: "y.example", ["health-check": "tcp", "health-check-interval": "1s"], created: 2))
        #expect(cluster.backend("y.example")?.settings.healthCheck == HealthCheckPolicy(.tcp))
        #expect(cluster.problems() == ["SettingConflict young"])
    }

    @Test func `gRPC where nothing but HTTP/1.1 is spoken is told`() {
        var cluster = Self.cluster(["health-check": "grpc"], appProtocol: "kubernetes.io/wss")
        let problems = cluster.planner.plan().problems
        #expect(problems.map(\.code) == [.invalidAnnotation])
        #expect(problems.first?.message.contains("grpc needs HTTP/2") == true)
    }

    /// Another policy is another backend, for whoever looks at revisions.
    @Test func `a change of it is a change of the backend`() {
        var cluster = Self.cluster(["health-check": "tcp"])
        let before = cluster.backend("a.example")?.revision ?? .max
        cluster.add(Self.ingress("web", ["health-check": "tcp", "health-check-fall": "5"]))
        let after = cluster.backend("a.example")
        #expect(after?.revision ?? 0 > before && after?.settings.healthCheck?.fall == 5)
    }
}
