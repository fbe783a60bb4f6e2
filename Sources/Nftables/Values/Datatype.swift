// Nftables: a typed layer over libmnl and libnftnl. Values describe tables, chains, sets, maps,
// elements and rules; a `Transaction` changes them as one atomic batch; `NftablesKernel` commits
// transactions and dumps what stands, on the real kernel (`NetlinkKernel`) or on an in-memory one
// that refuses what the kernel refuses. Rules are statements of the nft language: the same value
// prints as nft text and lowers to the kernel's expressions, so the two cannot drift apart.
// Conntrack-free: only nf_tables is spoken here.

/// A data type of the nft language: how a value is named, numbered and laid out.
///
/// Identifiers are those of `enum datatypes` in nftables' `include/datatype.h`; the kernel stores
/// them without a meaning, `nft` reads them back to print values.
public struct Datatype: Sendable, Hashable {
    /// The name in `type` declarations.
    public let name: String
    /// The 6-bit identifier.
    public let identifier: UInt32
    /// Bytes of a value, before padding to a register (4 bytes).
    public let length: Int
    /// Values in host order; addresses, ports and protocol numbers are in network order.
    public let isHostOrder: Bool

    public static let networkProtocol = Datatype(name: "nf_proto", identifier: 2, length: 1, isHostOrder: true)
    public static let integer = Datatype(name: "integer", identifier: 4, length: 4, isHostOrder: true)
    public static let ipv4Address = Datatype(name: "ipv4_addr", identifier: 7, length: 4, isHostOrder: false)
    public static let ipv6Address = Datatype(name: "ipv6_addr", identifier: 8, length: 16, isHostOrder: false)
    public static let transportProtocol = Datatype(name: "inet_proto", identifier: 12, length: 1, isHostOrder: false)
    public static let port = Datatype(name: "inet_service", identifier: 13, length: 2, isHostOrder: false)
    public static let mark = Datatype(name: "mark", identifier: 19, length: 4, isHostOrder: true)

    /// Bytes of a value in a concatenation: each part is padded to whole 4-byte registers.
    public var paddedLength: Int { (self.length + 3) & ~3 }
}

/// What a set is keyed by, or what a map yields: one data type or a concatenation.
public struct Concatenation: Sendable, Hashable {
    /// One part: a plain data type, or the expression whose type it has. `nft` calls the latter
    /// `typeof`; it is needed for types that have no fixed width of their own (`integer`).
    public struct Part: Sendable, Hashable {
        public let datatype: Datatype
        public let selector: Selector?

        public static func type(_ datatype: Datatype) -> Part { Part(datatype: datatype, selector: nil) }

        public static func typeof(_ selector: Selector) -> Part {
            Part(datatype: selector.datatype, selector: selector)
        }
    }

    public let parts: [Part]

    public init(_ parts: [Part]) {
        precondition((1...5).contains(parts.count), "a concatenation has one to five parts")
        let typeofs = parts.count { $0.selector != nil }
        precondition(typeofs == 0 || typeofs == parts.count, "type and typeof do not mix")
        self.parts = parts
    }

    public static func types(_ datatypes: Datatype...) -> Concatenation { Concatenation(datatypes.map(Part.type)) }

    public static func typeof(_ selectors: Selector...) -> Concatenation { Concatenation(selectors.map(Part.typeof)) }

    /// Bytes of a value: a single part is not padded, the parts of a concatenation are.
    public var length: Int {
        self.parts.count == 1 ? self.parts[0].datatype.length : self.parts.reduce(0) { $0 + $1.datatype.paddedLength }
    }

    /// The identifier that the kernel keeps: 6 bits a part.
    public var identifier: UInt32 { self.parts.reduce(0) { $0 << 6 | $1.datatype.identifier } }

    public var isTypeof: Bool { self.parts[0].selector != nil }
}
