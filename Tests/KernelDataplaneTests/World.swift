import ClusterState
import KubernetesAPI
import Lab
import Networking
import ServiceModel
import TestSupport

/// A random cluster: objects that come, change and go.
struct World {
    private var random: SeededGenerator
    private(set) var objects: [ObjectKey: KubernetesObject] = [:]

    init(seed: UInt64) {
        self.random = SeededGenerator(seed: seed)
    }

    /// One object comes, changes or goes.
    mutating func step() -> ObjectChange {
        let number = Int.random(in: 0..<12, using: &self.random)
        let isService = Bool.random(using: &self.random)
        let name = Make.name("svc-\(number)")
        let key = ObjectKey(kind: isService ? .service : .endpointSlice, name: name)
        let object: KubernetesObject? =
            Int.random(in: 0..<5, using: &self.random) == 0
            ? nil : isService ? .service(self.service(number)) : .endpointSlice(self.slice(number))
        self.objects[key] = object
        return ObjectChange(key: key, object: object)
    }

    mutating func shuffled() -> [ObjectChange] {
        self.objects.map { ObjectChange(key: $0.key, object: $0.value) }.shuffled(using: &self.random)
    }

    private mutating func service(_ number: Int) -> Service {
        // Few addresses and ports for many Services, so that they get in each other's way.
        let isDual = Bool.random(using: &self.random)
        let address = Int.random(in: 0..<8, using: &self.random)
        var ports = [ServicePort(name: "http", transport: .tcp, port: 80)]
        if Bool.random(using: &self.random) {
            ports[0].nodePort = UInt16.random(in: 30000..<30006, using: &self.random)
        }
        if Bool.random(using: &self.random) { ports.append(ServicePort(name: "dns", transport: .udp, port: 53)) }
        var service = Make.service(
            "svc-\(number)",
            type: ports[0].nodePort == nil ? .clusterIP : .loadBalancer,
            clusterIPs: ["10.96.0.\(address)"] + (isDual ? ["fd00:10:96::\(address)"] : []),
            externalIPs: Bool.random(using: &self.random)
                ? ["203.0.113.\(Int.random(in: 0..<4, using: &self.random))"] : [],
            ports: ports,
            labels: Int.random(in: 0..<10, using: &self.random) == 0
                ? ["service.kubernetes.io/service-proxy-name": "x"] : [:],
            created: Bool.random(using: &self.random) ? Int64.random(in: 0..<3, using: &self.random) : nil
        )
        self.addFeatures(to: &service)
        return service
    }

    private mutating func flip(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &self.random) == 0 }

    private mutating func addFeatures(to service: inout Service) {
        if service.type == .loadBalancer {
            service.loadBalancerIPs = [Make.ip("203.0.113.\(Int.random(in: 4..<8, using: &self.random))")]
            if self.flip(2) { service.loadBalancerIPs.append(Make.ip("2001:db8::7")) }
            if self.flip(2) {
                let blocks = ["192.0.2.0/24", "0.0.0.0/1", "192.168.50.0/24", "198.51.100.1/32", "2001:db8:1::/48"]
                service.loadBalancerSourceRanges = blocks.filter { _ in self.flip(2) }.compactMap { CIDR($0) }
            }
            if self.flip(2) { service.externalTrafficPolicy = .local }
        }
        if self.flip(4) { service.internalTrafficPolicy = .local }
        if self.flip(3) { service.sessionAffinity = .clientIP(timeoutSeconds: self.flip(2) ? 60 : 10_800) }
        if self.flip(4) {
            service.metadata.annotations[ServiceAnnotations.Key.algorithm] =
                self.flip(2) ? "client-ip-hash" : "flow-hash"
            service.metadata.annotations[ServiceAnnotations.Key.tableSize] = "64"
        }
        if self.flip(6) { service.metadata.annotations[ServiceAnnotations.Key.zoneWeights] = "a=3,b=2" }
        if self.flip(6) { service.metadata.annotations[ServiceAnnotations.Key.deniedSources] = "192.0.2.128/25" }
    }

    private mutating func slice(_ number: Int) -> EndpointSlice {
        let family: AddressFamily = Bool.random(using: &self.random) ? .ipv4 : .ipv6
        let prefix = family == .ipv4 ? "10.244.0." : "fd00:10:244::"
        var endpoints: [Endpoint] = []
        for _ in 0..<Int.random(in: 0..<6, using: &self.random) {
            endpoints.append(
                Make.endpoint(
                    prefix + "\(Int.random(in: 1..<9, using: &self.random))",
                    ready: Int.random(in: 0..<3, using: &self.random) > 0,
                    terminating: Bool.random(using: &self.random),
                    node: [nil, "here", "there"].randomElement(using: &self.random) ?? nil))
            endpoints[endpoints.count - 1].zone = self.flip(2) ? "a" : "b"
            if self.flip(2) { endpoints[endpoints.count - 1].zoneHints = [self.flip(2) ? "a" : "b"] }
            if self.flip(3) { endpoints[endpoints.count - 1].nodeHints = ["here"] }
        }
        return Make.slice(
            "svc-\(number)", of: "svc-\(Int.random(in: 0..<12, using: &self.random))", family: family,
            endpoints: endpoints,
            ports: [
                EndpointPort(name: "http", transport: .tcp, port: UInt16.random(in: 8080..<8082, using: &self.random)),
                EndpointPort(name: "dns", transport: .udp, port: 5353),
            ])
    }
}
