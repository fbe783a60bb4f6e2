/// Options of the ingress role that the tests set, named as in `docs/limits.md`.
enum IngressOptions {
    static let hurried = [
        "--client-header-timeout", "1s", "--client-body-timeout", "1s", "--keep-alive", "1s", "--lingering-timeout",
        "1s",
        "--tls-handshake-timeout", "1s", "--proxy-protocol-header-timeout", "1s", "--tunnel-idle-timeout", "2s",
        "--worker-shutdown-timeout", "2s", "--http2-settings-timeout", "2s",
    ]

    static func connectionsPerAddress(_ count: Int) -> [String] { ["--max-connections-per-address", "\(count)"] }

    static func requestsPerConnection(_ count: Int) -> [String] { ["--keep-alive-requests", "\(count)"] }

    static func bodySize(_ size: String) -> [String] { ["--proxy-body-size", size] }

    /// RFC 7239's field, which is off unless asked for.
    static let forwarded = ["--forwarded-header"]
}
