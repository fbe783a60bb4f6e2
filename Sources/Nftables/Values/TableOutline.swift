/// The chains of a table and what leads to them, whoever made the table and whatever else its rules do.
///
/// A ``TableSnapshot`` describes tables of this library. In those of others stand expressions that it
/// has no words for (iptables' own matches, for one); which chain a rule leads to can be told of any.
public struct TableOutline: Sendable, Hashable {
    /// A rule that leads to another chain, by `jump` or `goto`.
    public struct Jump: Sendable, Hashable {
        /// The chain that the rule is in.
        public var chain: String
        /// The rule's handle, which no other rule of the table ever has.
        public var handle: UInt64
        public var target: String

        public init(chain: String, handle: UInt64, target: String) {
            self.chain = chain
            self.handle = handle
            self.target = target
        }
    }

    /// A chain that hangs on a netfilter hook.
    public struct BaseChain: Sendable, Hashable {
        public let name: String
        public let hook: Chain.Base.Hook
        /// Lower runs first.
        public let priority: Int32
        /// Whether its policy is to drop: what none of its rules accepts goes no further.
        public let dropsByDefault: Bool

        public init(name: String, hook: Chain.Base.Hook, priority: Int32, dropsByDefault: Bool) {
            self.name = name
            self.hook = hook
            self.priority = priority
            self.dropsByDefault = dropsByDefault
        }
    }

    /// A rule that ends packets.
    public struct Denial: Sendable, Hashable {
        public enum Kind: String, Sendable, Hashable {
            case drop
            case reject
        }

        public let chain: String
        public let handle: UInt64
        public let kind: Kind

        public init(chain: String, handle: UInt64, kind: Kind) {
            self.chain = chain
            self.handle = handle
            self.kind = kind
        }
    }

    public let table: TableReference
    /// The ruleset's generation that this was read from.
    public let generation: UInt32
    /// Names of chains.
    public var chains: Set<String> = []
    /// Rules that lead on, in the order of each chain. Maps of verdicts are not looked into.
    public var jumps: [Jump] = []
    /// Those of its chains that packets come to by themselves. Of families and hooks that ``Chain/Base`` has.
    public var baseChains: [BaseChain] = []
    /// Rules that drop or refuse what matches them, in the order of each chain. iptables' own targets (REJECT) are not among them:
    /// nf_tables sees a match of somebody else's in those.
    public var denials: [Denial] = []

    public init(table: TableReference, generation: UInt32) {
        self.table = table
        self.generation = generation
    }
}
