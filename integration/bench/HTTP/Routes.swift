import Lab
import Networking

/// Which requests go where: the same table for every proxy, in its own language. All of it leads to one backend, so that what
/// differs between a small and a large table is the look-up alone.
struct Routes {
    let hosts: Int

    /// Of every host, as Kubernetes' `Prefix`. They end in a slash, where the requests of the load go on with `item`.
    static let paths = ["/"] + (1...4).map { "/path-\($0)/" }

    static func host(_ number: Int) -> String { "host-\(number).bench.example" }

    /// Beyond this nobody asks for TLS here, and a thousand times the same certificate would only take time.
    private var hasTLS: Bool { self.hosts <= 10 }

    // MARK: - As the proxies read it

    var nginx: String {
        (0..<self.hosts).map { number in
            let listen = ["127.0.0.1:8020 backlog=4096", "127.0.0.1:8021 ssl backlog=4096"].prefix(self.hasTLS ? 2 : 1)
                // Options of a socket may be said once.
                .map { "    listen \(number == 0 ? $0 : $0.replacing(" backlog=4096", with: ""));\n" }.joined()
            let locations = Self.paths.map { "    location \($0) { proxy_pass http://backend; }\n" }.joined()
            return "server {\n\(listen)    server_name \(Self.host(number));\n\(locations)}\n"
        }.joined()
    }

    var haproxy: String {
        (0..<self.hosts).flatMap { number in Self.paths.map { "\(Self.host(number))\($0) backend\n" } }.joined()
    }

    var envoy: String {
        var text = """
            resources:
              - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
                name: routes
                virtual_hosts:

            """
        for number in 0..<self.hosts {
            let host = Self.host(number)
            text += "      - name: \(host)\n        domains: [\(host), \"\(host):*\"]\n        routes:\n"
            // The first match counts, so the longest comes first.
            for path in Self.paths.reversed() {
                let match = path == "/" ? "prefix: /" : "path_separated_prefix: \(path.dropLast())"
                text += "          - {match: {\(match)}, route: {cluster: backend}}\n"
            }
        }
        return text
    }

    /// Objects for Fairlead; `certificate` and `key` in base64.
    func manifests(certificate: String, key: String) -> String {
        let backend = Scene.backendAddress
        var objects = [
            """
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: bench}
            spec: {controller: fairlead.dev/ingress-controller}
            """,
            ServiceManifest(
                "backend", clusterIPs: [.init(10, 96, 0, 1)], ports: [.init(80, targetPort: backend.port)]
            ).yaml,
            EndpointSliceManifest(
                of: "backend", family: .ipv4, endpoints: [.init(backend.address)], ports: [.init(backend.port)]
            ).yaml,
            """
            apiVersion: v1
            kind: Secret
            metadata: {name: bench, namespace: default}
            type: kubernetes.io/tls
            data: {tls.crt: \(certificate), tls.key: \(key)}
            """,
        ]
        for number in 0..<self.hosts {
            let host = Self.host(number)
            let paths = Self.paths.map {
                "          - {path: \($0), pathType: Prefix, backend: {service: {name: backend, port: {number: 80}}}}"
            }
            objects.append(
                """
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata:
                  name: host-\(number)
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
                """)
        }
        return objects.joined(separator: "\n---\n") + "\n"
    }
}
