/// What holds rulesets: the Linux kernel, or a twin of it in memory.
///
/// Implementations are used from one thread at a time.
public protocol NftablesKernel: AnyObject {
    /// Commits `transaction` as a whole. On an error nothing has changed.
    func commit(_ transaction: Transaction) throws(NftablesError) -> CommitReceipt

    /// The table, taken from one generation; nil if there is none.
    func snapshot(of table: TableReference, _ scope: SnapshotScope) throws(NftablesError) -> TableSnapshot?

    /// The ruleset's generation: it grows with each commit of anyone.
    func generation() throws(NftablesError) -> UInt32

    /// The elements of one set with their counters.
    func counters(of set: NamedSet, in table: TableReference) throws(NftablesError) -> [ElementBytes: Counter]
}

extension NftablesKernel {
    /// The table with all its elements, taken from one generation; nil if there is none.
    public func snapshot(of table: TableReference) throws(NftablesError) -> TableSnapshot? {
        try self.snapshot(of: table, .all)
    }
}

/// Which elements a snapshot has.
public enum SnapshotScope: Sendable {
    /// All but those that rules have put into sets.
    case all
    /// By set those with the keys of these, as far as they are there: the kernel is asked for each, which among a hundred
    /// thousand is quicker than a dump for a few thousand. For a key within a range the range may be found; an element
    /// that takes what no other does (`*`) is not seen.
    case elements([String: [Element]])
}

/// What a commit took.
public struct CommitReceipt: Sendable, Hashable {
    /// Bytes sent to the kernel.
    public var bytes: Int
    /// Netlink messages sent, the two of the batch's frame included.
    public var messages: Int

    public init(bytes: Int, messages: Int) {
        self.bytes = bytes
        self.messages = messages
    }
}

/// Why the kernel did not do what it was asked.
public struct NftablesError: Error, Sendable, Hashable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        private enum Storage: Hashable {
            case refused
            case notPermitted
            case changedMeanwhile
            case lost
            case system
        }

        private let storage: Storage

        /// The kernel refused an object; `subject` names it.
        public static let refused = Code(storage: .refused)
        /// `CAP_NET_ADMIN` is missing.
        public static let notPermitted = Code(storage: .notPermitted)
        /// Another program committed between the dump and this (`ERESTART`), or during a dump each
        /// time it was tried.
        public static let changedMeanwhile = Code(storage: .changedMeanwhile)
        /// Answers were lost (`ENOBUFS`, a truncated or missing message): whether the batch was
        /// committed is not known, and a new dump has to tell.
        public static let lost = Code(storage: .lost)
        /// A system call or an allocation failed.
        public static let system = Code(storage: .system)
    }

    public let code: Code
    /// The errno value; 0 where there is none.
    public let number: Int32
    /// What it is about: `element 10.96.0.10 . tcp . 80 of map frontends4 in table inet fairlead`.
    public let subject: String
    /// The reason in words.
    public let reason: String

    public init(_ code: Code, number: Int32, subject: String, reason: String) {
        self.code = code
        self.number = number
        self.subject = subject
        self.reason = reason
    }

    public var description: String { "\(self.subject): \(self.reason)" }
}
