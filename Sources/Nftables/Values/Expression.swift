/// An instruction of the kernel's nf_tables machine. Statements lower to these, dumps raise to
/// them; `nft --debug=netlink` prints the same list.
public enum Expression: Sendable, Hashable {
    /// One of the 16 four-byte registers. Four of them make one of the older 16-byte ones, which
    /// is how the kernel numbers a register that starts at such a boundary.
    public struct Register: Sendable, Hashable {
        /// 0...15.
        public let index: UInt32

        public init(_ index: UInt32) {
            precondition(index < 16, "there are sixteen registers")
            self.index = index
        }

        /// `NFT_REG_1`... or `NFT_REG32_00`...
        var kernelNumber: UInt32 { self.index % 4 == 0 ? 1 + self.index / 4 : 8 + self.index }

        init?(kernelNumber: UInt32) {
            switch kernelNumber {
            case 1...4: self.index = (kernelNumber - 1) * 4
            case 8...23: self.index = kernelNumber - 8
            default: return nil
            }
        }
    }

    public enum MetaKey: UInt32, Sendable, Hashable {
        // enum nft_meta_keys
        case inputInterfaceName = 6
        case trace = 12
        case networkProtocol = 15
        case transportProtocol = 16
    }

    public enum PayloadBase: UInt32, Sendable, Hashable {
        // enum nft_payload_bases
        case network = 1
        case transport = 2
    }

    public enum ConntrackKey: UInt32, Sendable, Hashable {
        // enum nft_ct_keys
        case status = 2
        case protocolDestination = 12
        case sourceIPv4 = 19
        case destinationIPv4 = 20
        case sourceIPv6 = 21
        case destinationIPv6 = 22
    }

    public enum SetOperation: UInt32, Sendable, Hashable {
        // enum nft_dynset_ops
        case update = 1
        case delete = 2
    }

    /// How the kernel keeps checksums right when it writes into a packet.
    public struct Checksum: Sendable, Hashable {
        /// `enum nft_payload_csum_types`: 0 none, 1 Internet checksum (RFC 1071).
        public let kind: UInt32
        /// Where in the header it is.
        public let offset: UInt32

        /// IPv4's header has one (RFC 791); IPv6's has none. The pseudo header's part in the
        /// transport's checksum is corrected either way (`NFT_PAYLOAD_L4CSUM_PSEUDOHDR`).
        public static let ipv4 = Checksum(kind: 1, offset: 10)
        public static let ipv6 = Checksum(kind: 0, offset: 0)
    }

    public enum Comparison: UInt32, Sendable, Hashable {
        case equal = 0
        case notEqual = 1
    }

    case meta(MetaKey, into: Register)
    case setMeta(MetaKey, from: Register)
    /// A constant (`immediate`).
    case load([UInt8], into: Register)
    case payload(PayloadBase, offset: UInt32, length: UInt32, into: Register)
    case writePayload(PayloadBase, offset: UInt32, length: UInt32, from: Register, Checksum)
    /// The type of an address (`enum` of linux/rtnetlink.h: `RTN_LOCAL` is 2).
    case addressType(isSource: Bool, into: Register)
    case hash(from: Register, length: UInt32, modulus: UInt32, offset: UInt32, seed: UInt32, into: Register)
    /// Timeout in milliseconds; 0 for the set's own.
    case changeSet(SetOperation, set: String, key: Register, value: Register?, timeout: UInt64)
    /// Keys of a direction read the original one.
    case conntrack(ConntrackKey, isDirected: Bool, into: Register)
    case compare(Comparison, Register, [UInt8])
    case mask(Register, with: [UInt8])
    case random(modulus: UInt32, offset: UInt32, into: Register)
    case lookup(set: String, key: Register, into: Register?, isInverted: Bool)
    case lookupVerdict(map: String, key: Register)
    case verdict(Verdict)
    case destinationNAT(TableReference.Family, address: Register, port: Register)
    case masquerade(flags: UInt32)
    case reject(kind: UInt32, code: UInt8)
    case counter
    case limit(perSecond: UInt64, burst: UInt32)
    /// Something this library does not write.
    case other(String)
}
