import KubernetesAPI
import Networking
import Routing
import ServiceModel

/// A planner with objects, and what it answers. Whatever is not said is as plain as it gets.
struct Cluster {
    var planner: IngressPlanner
    static let controller = "fairlead.dev/ingress-controller"

    init(
        _ options: IngressPlannerOptions = IngressPlannerOptions(), node: NodeFacts = NodeFacts(name: ""),
        seed: RouteHash.Seed = .random()
    ) {
        self.planner = IngressPlanner(options, node: node, seed: seed)
        self.add(Make.ingressClass("fairlead"))
    }

    mutating func add(_ objects: KubernetesObject...) {
        for object in objects { self.planner.apply(object.key, object) }
    }

    mutating func remove(_ kind: ObjectKind, _ name: ObjectName) {
        self.planner.apply(ObjectKey(kind: kind, name: name), nil)
    }

    /// Services with one ready endpoint each, on port 80 named `http`.
    mutating func addServices(_ names: String...) {
        for (index, name) in names.enumerated() {
            self.add(
                Make.service(name), Make.slice(name, of: name, [Make.endpoint("10.0.0.\(index + 1)")]))
        }
    }

    /// Where a request goes now: the name of a Service, or the status and why.
    mutating func answer(_ host: String, _ path: String) -> String {
        Self.answer(self.planner.plan(), host, path)
    }

    static func answer(_ plan: IngressPlan, _ host: String, _ path: String) -> String {
        guard let route = Self.route(plan, host, path) else { return "404" }
        let target = plan.routes.target(of: route)
        guard target.backend >= 0 else { return "\(target.refusal.status) \(target.refusal)" }
        guard let backend = plan.backends[Int(target.backend)] else { return "no such backend" }
        guard backend.availability == .available else { return "503 \(backend.availability.reason)" }
        return backend.id.service.name
    }

    static func match(_ plan: IngressPlan, _ host: String, _ path: String) -> RouteMatch {
        let (host, path) = (Array(host.utf8), Array(path.utf8))
        return plan.routes.match(host: host.span, path: path.span)
    }

    static func route(_ plan: IngressPlan, _ host: String, _ path: String) -> Int32? {
        let match = Self.match(plan, host, path)
        return match.isRoute ? match.route : nil
    }

    mutating func settings(_ host: String, _ path: String = "/") -> RouteSettings? {
        let plan = self.planner.plan()
        return Self.route(plan, host, path).map {
            // Where it is counted depends on what came before.
            var settings = plan.routes.settings(of: $0)
            settings.meter = .unrouted
            return settings
        }
    }

    mutating func backend(_ host: String, _ path: String = "/") -> BackendPlan? {
        let plan = self.planner.plan()
        return Self.route(plan, host, path).flatMap { plan.backends[Int(plan.routes.target(of: $0).backend)] }
    }

    /// `code Ingress name`, sorted.
    mutating func problems() -> [String] {
        self.planner.plan().problems.map { "\($0.code.rawValue) \($0.object.name.name)" }
    }
}

/// Builders for objects.
enum Make {
    static func name(_ text: String) -> ObjectName {
        let parts = text.split(separator: "/", maxSplits: 1).map { String($0) }
        return parts.count == 2
            ? ObjectName(namespace: parts[0], name: parts[1]) : ObjectName(namespace: "default", name: text)
    }

    static func ip(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure("not an address: \(text)") }
        return address
    }

    static func ingressClass(
        _ name: String, controller: String = Cluster.controller, isDefault: Bool = false, created: Int64? = nil
    ) -> KubernetesObject {
        .ingressClass(
            IngressClass(
                metadata: ObjectMeta(name: ObjectName(namespace: "", name: name), creationTimestamp: created),
                controller: controller, isDefault: isDefault))
    }

    static func service(
        _ name: String, type: ServiceType = .clusterIP, clusterIPs: [String] = ["10.96.0.1"],
        ports: [ServicePort] = [ServicePort(name: "http", port: 80)], externalName: String? = nil,
        annotations: [String: String] = [:]
    ) -> KubernetesObject {
        .service(
            Service(
                metadata: ObjectMeta(name: self.name(name), annotations: annotations), type: type,
                isHeadless: clusterIPs.isEmpty, clusterIPs: clusterIPs.map { self.ip($0) }, ports: ports,
                externalName: externalName))
    }

    static func endpoint(
        _ address: String, ready: Bool = true, serving: Bool = true, terminating: Bool = false, zone: String? = nil,
        zoneHints: [String] = []
    ) -> Endpoint {
        Endpoint(
            address: self.ip(address), isReady: ready, isServing: serving, isTerminating: terminating, zone: zone,
            zoneHints: zoneHints)
    }

    static func slice(
        _ name: String, of service: String, family: AddressFamily = .ipv4, _ endpoints: [Endpoint],
        ports: [EndpointPort] = [EndpointPort(name: "http", port: 8080)], labels: [String: String] = [:]
    ) -> KubernetesObject {
        .endpointSlice(
            EndpointSlice(
                metadata: ObjectMeta(name: self.name(name), labels: labels), serviceName: self.name(service),
                family: family, endpoints: endpoints, ports: ports))
    }

    static func to(_ service: String, _ port: PortReference = .number(80)) -> IngressBackend {
        .service(name: service, port: port)
    }

    static func path(_ path: String, _ type: IngressPathType = .prefix, _ service: String) -> IngressPath {
        IngressPath(path: path, pathType: type, backend: self.to(service))
    }

    static func ingress(
        _ name: String, created: Int64? = nil, className: String? = "fairlead", annotations: [String: String] = [:],
        default backend: IngressBackend? = nil, tls: [IngressTLS] = [], _ rules: [IngressRule] = [],
        addresses: [LoadBalancerAddress] = []
    ) -> KubernetesObject {
        .ingress(
            Ingress(
                metadata: ObjectMeta(
                    name: self.name(name),
                    annotations: Dictionary(
                        annotations.map { ($0.contains("/") ? $0 : "fairlead.dev/\($0)", $1) },
                        uniquingKeysWith: { $1 }),
                    creationTimestamp: created),
                ingressClassName: className, defaultBackend: backend, tls: tls, rules: rules,
                loadBalancer: addresses))
    }
}
