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

    public let table: TableReference
    /// The ruleset's generation that this was read from.
    public let generation: UInt32
    /// Names of chains.
    public var chains: Set<String> = []
    /// Rules that lead on, in the order of each chain. Maps of verdicts are not looked into.
    public var jumps: [Jump] = []

    public init(table: TableReference, generation: UInt32) {
        self.table = table
        self.generation = generation
    }
}
