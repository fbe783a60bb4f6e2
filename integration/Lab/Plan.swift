import Networking

/// Who has which address, and the `ip` commands that make it so.
enum Plan {
    struct Addresses {
        let ipv4: IPAddress
        let ipv6: IPAddress
    }

    private static let uplinkPrefix: UInt64 = 0xfd00_0050_0000_0000
    private static let podPrefix: UInt64 = 0xfd00_0010_0244_0001

    static let client = uplink(1)
    static let node = uplink(2)
    static let alias = uplink(3)
    /// The node as its pods see it; masqueraded connections come from here.
    static let gateway = pod(-1)

    private static func uplink(_ host: UInt8) -> Addresses {
        Addresses(ipv4: IPAddress(192, 168, 50, host), ipv6: IPAddress(ipv6High: uplinkPrefix, low: UInt64(host)))
    }

    static func pod(_ index: Int) -> Addresses {
        let host = UInt8(index + 2)
        return Addresses(ipv4: IPAddress(10, 244, 1, host), ipv6: IPAddress(ipv6High: podPrefix, low: UInt64(host)))
    }

    /// No duplicate address detection: addresses work at once. Ping sockets for everybody. No limit
    /// on ICMP errors: with it the seventh refusal within a second looks like a drop.
    static let kernelParameters: [(path: String, value: String)] = [
        ("net/ipv4/conf/all/rp_filter", "0"), ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/all/accept_dad", "0"), ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/dad_transmits", "0"), ("net/ipv6/conf/default/accept_ra", "0"),
        ("net/ipv4/icmp_ratelimit", "0"), ("net/ipv6/icmp/ratelimit", "0"),
        ("net/ipv4/ping_group_range", "0 2147483647"),
    ]

    /// A pod that talks to itself through the node comes back on the interface it left by; the node
    /// must not try to teach it a shorter way.
    static let routerParameters: [(path: String, value: String)] = [
        ("net/ipv4/ip_forward", "1"), ("net/ipv6/conf/all/forwarding", "1"),
        ("net/ipv4/conf/all/send_redirects", "0"), ("net/ipv4/conf/default/send_redirects", "0"),
    ]

    static let clientCommands = [
        "link set lo up",
        "link set eth0 up",
        "address add \(client.ipv4)/24 dev eth0",
        "address add \(client.ipv6)/64 dev eth0 nodad",
        "route add default via \(node.ipv4)",
        "route add default via \(node.ipv6)",
    ]

    /// Without a default route the node answers "unreachable" before any rule for a Service is asked.
    /// The IPv6 alias is deprecated, as keepalived makes such addresses: it answers, but the node never
    /// speaks from it of its own accord.
    static func nodeCommands(aliases: [IPAddress]) -> [String] {
        [
            "link set lo up",
            "link set uplink up",
            "address add \(node.ipv4)/24 dev uplink",
            "address add \(node.ipv6)/64 dev uplink nodad",
            "route add default via \(client.ipv4)",
            "route add default via \(client.ipv6)",
        ]
            + aliases.map { "address add \($0)/\($0.family == .ipv4 ? "24" : "64 nodad preferred_lft 0") dev uplink" }
    }

    static func nodeCommands(pod index: Int) -> [String] {
        let device = "pod-\(index + 1)"
        let pod = self.pod(index)
        return [
            "link set \(device) up",
            "address add \(gateway.ipv4)/32 dev \(device)",
            "address add \(gateway.ipv6)/128 dev \(device) nodad",
            "route add \(pod.ipv4)/32 dev \(device) src \(gateway.ipv4)",
            "route add \(pod.ipv6)/128 dev \(device) src \(gateway.ipv6)",
        ]
    }

    static func podCommands(_ index: Int) -> [String] {
        let pod = self.pod(index)
        return [
            "link set lo up",
            "link set eth0 up",
            "address add \(pod.ipv4)/32 dev eth0",
            "address add \(pod.ipv6)/128 dev eth0 nodad",
            "route add \(gateway.ipv4) dev eth0 scope link",
            "route add \(gateway.ipv6) dev eth0",
            "route add default via \(gateway.ipv4)",
            "route add default via \(gateway.ipv6)",
        ]
    }
}
