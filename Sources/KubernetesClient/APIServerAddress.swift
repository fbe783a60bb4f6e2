// KubernetesClient: the API server as a source of objects, and where events and leases are written. Requests go
// over async-http-client; what to ask next is decided by values (`Reflector` in ClusterState, `LeaderElection`).
internal import FoundationEssentials

/// Where an API server answers: `https://HOST[:PORT][/PATH]`.
package struct APIServerAddress: Hashable, Sendable, CustomStringConvertible {
    package let isEncrypted: Bool
    /// Without the brackets of an IPv6 address.
    package let host: String
    package let port: Int
    /// Without a slash at its end; empty for most.
    package let path: String

    /// nil if it is not such a URL. Without a scheme it is taken for https, as kubectl takes it.
    package init?(_ text: String) {
        let text = text.contains("://") ? text : "https://\(text)"
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), var host = url.host(), !host.isEmpty
        else { return nil }
        guard scheme == "https" || scheme == "http", url.user() == nil, url.query() == nil, url.fragment() == nil
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65_535).contains(port) else { return nil }
        self.isEncrypted = scheme == "https"
        self.host = host
        self.port = port
        var path = url.path(percentEncoded: true)
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    package init(host: String, port: Int) {
        self.isEncrypted = true
        self.host = host
        self.port = port
        self.path = ""
    }

    /// `host:port` as a URL has it.
    func authority(host: String? = nil) -> String {
        let host = host ?? self.host
        return "\(host.contains(":") ? "[\(host)]" : host):\(self.port)"
    }

    package var description: String { "\(self.isEncrypted ? "https" : "http")://\(self.authority())\(self.path)" }
}
