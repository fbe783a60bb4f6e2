/// Something of a packet that a rule can look at: the left-hand sides of the nft language.
public enum Selector: Sendable, Hashable {
    /// `ip saddr`, `ip daddr`, `ip6 saddr`, `ip6 daddr`.
    case address(AddressKind, AddressDirection)
    /// `meta nfproto`: the packet's IP version in an `inet` table.
    case networkProtocol
    /// `meta l4proto`.
    case transportProtocol
    /// `th dport`: the destination port, at the same offset in TCP, UDP and SCTP.
    case destinationPort
    /// `ct original ip daddr` or `ip6 daddr`: where the connection's first packet went.
    case originalDestination(AddressKind)
    /// `ct original proto-dst`. `nft` types it only after a `meta l4proto` match in the same rule.
    case originalDestinationPort
    /// `numgen random mod N`: uniform in 0..<N, drawn anew each time.
    case random(modulus: UInt32)

    public enum AddressKind: Sendable, Hashable {
        case ipv4
        case ipv6

        var keyword: String { self == .ipv4 ? "ip" : "ip6" }
        var datatype: Datatype { self == .ipv4 ? .ipv4Address : .ipv6Address }
    }

    public enum AddressDirection: Sendable, Hashable {
        case source
        case destination
    }

    public var datatype: Datatype {
        switch self {
        case .address(let kind, _), .originalDestination(let kind): kind.datatype
        case .networkProtocol: Datatype(name: "nf_proto", identifier: 2, length: 1, isHostOrder: true)
        case .transportProtocol: .transportProtocol
        case .destinationPort, .originalDestinationPort: .port
        case .random: .integer
        }
    }

    /// The spelling in the nft language.
    public var text: String {
        switch self {
        case .address(let kind, .source): "\(kind.keyword) saddr"
        case .address(let kind, .destination): "\(kind.keyword) daddr"
        case .networkProtocol: "meta nfproto"
        case .transportProtocol: "meta l4proto"
        case .destinationPort: "th dport"
        case .originalDestination(let kind): "ct original \(kind.keyword) daddr"
        case .originalDestinationPort: "ct original proto-dst"
        case .random(let modulus): "numgen random mod \(modulus)"
        }
    }
}
