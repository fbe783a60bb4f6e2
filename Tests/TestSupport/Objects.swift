package import KubernetesAPI
package import Networking

/// Builders for objects in tests; whatever is not said is as plain as it gets.
package enum Make {
    package static func name(_ text: String) -> ObjectName {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        return parts.count == 2
            ? ObjectName(namespace: parts[0], name: parts[1]) : ObjectName(namespace: "default", name: text)
    }

    package static func ip(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure("not an address: \(text)") }
        return address
    }

    package static func service(
        _ name: String,
        type: ServiceType = .clusterIP,
        clusterIPs: [String],
        externalIPs: [String] = [],
        ports: [ServicePort] = [ServicePort(name: "http", transport: .tcp, port: 80)],
        labels: [String: String] = [:],
        created: Int64? = nil
    ) -> Service {
        Service(
            metadata: ObjectMeta(name: self.name(name), labels: labels, creationTimestamp: created),
            type: type,
            clusterIPs: clusterIPs.map(self.ip),
            externalIPs: externalIPs.map(self.ip),
            ports: ports
        )
    }

    package static func slice(
        _ name: String,
        of service: String,
        family: AddressFamily = .ipv4,
        endpoints: [Endpoint],
        ports: [EndpointPort] = [EndpointPort(name: "http", transport: .tcp, port: 8080)],
        labels: [String: String] = [:]
    ) -> EndpointSlice {
        EndpointSlice(
            metadata: ObjectMeta(name: self.name(name), labels: labels),
            serviceName: self.name(service),
            family: family,
            endpoints: endpoints,
            ports: ports
        )
    }

    package static func endpoint(
        _ address: String,
        ready: Bool = true,
        serving: Bool = true,
        terminating: Bool = false,
        node: String? = nil
    ) -> Endpoint {
        Endpoint(
            address: self.ip(address), isReady: ready, isServing: serving, isTerminating: terminating, nodeName: node)
    }
}
