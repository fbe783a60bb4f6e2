import KubernetesAPI
import Testing

/// Manifests for tests, and what decoding them says.
enum Manifests {
    static let service = """
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: shop
        spec:
          clusterIP: 10.96.0.10
          ports:
          - port: 80

        """

    static let slice = """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: web-x7k2p
          namespace: shop
          labels:
            kubernetes.io/service-name: web
        addressType: IPv4
        ports:
        - port: 8080
        endpoints:
        - addresses: [10.0.0.1]

        """

    static let loadBalancer = """
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop, annotations: {fairlead.dev/note: "1"}}
        spec:
          type: LoadBalancer
          clusterIPs: [10.96.0.10, "fd00::a"]
          externalTrafficPolicy: Local
          healthCheckNodePort: 32000
          allocateLoadBalancerNodePorts: false
          loadBalancerSourceRanges: [" 203.0.113.000/025", "2001:db8::/32"]
          ports: [{port: 80, nodePort: 30080}]
        status:
          loadBalancer:
            ingress:
            - {ip: 192.0.2.1, ipMode: VIP}
            - {ip: "2001:db8::1"}
            - {ip: 192.0.2.2, ipMode: Proxy}
            - hostname: lb.example.com

        """

    static let hintedSlice = """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: web}}
        addressType: IPv6
        ports: [{port: 8080}]
        endpoints:
        - addresses: ["fd00::1"]
          nodeName: node-1
          zone: a
          hints:
            forZones: [{name: a}, {name: b}]
            forNodes:
            - name: node-1

        """

    static let node = """
        apiVersion: v1
        kind: Node
        metadata:
          name: node-1
          labels: {topology.kubernetes.io/zone: a}
        spec:
          podCIDR: 10.244.1.0/24
          podCIDRs: [10.244.1.0/24, "fd00:244:1::/64"]
        status:
          addresses:
          - {type: InternalIP, address: 192.168.1.10}
          - {type: Hostname, address: node-1}

        """

    static let serviceCIDR = """
        apiVersion: networking.k8s.io/v1
        kind: ServiceCIDR
        metadata:
          name: services
        spec:
          cidrs: [10.96.0.0/16, "fd00:96::/112"]

        """

    static let ingress = """
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: shop
          namespace: shop
          annotations: {fairlead.dev/ssl-redirect: "true"}
        spec:
          ingressClassName: fairlead
          defaultBackend: {service: {name: front, port: {number: 80}}}
          tls:
          - hosts: [shop.example, "*.shop.example"]
            secretName: shop-tls
          rules:
          - host: shop.example
            http:
              paths:
              - {path: /cart, pathType: Exact, backend: {service: {name: cart, port: {name: http}}}}
              - {path: /, pathType: Prefix, backend: {service: {name: front, port: {number: 80}}}}
              - {pathType: ImplementationSpecific, backend: {resource: {kind: ConfigMap, name: page}}}
          - host: "*.shop.example"
        status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: lb.example.com}]}}

        """

    static let ingressClass = """
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata:
          name: fairlead
          annotations: {ingressclass.kubernetes.io/is-default-class: "true"}
        spec:
          controller: fairlead.dev/ingress-controller
          parameters: {apiGroup: k8s.example.com, kind: Parameters, name: external, scope: Namespace, namespace: infra}

        """

    static let secret = """
        apiVersion: v1
        kind: Secret
        metadata: {name: shop-tls, namespace: shop}
        type: kubernetes.io/tls
        data:
          tls.crt: Y2VydGlmaWNhdGU=
          tls.key: |
            a2V5
            c2VjcmV0
        stringData: {ca.crt: authority}

        """

    /// A Service `default/web` of this spec, whose first line is line 6.
    static func service(spec: String) -> String {
        let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
        return "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n\(lines)"
    }

    /// A slice `default/web-1` with these fields, whose first line is line 7.
    static func slice(fields: String) -> String {
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: web-1\n  labels:\n"
            + "    kubernetes.io/service-name: web\n\(fields)\n"
    }

    static func decode(_ text: String, limits: ManifestLimits = ManifestLimits()) -> ManifestFileContent {
        ManifestDecoder.decode(Array(text.utf8), file: "a.yaml", limits: limits)
    }

    static func problems(_ text: String, limits: ManifestLimits = ManifestLimits()) -> [String] {
        self.decode(text, limits: limits).problems.map(\.description)
    }

    static func names(_ text: String) -> [String] {
        self.decode(text).objects.map(\.object.key.description)
    }

    static func firstService(_ text: String) -> Service? {
        guard case .service(let service)? = self.decode(text).objects.first?.object else { return nil }
        return service
    }

    static func firstIngress(_ text: String) -> Ingress? {
        guard case .ingress(let ingress)? = self.decode(text).objects.first?.object else { return nil }
        return ingress
    }

    static func firstSecret(_ text: String) -> Secret? {
        guard case .secret(let secret)? = self.decode(text).objects.first?.object else { return nil }
        return secret
    }

    static func firstSlice(_ text: String) -> EndpointSlice? {
        guard case .endpointSlice(let slice)? = self.decode(text).objects.first?.object else { return nil }
        return slice
    }
}

/// A manifest with one mistake, and what is said of it.
struct BadCase: Sendable, CustomTestStringConvertible {
    let source: String
    let problems: [String]

    init(_ source: String, _ problems: String...) {
        self.source = source
        self.problems = problems
    }

    /// The problems, each beginning with its line, as they are told of one object in `a.yaml`.
    func reports(of object: String) -> [String] {
        self.problems.map { problem in
            let parts = problem.split(separator: ":", maxSplits: 1)
            return "a.yaml:\(parts[0]): \(object):\(parts[1])"
        }
    }

    var testDescription: String { self.problems.first ?? self.source }
}
