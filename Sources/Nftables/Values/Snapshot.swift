/// A table as it stood at one generation of the ruleset.
public struct TableSnapshot: Sendable {
    /// A set as the kernel describes it. `nft`'s own notes about it (typeof, comment) are left out:
    /// they do not change what it does.
    public struct SetState: Sendable, Hashable {
        public var flags: UInt32
        public var keyType: UInt32
        public var keyLength: Int
        public var dataType: UInt32?
        public var dataLength: Int
        public var size: UInt32?
        public var hasCounters: Bool

        public init(
            flags: UInt32,
            keyType: UInt32,
            keyLength: Int,
            dataType: UInt32?,
            dataLength: Int,
            size: UInt32?,
            hasCounters: Bool
        ) {
            self.flags = flags
            self.keyType = keyType
            self.keyLength = keyLength
            self.dataType = dataType
            self.dataLength = dataLength
            self.size = size
            self.hasCounters = hasCounters
        }
    }

    /// A rule as the kernel runs it.
    public struct RuleState: Sendable, Hashable {
        public var expressions: [Expression]

        public init(expressions: [Expression]) {
            self.expressions = expressions
        }
    }

    public var table: TableReference
    /// `NFT_TABLE_F_*`: dormant tables, for one, do nothing.
    public var flags: UInt32 = 0
    /// The table holds something that this library does not describe, and so cannot compare: a
    /// catch-all element, a stateful object, a flow table, a base chain that drops by policy.
    public var hasMore = false
    /// Counts commits of the whole ruleset, this table's or not.
    public var generation: UInt32
    public var chains: [String: Chain]
    /// By chain, in order.
    public var rules: [String: [RuleState]]
    public var sets: [String: SetState]
    /// By set, in no particular order.
    public var elements: [String: [Element]]

    public init(table: TableReference, generation: UInt32) {
        self.table = table
        self.generation = generation
        self.chains = [:]
        self.rules = [:]
        self.sets = [:]
        self.elements = [:]
    }
}

extension NamedSet {
    /// How the kernel will describe this set.
    public var state: TableSnapshot.SetState {
        let dataType: UInt32? =
            switch self.data {
            case nil: nil
            case .verdict: NamedSet.verdictType
            case .values(let values): values.identifier
            }
        let dataLength =
            switch self.data {
            case nil, .verdict: 0
            case .values(let values): values.length
            }
        return TableSnapshot.SetState(
            flags: self.kernelFlags,
            keyType: self.key.identifier,
            keyLength: self.key.length,
            dataType: dataType,
            dataLength: dataLength,
            size: self.size,
            hasCounters: self.hasCounters
        )
    }

    /// `NFT_DATA_VERDICT`.
    static let verdictType: UInt32 = 0xffff_ff00

    /// `NFT_SET_MAP` is implied by having data, `NFT_SET_CONCAT` by ranges of several parts.
    var kernelFlags: UInt32 {
        self.flags.rawValue | (self.isMap ? 0x8 : 0) | (self.hasConcatenatedRanges ? Self.concatenatedRanges : 0)
    }

    /// Whether an element is a first and a last key in one, not two boundaries.
    var hasConcatenatedRanges: Bool { self.flags.contains(.interval) && self.key.parts.count > 1 }
}
