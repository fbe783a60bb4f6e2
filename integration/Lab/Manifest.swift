package import Networking

/// A Kubernetes object as the lab writes it: only the fields a Service proxy reads.
package protocol Manifest: Sendable {
    var yaml: String { get }
}

/// A Service. What is nil or empty is left out.
package struct ServiceManifest: Manifest {
    package struct Port: Sendable {
        package var name: String
        package var transport: TransportProtocol
        package var port: UInt16
        package var targetPort: UInt16?
        package var nodePort: UInt16?
        /// KEP-3726: what is spoken on it.
        package var appProtocol: String?

        package init(
            _ port: UInt16,
            name: String = "http",
            transport: TransportProtocol = .tcp,
            targetPort: UInt16? = nil,
            nodePort: UInt16? = nil,
            appProtocol: String? = nil
        ) {
            self.name = name
            self.transport = transport
            self.port = port
            self.targetPort = targetPort
            self.nodePort = nodePort
            self.appProtocol = appProtocol
        }
    }

    /// An entry of `status.loadBalancer.ingress`.
    package struct Ingress: Sendable {
        package var ip: IPAddress?
        package var ipMode: String?
        package var hostname: String?

        package init(_ ip: IPAddress? = nil, ipMode: String? = nil, hostname: String? = nil) {
            self.ip = ip
            self.ipMode = ipMode
            self.hostname = hostname
        }

        fileprivate var yaml: String {
            let fields = [
                self.ip.map { "ip: \(quoted($0))" },
                self.ipMode.map { "ipMode: \(quoted($0))" },
                self.hostname.map { "hostname: \(quoted($0))" },
            ]
            return "{\(fields.compactMap { $0 }.joined(separator: ", "))}"
        }
    }

    package var name: String
    package var namespace = "default"
    package var type = "ClusterIP"
    package var externalName: String?
    package var clusterIPs: [IPAddress]
    package var ports: [Port]
    package var externalIPs: [IPAddress] = []
    /// Entries of `status.loadBalancer.ingress` that say nothing but the address.
    package var loadBalancerIPs: [IPAddress] = []
    /// The entries after them.
    package var loadBalancerIngress: [Ingress] = []
    package var loadBalancerSourceRanges: [CIDR] = []
    package var allocateLoadBalancerNodePorts: Bool?
    package var externalTrafficPolicy: String?
    package var internalTrafficPolicy: String?
    /// Seconds; nil for no affinity.
    package var clientIPAffinity: Int?
    package var healthCheckNodePort: UInt16?
    package var publishNotReadyAddresses = false
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// As RFC 3339 has it.
    package var creationTimestamp: String?

    package init(_ name: String, clusterIPs: [IPAddress], ports: [Port]) {
        self.name = name
        self.clusterIPs = clusterIPs
        self.ports = ports
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: v1")
        text.add("kind: Service")
        text.metadata(name: self.name, namespace: self.namespace, labels: self.labels, annotations: self.annotations)
        if let time = self.creationTimestamp { text.add("  creationTimestamp: \(quoted(time))") }
        text.add("spec:")
        text.add("  type: \(self.type)")
        if let name = self.externalName { text.add("  externalName: \(quoted(name))") }
        if let first = self.clusterIPs.first {
            text.add("  clusterIP: \(quoted(first))")
            text.list("clusterIPs", self.clusterIPs.map(quoted), indent: 2)
            text.list("ipFamilies", self.clusterIPs.map { $0.family == .ipv4 ? "IPv4" : "IPv6" }, indent: 2)
            text.add("  ipFamilyPolicy: \(self.clusterIPs.count > 1 ? "RequireDualStack" : "SingleStack")")
        }
        text.list("externalIPs", self.externalIPs.map(quoted), indent: 2)
        text.list("loadBalancerSourceRanges", self.loadBalancerSourceRanges.map(quoted), indent: 2)
        if let allocates = self.allocateLoadBalancerNodePorts {
            text.add("  allocateLoadBalancerNodePorts: \(allocates)")
        }
        if let policy = self.externalTrafficPolicy { text.add("  externalTrafficPolicy: \(policy)") }
        if let policy = self.internalTrafficPolicy { text.add("  internalTrafficPolicy: \(policy)") }
        if let port = self.healthCheckNodePort { text.add("  healthCheckNodePort: \(port)") }
        if self.publishNotReadyAddresses { text.add("  publishNotReadyAddresses: true") }
        if let seconds = self.clientIPAffinity {
            text.add("  sessionAffinity: ClientIP")
            text.add("  sessionAffinityConfig: {clientIP: {timeoutSeconds: \(seconds)}}")
        }
        text.add("  ports:")
        for port in self.ports {
            text.add("    - name: \(quoted(port.name))")
            text.add("      protocol: \(port.transport.description.uppercased())")
            text.add("      port: \(port.port)")
            if let target = port.targetPort { text.add("      targetPort: \(target)") }
            if let nodePort = port.nodePort { text.add("      nodePort: \(nodePort)") }
            if let name = port.appProtocol { text.add("      appProtocol: \(quoted(name))") }
        }
        let ingress = self.loadBalancerIPs.map { Ingress($0) } + self.loadBalancerIngress
        if !ingress.isEmpty {
            text.add("status:")
            text.add("  loadBalancer:")
            text.list("ingress", ingress.map(\.yaml), indent: 4)
        }
        return text.text
    }
}

/// An EndpointSlice. Its address family is that of its first endpoint.
package struct EndpointSliceManifest: Manifest {
    package struct Endpoint: Sendable {
        package var address: IPAddress
        package var ready = true
        package var serving = true
        package var terminating = false
        package var nodeName: String?
        package var zone: String?
        /// `hints.forZones`.
        package var zoneHints: [String] = []
        /// `hints.forNodes`.
        package var nodeHints: [String] = []

        package init(_ address: IPAddress, nodeName: String? = nil) {
            self.address = address
            self.nodeName = nodeName
        }
    }

    package struct Port: Sendable {
        package var name: String
        package var transport: TransportProtocol
        package var port: UInt16

        package init(_ port: UInt16, name: String = "http", transport: TransportProtocol = .tcp) {
            self.name = name
            self.transport = transport
            self.port = port
        }
    }

    package var name: String
    package var namespace = "default"
    package var service: String
    /// Besides the one that names the Service.
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var family: AddressFamily
    package var endpoints: [Endpoint]
    package var ports: [Port]

    /// The slice `SERVICE-ipv4` or `SERVICE-ipv6` unless named otherwise.
    package init(
        of service: String,
        name: String? = nil,
        family: AddressFamily,
        endpoints: [Endpoint],
        ports: [Port]
    ) {
        self.name = name ?? "\(service)-\(family)"
        self.service = service
        self.family = family
        self.endpoints = endpoints
        self.ports = ports
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: discovery.k8s.io/v1")
        text.add("kind: EndpointSlice")
        text.metadata(
            name: self.name, namespace: self.namespace,
            labels: ["kubernetes.io/service-name": self.service].merging(self.labels) { $1 },
            annotations: self.annotations)
        text.add("addressType: \(self.family == .ipv4 ? "IPv4" : "IPv6")")
        text.list(
            "ports",
            self.ports.map {
                "{name: \(quoted($0.name)), protocol: \($0.transport.description.uppercased()), port: \($0.port)}"
            },
            indent: 0
        )
        text.add(self.endpoints.isEmpty ? "endpoints: []" : "endpoints:")
        for endpoint in self.endpoints {
            let (ready, serving, terminating) = (endpoint.ready, endpoint.serving, endpoint.terminating)
            text.add("  - addresses: [\(quoted(endpoint.address))]")
            text.add("    conditions: {ready: \(ready), serving: \(serving), terminating: \(terminating)}")
            if let nodeName = endpoint.nodeName { text.add("    nodeName: \(quoted(nodeName))") }
            if let zone = endpoint.zone { text.add("    zone: \(quoted(zone))") }
            if !endpoint.zoneHints.isEmpty || !endpoint.nodeHints.isEmpty {
                text.add("    hints:")
                text.list("forZones", endpoint.zoneHints.map { "{name: \(quoted($0))}" }, indent: 6)
                text.list("forNodes", endpoint.nodeHints.map { "{name: \(quoted($0))}" }, indent: 6)
            }
        }
        return text.text
    }
}
