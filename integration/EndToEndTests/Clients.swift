import Lab
import Networking
import Testing

/// Clients with addresses of their own on the client's host: with so many it is as good as
/// impossible that all draw what they drew before.
struct Clients {
    let host: Host
    let addresses: [IPAddress]

    init(_ scene: Scene, _ family: AddressFamily, _ numbers: Range<Int> = 100..<132) throws {
        self.host = scene.client
        self.addresses = try numbers.map { number in
            try #require(IPAddress(family == .ipv4 ? "192.168.50.\(number)" : "fd00:50::1:\(number)"))
        }
        let lines = self.addresses.map {
            "address add \($0)/\(family == .ipv4 ? "24" : "64") dev eth0\(family == .ipv6 ? " nodad" : "")\n"
        }
        try self.host.shell("ip -batch - <<'END'\n\(lines.joined())END")
    }

    /// Who answers each of them; with port 0 each comes from a port of the kernel's choice.
    func servers(
        _ transport: TransportProtocol, _ target: SocketAddress, only range: Range<Int>? = nil, sourcePort: UInt16 = 0
    ) throws -> [String?] {
        try self.host.run {
            try self.addresses[range ?? self.addresses.indices].map { address in
                let source = SocketAddress(address, sourcePort)
                switch transport {
                case .udp:
                    return try Probe.udp(to: target.address, port: target.port, source: source).server
                default:
                    return try Probe.tcp(to: target.address, port: target.port, source: source).server
                }
            }
        }
    }
}
