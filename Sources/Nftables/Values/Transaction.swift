/// Changes of one table, committed as a whole or not at all.
///
/// Operations are applied in order; later ones see what earlier ones did.
public struct Transaction: Sendable {
    public enum Operation: Sendable {
        case addTable
        /// A table that nobody else may change, and that goes with the socket that commits this (`NFT_TABLE_F_OWNER`; Linux 5.12).
        case addOwnedTable
        case deleteTable
        case addChain(Chain)
        case deleteChain(String)
        /// Removes the chain's rules.
        case flushChain(String)
        /// Appends a rule.
        case addRule(chain: String, Rule)
        /// Deletes one rule, of whoever made it, by the handle that the kernel gave it.
        case deleteRule(chain: String, handle: UInt64)
        case addSet(NamedSet)
        case deleteSet(String)
        /// Adding an element that stands with the same value is no error; with another value it
        /// is refused (`EEXIST`).
        case addElements(NamedSet, [Element])
        case deleteElements(NamedSet, [Element])
    }

    public let table: TableReference
    public private(set) var operations: [Operation] = []
    /// The ruleset's generation that this was computed from. If another program commits anything
    /// before, the kernel refuses the batch (`ERESTART`), and the dump has to be taken again.
    public var expectedGeneration: UInt32?

    public init(_ table: TableReference) {
        self.table = table
    }

    public var isEmpty: Bool { self.operations.isEmpty }

    public mutating func append(_ operation: Operation) { self.operations.append(operation) }

    /// Adds elements to a set; consecutive calls for the same set share a message.
    public mutating func add(_ elements: [Element], to set: NamedSet) {
        guard !elements.isEmpty else { return }
        if case .addElements(let last, var gathered)? = self.operations.last, last.name == set.name {
            self.operations.removeLast()
            gathered.append(contentsOf: elements)
            self.operations.append(.addElements(set, gathered))
        } else {
            self.operations.append(.addElements(set, elements))
        }
    }

    /// Deletes elements from a set; only their keys matter.
    public mutating func delete(_ elements: [Element], from set: NamedSet) {
        guard !elements.isEmpty else { return }
        if case .deleteElements(let last, var gathered)? = self.operations.last, last.name == set.name {
            self.operations.removeLast()
            gathered.append(contentsOf: elements)
            self.operations.append(.deleteElements(set, gathered))
        } else {
            self.operations.append(.deleteElements(set, elements))
        }
    }

    /// How many elements the transaction adds and deletes.
    public var elementOperationCount: Int {
        self.operations.reduce(0) { count, operation in
            switch operation {
            case .addElements(_, let elements), .deleteElements(_, let elements): count + elements.count
            default: count
            }
        }
    }
}
