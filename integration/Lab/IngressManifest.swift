/// An Ingress. What is nil or empty is left out.
package struct IngressManifest: Manifest {
    package struct Backend: Sendable {
        fileprivate let yaml: String

        package static func service(_ name: String, port: Int) -> Backend {
            Backend(yaml: "service: {name: \(quoted(name)), port: {number: \(port)}}")
        }

        package static func service(_ name: String, port: String) -> Backend {
            Backend(yaml: "service: {name: \(quoted(name)), port: {name: \(quoted(port))}}")
        }

        package static func resource(kind: String, name: String) -> Backend {
            Backend(yaml: "resource: {apiGroup: example.com, kind: \(quoted(kind)), name: \(quoted(name))}")
        }
    }

    package struct Path: Sendable {
        package var path: String?
        package var type: String
        package var backend: Backend

        package init(_ path: String?, _ type: String, _ backend: Backend) {
            self.path = path
            self.type = type
            self.backend = backend
        }

        package static func prefix(_ path: String, _ backend: Backend) -> Path { Path(path, "Prefix", backend) }
        package static func exact(_ path: String, _ backend: Backend) -> Path { Path(path, "Exact", backend) }
    }

    package struct Rule: Sendable {
        package var host: String?
        /// nil for a rule without `http`.
        package var paths: [Path]?

        package init(_ host: String?, _ paths: [Path]?) {
            self.host = host
            self.paths = paths
        }
    }

    package struct TLS: Sendable {
        package var hosts: [String]
        package var secret: String?

        package init(_ hosts: [String], secret: String?) {
            self.hosts = hosts
            self.secret = secret
        }
    }

    package var name: String
    package var namespace = "default"
    package var className: String?
    package var annotations: [String: String] = [:]
    package var creationTimestamp: String?
    package var defaultBackend: Backend?
    package var rules: [Rule]
    package var tls: [TLS] = []

    package init(_ name: String, className: String? = nil, rules: [Rule] = []) {
        self.name = name
        self.className = className
        self.rules = rules
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: networking.k8s.io/v1")
        text.add("kind: Ingress")
        text.metadata(name: self.name, namespace: self.namespace, labels: [:], annotations: self.annotations)
        if let time = self.creationTimestamp { text.add("  creationTimestamp: \(quoted(time))") }
        text.add("spec:")
        if let name = self.className { text.add("  ingressClassName: \(quoted(name))") }
        if let backend = self.defaultBackend { text.add("  defaultBackend: {\(backend.yaml)}") }
        if !self.tls.isEmpty { text.add("  tls:") }
        for entry in self.tls {
            text.add("    - hosts: [\(entry.hosts.map(quoted).joined(separator: ", "))]")
            if let secret = entry.secret { text.add("      secretName: \(quoted(secret))") }
        }
        if !self.rules.isEmpty { text.add("  rules:") }
        for rule in self.rules {
            text.add("    - \(rule.host.map { "host: \(quoted($0))" } ?? "")")
            guard let paths = rule.paths else { continue }
            text.add("      http:")
            text.add("        paths:")
            for path in paths {
                text.add("          - pathType: \(quoted(path.type))")
                if let value = path.path { text.add("            path: \(quoted(value))") }
                text.add("            backend: {\(path.backend.yaml)}")
            }
        }
        return text.text
    }
}

/// An IngressClass.
package struct IngressClassManifest: Manifest {
    package var name: String
    package var controller: String
    package var isDefault = false
    package var creationTimestamp: String?

    package init(_ name: String, controller: String) {
        self.name = name
        self.controller = controller
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: networking.k8s.io/v1")
        text.add("kind: IngressClass")
        text.metadata(
            name: self.name, labels: [:],
            annotations: self.isDefault ? ["ingressclass.kubernetes.io/is-default-class": "true"] : [:])
        if let time = self.creationTimestamp { text.add("  creationTimestamp: \(quoted(time))") }
        text.add("spec:")
        text.add("  controller: \(quoted(self.controller))")
        return text.text
    }
}

/// A Secret.
package struct SecretManifest: Manifest {
    package var name: String
    package var namespace = "default"
    package var type: String
    package var data: [String: [UInt8]]

    package init(_ name: String, type: String = "Opaque", data: [String: [UInt8]]) {
        self.name = name
        self.type = type
        self.data = data
    }

    /// Of type `kubernetes.io/tls`, perhaps with the certificates that clients' have to come from.
    package init(_ name: String, _ certificate: Certificate, clientAuthority: Certificate? = nil) {
        var data = ["tls.crt": Array(certificate.certificate.utf8), "tls.key": Array(certificate.key.utf8)]
        if let clientAuthority { data["ca.crt"] = Array(clientAuthority.certificate.utf8) }
        self.init(name, type: "kubernetes.io/tls", data: data)
    }

    package var yaml: String {
        var text = Lines()
        text.add("apiVersion: v1")
        text.add("kind: Secret")
        text.metadata(name: self.name, namespace: self.namespace, labels: [:], annotations: [:])
        text.add("type: \(quoted(self.type))")
        text.add(self.data.isEmpty ? "data: {}" : "data:")
        for (key, value) in self.data.sorted(by: { $0.key < $1.key }) {
            text.add("  \(key): \(quoted(Base64.encode(value)))")
        }
        return text.text
    }
}

/// RFC 4648 section 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[start + $1]) : 0) }
            for place in 0..<4 {
                text.append(place > group.count ? "=" : self.alphabet[bits >> (18 - 6 * place) & 63])
            }
        }
        return text
    }
}
