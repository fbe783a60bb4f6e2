/// Something of a packet that a rule can look at: the left-hand sides of the nft language.
public indirect enum Selector: Sendable, Hashable {
    /// `ip saddr`, `ip daddr`, `ip6 saddr`, `ip6 daddr`.
    case address(AddressKind, AddressDirection)
    /// `meta nfproto`: the packet's IP version in an `inet` table.
    case networkProtocol
    /// `meta l4proto`.
    case transportProtocol
    /// `th dport`: the destination port, at the same offset in TCP, UDP and SCTP.
    case destinationPort
    /// `th sport`: the source port, at the same offset in TCP, UDP and SCTP.
    case sourcePort
    /// `ct original ip saddr`, `ct original ip6 daddr` and so on: of the connection's first packet.
    case originalAddress(AddressKind, AddressDirection)
    /// `ct original proto-dst`. `nft` types it only after a `meta l4proto` match in the same rule.
    case originalDestinationPort
    /// `numgen random mod N offset M`: uniform in M..<M+N, drawn anew each time.
    case random(modulus: UInt32, offset: UInt32 = 0)
    /// `jhash SELECTORS mod N seed S offset M`: the same number in M..<M+N for the same packet fields.
    case hash([Selector], modulus: UInt32, offset: UInt32 = 0, seed: UInt32)

    /// A number that is always the same. The nft language takes no constants in a concatenation; a draw
    /// among one does.
    public static func constant(_ number: UInt32) -> Selector { .random(modulus: 1, offset: number) }

    public enum AddressKind: Sendable, Hashable {
        case ipv4
        case ipv6

        var keyword: String { self == .ipv4 ? "ip" : "ip6" }
        var datatype: Datatype { self == .ipv4 ? .ipv4Address : .ipv6Address }
    }

    public enum AddressDirection: Sendable, Hashable {
        case source
        case destination

        var keyword: String { self == .source ? "saddr" : "daddr" }
    }

    public var datatype: Datatype {
        switch self {
        case .address(let kind, _), .originalAddress(let kind, _): kind.datatype
        case .networkProtocol: .networkProtocol
        case .transportProtocol: .transportProtocol
        case .sourcePort, .destinationPort, .originalDestinationPort: .port
        case .random, .hash: .integer
        }
    }

    /// The spelling in the nft language.
    public var text: String {
        switch self {
        case .address(let kind, let direction): "\(kind.keyword) \(direction.keyword)"
        case .networkProtocol: "meta nfproto"
        case .transportProtocol: "meta l4proto"
        case .sourcePort: "th sport"
        case .destinationPort: "th dport"
        case .originalAddress(let kind, let direction): "ct original \(kind.keyword) \(direction.keyword)"
        case .originalDestinationPort: "ct original proto-dst"
        case .random(let modulus, 0): "numgen random mod \(modulus)"
        case .random(let modulus, let offset): "numgen random mod \(modulus) offset \(offset)"
        case .hash(let selectors, let modulus, let offset, let seed):
            "jhash \(selectors.map(\.text).joined(separator: " . ")) mod \(modulus) seed 0x\(String(seed, radix: 16))"
                + (offset == 0 ? "" : " offset \(offset)")
        }
    }
}
