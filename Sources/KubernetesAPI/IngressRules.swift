/// The rules for the fields of Ingresses as the API server applies them (kubernetes: pkg/apis/networking/validation), in
/// whatever form an object came. Each returns what is wrong, or nil.
package enum IngressRules {
    /// A host of a rule: a name, or `*.` and a name, and no address.
    package static func host(_ host: String) -> String? {
        if FieldRules.address(host) != nil { return "must be a name, not the IP address \(host)" }
        return self.tlsHost(host)
    }

    /// A host that a certificate is for.
    package static func tlsHost(_ host: String) -> String? {
        host.utf8.contains(UInt8(ascii: "*")) ? NameRules.wildcard(host) : NameRules.subdomain(host)
    }

    package static func path(_ path: String, _ type: IngressPathType) -> String? {
        if type == .implementationSpecific, path.isEmpty { return nil }
        guard path.utf8.first == UInt8(ascii: "/") else {
            return "must begin with '/', not \(FieldRules.quote(path))"
        }
        // What is free here is the controller's to understand.
        if type == .implementationSpecific { return nil }
        if let sequence = ["//", "/./", "/../", "%2f", "%2F"].first(where: { path.contains($0) }) {
            return "must not contain '\(sequence)': \(FieldRules.quote(path))"
        }
        if let end = ["/..", "/."].first(where: { path.hasSuffix($0) }) {
            return "must not end with '\(end)': \(FieldRules.quote(path))"
        }
        return nil
    }

    package static func secretName(_ name: String) -> String? { NameRules.subdomain(name) }

    package static func className(_ name: String) -> String? { NameRules.subdomain(name) }

    package static func portName(_ name: String) -> String? { NameRules.portName(name) }

    /// Where something is reached that has no address of its own.
    package static func hostname(_ name: String) -> String? {
        if FieldRules.address(name) != nil { return "must be a name, not the IP address \(name)" }
        return NameRules.subdomain(name)
    }
}
