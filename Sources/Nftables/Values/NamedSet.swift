/// A named set, or a map when it has `data`.
public struct NamedSet: Sendable, Hashable {
    /// What a map yields.
    public enum Yield: Sendable, Hashable {
        case values(Concatenation)
        case verdict
    }

    public struct Flags: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Elements are ranges (`NFT_SET_INTERVAL`).
        public static let interval = Flags(rawValue: 0x4)
        /// Elements may expire (`NFT_SET_TIMEOUT`).
        public static let timeout = Flags(rawValue: 0x10)
        /// Rules may add elements (`NFT_SET_EVAL`).
        public static let dynamic = Flags(rawValue: 0x20)
    }

    /// `NFT_SET_CONCAT`: ranges are of the last part of a concatenation.
    static let concatenatedRanges: UInt32 = 0x80

    public let name: String
    public let key: Concatenation
    /// nil for a plain set.
    public let data: Yield?
    public let flags: Flags
    /// Every element counts packets and bytes of the lookups that found it.
    public let hasCounters: Bool
    /// The largest number of elements; the kernel's hash table has its final size from the start.
    /// nil: no bound, and a table that grows as it fills.
    public let size: UInt32?
    /// How long elements live by default; needs the `timeout` flag. Milliseconds.
    public let timeout: UInt64?
    public let comment: String?

    public init(
        name: String,
        key: Concatenation,
        data: Yield? = nil,
        flags: Flags = [],
        hasCounters: Bool = false,
        size: UInt32? = nil,
        timeout: UInt64? = nil,
        comment: String? = nil
    ) {
        self.name = name
        self.key = key
        self.data = data
        self.flags = flags
        self.hasCounters = hasCounters
        self.size = size
        self.timeout = timeout
        self.comment = comment
    }

    public var isMap: Bool { self.data != nil }

    /// `map frontends4`, as messages name it.
    public var description: String { "\(self.isMap ? "map" : "set") \(self.name)" }
}
