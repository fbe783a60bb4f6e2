/// The kernel's settings of connection tracking that Services depend on; names and defaults are those of
/// kube-proxy (`KubeProxyConntrackConfiguration`), but for liberal tracking.
package struct ConntrackSettings: Hashable, Sendable {
    /// Entries for each core; 0 leaves the limit alone.
    package var maximumPerCore = 32_768
    /// At least as many, however few cores there are.
    package var minimum = 131_072
    /// Of idle established connections; 0 leaves it alone. Seconds.
    package var tcpEstablishedTimeout = 86_400
    /// Of connections half closed by the endpoint; 0 leaves it alone. Seconds.
    package var tcpCloseWaitTimeout = 3600
    /// Segments outside the window stay part of their connection. Otherwise one that an endpoint sends
    /// reaches the client untranslated, and the client's reset ends the connection
    /// (kubernetes/kubernetes#74839).
    package var tcpIsLiberal = true
    /// Seconds; 0 leaves it alone.
    package var udpTimeout = 0
    package var udpStreamTimeout = 0

    /// kube-proxy's bound on what it computes from the number of cores.
    private static let largestScaled = 1_048_576
    private static let prefix = "net.netfilter.nf_conntrack_"

    package init() {}

    /// One setting and the value it should have.
    package struct Setting: Hashable, Sendable {
        package enum Rule: Hashable, Sendable {
            case exactly
            /// A higher value stays.
            case atLeast
        }

        /// `net.netfilter.nf_conntrack_max`.
        package let name: String
        package let value: Int
        package let rule: Rule

        /// Whether `current` has to be changed.
        package func needsChange(from current: Int) -> Bool {
            self.rule == .exactly ? current != self.value : current < self.value
        }
    }

    /// The settings for a host with so many cores, in the order in which to make them.
    package func settings(cores: Int) -> [Setting] {
        var settings: [Setting] = []
        func exactly(_ name: String, _ value: Int) {
            if value > 0 { settings.append(Setting(name: Self.prefix + name, value: value, rule: .exactly)) }
        }
        if self.maximumPerCore > 0 {
            let scaled = min(Self.largestScaled, self.maximumPerCore * cores)
            settings.append(
                Setting(name: "\(Self.prefix)max", value: max(scaled, self.minimum), rule: .atLeast))
        }
        exactly("tcp_timeout_established", self.tcpEstablishedTimeout)
        exactly("tcp_timeout_close_wait", self.tcpCloseWaitTimeout)
        if self.tcpIsLiberal { exactly("tcp_be_liberal", 1) }
        exactly("udp_timeout", self.udpTimeout)
        exactly("udp_timeout_stream", self.udpStreamTimeout)
        return settings
    }
}
