internal import CNetfilter

/// A transaction as one netlink batch, with a note of what each message is about, so that an error,
/// which comes with a message's sequence number, can name the object.
struct BatchEncoder: ~Copyable {
    /// One message of the batch.
    struct Message {
        let operation: Int
        /// The first element that it carries, for messages that carry elements.
        let firstElement: Int
        /// Where it starts in the batch.
        let offset: Int
    }

    private(set) var buffer = NetlinkBuffer()
    /// By sequence number, after the frame message at `firstSequence`.
    private(set) var messages: [Message] = []
    private let firstSequence: UInt32
    private var setIdentifier: UInt32 = 0

    /// Elements of one message. The largest possible element, with its key, a verdict, a comment and a
    /// timeout, takes under 500 bytes, and a nested attribute holds 64 KiB: a chunk always fits.
    private static let chunk = 128

    /// - Parameter acknowledgesEnd: ask the closing message for an acknowledgement; otherwise the last
    ///   message before it.
    init(_ transaction: Transaction, firstSequence: UInt32, acknowledgesEnd: Bool) {
        self.firstSequence = firstSequence
        self.buffer.appendBegin(sequence: firstSequence, generation: transaction.expectedGeneration)
        for (index, operation) in transaction.operations.enumerated() {
            self.encode(operation, at: index, in: transaction.table)
        }
        if !acknowledgesEnd, let last = self.messages.last {
            self.buffer.requestAcknowledgement(at: last.offset)
        }
        self.buffer.appendEnd(sequence: self.nextSequence, isAcknowledged: acknowledgesEnd)
    }

    /// The sequence number of the message after those so far.
    var nextSequence: UInt32 { self.firstSequence &+ UInt32(self.messages.count) &+ 1 }

    /// The message that a sequence number belongs to; nil for the frame's.
    func message(_ sequence: UInt32) -> Message? {
        let index = Int(sequence &- self.firstSequence) - 1
        return self.messages.indices.contains(index) ? self.messages[index] : nil
    }

    private mutating func append(
        _ type: UInt32,
        _ table: TableReference,
        flags: Int32 = 0,
        operation: Int,
        element: Int = 0,
        _ body: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) {
        let offset = self.buffer.count
        unsafe self.buffer.appendMessage(
            Int32(type), family: table.family.rawValue, flags: flags, sequence: self.nextSequence, body
        )
        self.messages.append(Message(operation: operation, firstElement: element, offset: offset))
    }

    private mutating func encode(_ operation: Transaction.Operation, at index: Int, in table: TableReference) {
        switch operation {
        case .addTable, .addOwnedTable:
            var flags: UInt32 = 0
            if case .addOwnedTable = operation { flags = NFT_TABLE_F_OWNER.rawValue }
            let handle = TableHandle(table.name, flags: flags)
            unsafe self.append(NFT_MSG_NEWTABLE.rawValue, table, flags: NLM_F_CREATE, operation: index) {
                unsafe handle.build($0)
            }
        case .deleteTable:
            let handle = TableHandle(table.name)
            unsafe self.append(NFT_MSG_DELTABLE.rawValue, table, operation: index) { unsafe handle.build($0) }
        case .addChain(let chain):
            let handle = ChainHandle(table: table.name, chain)
            unsafe self.append(NFT_MSG_NEWCHAIN.rawValue, table, flags: NLM_F_CREATE, operation: index) {
                unsafe handle.build($0)
            }
        case .deleteChain(let name):
            let handle = ChainHandle(table: table.name, Chain(name: name))
            unsafe self.append(NFT_MSG_DELCHAIN.rawValue, table, operation: index) { unsafe handle.build($0) }
        case .flushChain(let name):
            let handle = RuleHandle(table: table.name, chain: name)
            unsafe self.append(NFT_MSG_DELRULE.rawValue, table, operation: index) { unsafe handle.build($0) }
        case .addRule(let chain, let rule):
            let handle = RuleHandle(table: table.name, chain: chain)
            if let comment = rule.comment { handle.set(comment: comment) }
            for expression in rule.expressions(in: table.family) {
                handle.append(ExpressionHandle.encode(expression))
            }
            unsafe self.append(
                NFT_MSG_NEWRULE.rawValue, table, flags: NLM_F_CREATE | NLM_F_APPEND, operation: index
            ) { unsafe handle.build($0) }
        case .deleteRule(let chain, let number):
            let handle = RuleHandle(table: table.name, chain: chain)
            handle.set(handle: number)
            unsafe self.append(NFT_MSG_DELRULE.rawValue, table, operation: index) { unsafe handle.build($0) }
        case .addSet(let set):
            self.setIdentifier += 1
            let handle = SetHandle(table: table.name, name: set.name)
            handle.declare(set, identifier: self.setIdentifier)
            unsafe self.append(NFT_MSG_NEWSET.rawValue, table, flags: NLM_F_CREATE, operation: index) {
                unsafe handle.build($0)
            }
        case .deleteSet(let name):
            let handle = SetHandle(table: table.name, name: name)
            unsafe self.append(NFT_MSG_DELSET.rawValue, table, operation: index) { unsafe handle.build($0) }
        case .addElements(let set, let elements):
            self.encode(elements, of: set, in: table, isAddition: true, operation: index)
        case .deleteElements(let set, let elements):
            self.encode(elements, of: set, in: table, isAddition: false, operation: index)
        }
    }

    private mutating func encode(
        _ elements: [Element],
        of set: NamedSet,
        in table: TableReference,
        isAddition: Bool,
        operation: Int
    ) {
        let type = isAddition ? NFT_MSG_NEWSETELEM.rawValue : NFT_MSG_DELSETELEM.rawValue
        var start = 0
        while start < elements.count {
            let end = min(start + Self.chunk, elements.count)
            let handle = SetHandle(table: table.name, name: set.name)
            for index in start..<end { handle.append(elements[index], keyOnly: !isAddition) }
            unsafe handle.buildElements { body in
                unsafe self.append(
                    type, table, flags: isAddition ? NLM_F_CREATE : 0, operation: operation, element: start, body
                )
            }
            start = end
        }
    }
}
