import Lab
import Networking

/// Which requests go where: the same table for every proxy, in its own language. All of it leads to one backend, so that what
/// differs between a small and a large table is the look-up alone.
struct Routes {
    let hosts: Int

    /// Of every host, as Kubernetes' `Prefix`. They end in a slash, where the requests of the load go on with `item`.
    static let paths = ["/"] + (1...4).map { "/path-\($0)/" }

    static func host(_ number: Int) -> String { "host-\(number).bench.example" }

    /// All of it goes to ``CallBackend``.
    static let callHost = "calls.bench.example"

    /// Beyond this nobody asks for TLS here, and a thousand times the same certificate would only take time.
    private var hasTLS: Bool { self.hosts <= 10 }

    // MARK: - As the proxies read it

    var nginx: String { self.nginxServers(self.names) + (self.hasTLS ? self.nginxCalls : "") }

    private var names: [String] { (0..<self.hosts).map(Self.host) }

    /// Of further hosts, too.
    func nginxServers(_ hosts: [String]) -> String {
        hosts.map { host in
            let listen = ["127.0.0.1:8020 backlog=4096", "127.0.0.1:8021 ssl http2 backlog=4096"].prefix(
                self.hasTLS ? 2 : 1
            )
            // Options of a socket may be said once.
            .map { "    listen \(host == Self.host(0) ? $0 : $0.replacing(" backlog=4096", with: ""));\n" }.joined()
            let locations = Self.paths.map { "    location \($0) { proxy_pass http://backend; }\n" }.joined()
            return "server {\n\(listen)    server_name \(host);\n\(locations)}\n"
        }.joined()
    }

    /// For hosts that have no routes; without it the first server answers for them.
    var nginxRefusal: String { "server {\n    listen 127.0.0.1:8020 default_server;\n    return 404;\n}\n" }

    private var nginxCalls: String {
        """
        server {
            listen 127.0.0.1:8021 ssl http2;
            server_name \(Self.callHost);
            location / { grpc_pass grpc://calls; }
        }

        """
    }

    var haproxy: String {
        self.haproxyLines(self.names) + "\(Self.callHost)/ calls\n"
    }

    /// Of further hosts, too.
    func haproxyLines(_ hosts: [String]) -> String {
        hosts.flatMap { host in Self.paths.map { "\(host)\($0) backend\n" } }.joined()
    }

    func envoy(further: [String] = []) -> String {
        var text = """
            resources:
              - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
                name: routes
                virtual_hosts:

            """
        for host in self.names + further {
            text += "      - name: \(host)\n        domains: [\(host), \"\(host):*\"]\n        routes:\n"
            // The first match counts, so the longest comes first.
            for path in Self.paths.reversed() {
                let match = path == "/" ? "prefix: /" : "path_separated_prefix: \(path.dropLast())"
                text += "          - {match: {\(match)}, route: {cluster: backend}}\n"
            }
        }
        return text + """
                  - name: calls
                    domains: [\(Self.callHost), "\(Self.callHost):*"]
                    routes:
                      - {match: {prefix: /}, route: {cluster: calls}}

            """
    }

    /// Objects for Fairlead; `certificate` and `key` in base64.
    func manifests(certificate: String, key: String) -> String {
        var objects = [
            """
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: bench}
            spec: {controller: fairlead.dev/ingress-controller}
            """,
            """
            apiVersion: v1
            kind: Secret
            metadata: {name: bench, namespace: default}
            type: kubernetes.io/tls
            data: {tls.crt: \(certificate), tls.key: \(key)}
            """,
        ]
        objects += self.service("backend", .init(10, 96, 0, 1), Scene.backendAddress)
        objects += self.service("calls", .init(10, 96, 0, 2), CallBackend.address, protocol: "kubernetes.io/h2c")
        objects.append(self.ingresses(self.names))
        objects.append(self.ingress("calls", host: Self.callHost, paths: ["/"], service: "calls"))
        return objects.joined(separator: "\n---\n") + "\n"
    }

    /// One for each of further hosts, too.
    func ingresses(_ hosts: [String]) -> String {
        hosts.map {
            self.ingress("\($0.prefix { $0 != "." })", host: $0, paths: Self.paths, service: "backend")
        }.joined(separator: "\n---\n")
    }

    /// A Service with one endpoint.
    private func service(
        _ name: String, _ clusterIP: IPAddress, _ endpoint: SocketAddress, protocol: String? = nil
    ) -> [String] {
        [
            ServiceManifest(
                name, clusterIPs: [clusterIP],
                ports: [.init(80, targetPort: endpoint.port, appProtocol: `protocol`)]
            ).yaml,
            EndpointSliceManifest(
                of: name, family: .ipv4, endpoints: [.init(endpoint.address)], ports: [.init(endpoint.port)]
            ).yaml,
        ]
    }

    private func ingress(_ name: String, host: String, paths: [String], service: String) -> String {
        let paths = paths.map {
            "          - {path: \($0), pathType: Prefix, backend: {service: {name: \(service), port: {number: 80}}}}"
        }
        return """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata:
              name: \(name)
              namespace: default
              annotations: {fairlead.dev/ssl-redirect: "false"}
            spec:
              ingressClassName: bench
              tls: [{hosts: [\(host)], secretName: bench}]
              rules:
                - host: \(host)
                  http:
                    paths:
            \(paths.joined(separator: "\n"))
            """
    }
}
