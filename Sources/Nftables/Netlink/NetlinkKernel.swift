internal import CNetfilter
internal import Glibc

/// The kernel's nf_tables in the network namespace of the thread that makes this object.
///
/// Facts that shape it, each tried on real kernels: a batch is applied within `sendmsg`, so all
/// answers are queued when it returns; only the message that closes a batch asks for an
/// acknowledgement, because with one on each a refused batch still answers success for its good
/// messages; a refused batch answers one error per bad message and nothing for the closing one.
@safe
public final class NetlinkKernel: NftablesKernel {
    private let socket: NetlinkSocket
    private var sequence: UInt32 = 1
    private let receiveBuffer: UnsafeMutableRawBufferPointer
    /// Whether the kernel acknowledges the message that closes a batch; nil until it has been asked. One
    /// that does not is asked to acknowledge the last message before it, and answers errors beside that.
    private var acknowledgesEnd: Bool?

    /// How often a dump is taken again when other programs commit during it.
    public static let dumpAttempts = 5

    /// The kernel fills dumps into pieces of at most 32 KiB; a piece of ours must not be cut.
    private static let receiveSize = 256 << 10

    public convenience init() throws(NftablesError) {
        try self.init(acknowledgesEnd: nil)
    }

    /// - Parameter acknowledgesEnd: what is known of the kernel; false makes any kernel an old one.
    package init(acknowledgesEnd: Bool?) throws(NftablesError) {
        self.socket = try NetlinkSocket()
        self.acknowledgesEnd = acknowledgesEnd
        unsafe self.receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.receiveSize, alignment: 16)
    }

    deinit {
        unsafe self.receiveBuffer.deallocate()
    }

    /// The netlink port of this kernel's commits, by which ``NetlinkEvents`` tells them from others'.
    public var port: UInt32 { self.socket.port }

    // MARK: - Commit

    public func commit(_ transaction: Transaction) throws(NftablesError) -> CommitReceipt {
        guard !transaction.isEmpty else { return CommitReceipt(bytes: 0, messages: 0) }
        if self.acknowledgesEnd == nil { self.acknowledgesEnd = try self.probeAcknowledgement() }
        let batch = BatchEncoder(
            transaction, firstSequence: self.nextSequence(), acknowledgesEnd: self.acknowledgesEnd ?? false)
        let answer = try self.exchange(batch, subject: "\(transaction.table)")
        if let failure = answer.failure { throw self.error(failure, of: transaction, batch: batch) }
        guard answer.isAcknowledged else { throw .lost(0, "\(transaction.table)") }
        return CommitReceipt(bytes: batch.buffer.count, messages: batch.messages.count + 2)
    }

    /// Whether this kernel acknowledges the message that closes a batch, as those since 6.10 do: an empty
    /// batch changes nothing, not even the generation, and is answered or not.
    private func probeAcknowledgement() throws(NftablesError) -> Bool {
        let empty = Transaction(TableReference(.inet, ""))
        let batch = BatchEncoder(empty, firstSequence: self.nextSequence(), acknowledgesEnd: true)
        let answer = try self.exchange(batch, subject: "empty batch")
        if let failure = answer.failure { throw self.error(failure, of: empty, batch: batch) }
        return answer.isAcknowledged
    }

    /// Sends a batch and gathers what is answered, which is all there when the call that sends returns.
    private func exchange(
        _ batch: borrowing BatchEncoder,
        subject: String
    ) throws(NftablesError) -> (isAcknowledged: Bool, failure: Acknowledgement?) {
        self.sequence = batch.nextSequence &+ 1
        try self.drain()
        self.socket.reserveSendBuffer(batch.buffer.count)
        try unsafe batch.buffer.withBytes { bytes throws(NftablesError) in try unsafe self.socket.send(bytes) }

        var isAcknowledged = false
        var failure: Acknowledgement?
        while true {
            let received = try unsafe self.socket.receive(into: self.receiveBuffer)
            guard case .messages(let count) = received else {
                if case .lost(let number) = received { throw .lost(number, subject) }
                return (isAcknowledged, failure)
            }
            try unsafe ReplyReader.forEachMessage(.init(rebasing: self.receiveBuffer[..<count])) {
                (header) throws(NftablesError) in
                guard unsafe header.pointee.nlmsg_type == UInt16(NLMSG_ERROR) else { return }
                let answer = unsafe ReplyReader.acknowledgement(header)
                if answer.number == 0 {
                    isAcknowledged = true
                } else if failure == nil {
                    failure = answer
                }
            }
        }
    }

    private func error(
        _ answer: Acknowledgement,
        of transaction: Transaction,
        batch: borrowing BatchEncoder
    ) -> NftablesError {
        if answer.number == ERESTART {
            return NftablesError(
                .changedMeanwhile,
                number: answer.number,
                subject: "\(transaction.table)",
                reason: "another program changed the ruleset meanwhile"
            )
        }
        if answer.number == EPERM {
            return NftablesError(
                .notPermitted,
                number: EPERM,
                subject: "\(transaction.table)",
                reason: "CAP_NET_ADMIN is missing in this network namespace, or another program owns the table"
            )
        }
        var subject = "\(transaction.table)"
        if let message = batch.message(answer.sequence) {
            var element: Int?
            if let attribute = answer.attributeOffset {
                element = unsafe try? batch.buffer.withBytes { bytes throws(NftablesError) in
                    unsafe ReplyReader.elementIndex(in: bytes, message: message.offset, attribute: attribute)
                }
            }
            subject = transaction.operations[message.operation].subject(
                in: transaction.table, element: element.map { $0 + message.firstElement }
            )
        }
        let words = NftablesError.text(of: answer.number)
        return NftablesError(
            .refused,
            number: answer.number,
            subject: subject,
            reason: answer.message.map { "\(words) (\($0))" } ?? words
        )
    }

    // MARK: - Requests

    func nextSequence() -> UInt32 {
        self.sequence &+= 1
        return self.sequence
    }

    /// Throws away what an earlier call left in the queue.
    private func drain() throws(NftablesError) {
        while true {
            if case .empty = try unsafe self.socket.receive(into: self.receiveBuffer) { return }
        }
    }

    /// Sends one request and calls `body` with each message of the answer.
    ///
    /// - Returns: false if the dump was interrupted (`NLM_F_DUMP_INTR`) and has to be taken again.
    func request(
        _ type: UInt32,
        family: UInt8,
        flags: Int32,
        subject: String,
        build: (UnsafeMutablePointer<nlmsghdr>) -> Void,
        _ body: (UnsafePointer<nlmsghdr>) -> Void
    ) throws(NftablesError) -> Bool {
        let sequence = self.nextSequence()
        try self.drain()
        var buffer = NetlinkBuffer()
        unsafe buffer.appendMessage(Int32(type), family: family, flags: flags, sequence: sequence, build)
        unsafe try buffer.withBytes { bytes throws(NftablesError) in try unsafe self.socket.send(bytes) }

        var isConsistent = true
        var isDone = false
        while !isDone {
            let received = try unsafe self.socket.receive(into: self.receiveBuffer)
            guard case .messages(let count) = received else {
                if case .lost(let number) = received { throw .lost(number, subject) }
                throw .lost(0, subject)
            }
            try unsafe ReplyReader.forEachMessage(.init(rebasing: self.receiveBuffer[..<count])) {
                (header) throws(NftablesError) in
                guard unsafe header.pointee.nlmsg_seq == sequence else { return }
                if unsafe Int32(header.pointee.nlmsg_flags) & NLM_F_DUMP_INTR != 0 { isConsistent = false }
                switch unsafe Int32(header.pointee.nlmsg_type) {
                case NLMSG_DONE:
                    isDone = true
                    // A dump that broke off says so here.
                    if unsafe ReplyReader.doneStatus(header) < 0 { isConsistent = false }
                case NLMSG_ERROR:
                    isDone = true
                    let answer = unsafe ReplyReader.acknowledgement(header)
                    guard answer.number != 0 else { return }
                    if answer.number == EPERM { throw .system(EPERM, subject) }
                    if answer.number == EINTR || answer.number == EAGAIN {
                        isConsistent = false
                        return
                    }
                    throw NftablesError(
                        .refused,
                        number: answer.number,
                        subject: subject,
                        reason: answer.message ?? NftablesError.text(of: answer.number)
                    )
                default:
                    unsafe body(header)
                }
            }
        }
        return isConsistent
    }
}

extension NftablesError {
    /// Each dump of several was spoilt by commits of other programs.
    static func neverAtRest(_ subject: String) -> NftablesError {
        NftablesError(
            .changedMeanwhile,
            number: EINTR,
            subject: subject,
            reason: "other programs changed the ruleset during each of \(NetlinkKernel.dumpAttempts) dumps"
        )
    }

    static func lost(_ number: Int32, _ subject: String) -> NftablesError {
        NftablesError(
            .lost,
            number: number,
            subject: subject,
            reason: number == 0 ? "the kernel did not answer" : "answers were lost: \(self.text(of: number))"
        )
    }
}

extension Transaction.Operation {
    /// What the operation is about, for messages.
    public func subject(in table: TableReference, element index: Int? = nil) -> String {
        switch self {
        case .addTable, .addOwnedTable, .deleteTable:
            return "\(table)"
        case .addChain(let chain):
            return "chain \(chain.name) in \(table)"
        case .deleteChain(let name), .flushChain(let name):
            return "chain \(name) in \(table)"
        case .addRule(let chain, let rule):
            return "rule '\(rule.text)' in chain \(chain) in \(table)"
        case .deleteRule(let chain, let handle):
            return "rule with handle \(handle) in chain \(chain) in \(table)"
        case .addSet(let set):
            return "\(set.description) in \(table)"
        case .deleteSet(let name):
            return "set \(name) in \(table)"
        case .addElements(let set, let elements), .deleteElements(let set, let elements):
            guard let index, elements.indices.contains(index) else {
                return elements.count == 1
                    ? "element \(set.text(of: elements[0])) of \(set.description) in \(table)"
                    : "one of \(elements.count) elements of \(set.description) in \(table)"
            }
            return "element \(set.text(of: elements[index])) of \(set.description) in \(table)"
        }
    }
}
