public import Networking

/// What becomes of a packet.
public enum Verdict: Sendable, Hashable {
    case accept
    case drop
    case `continue`
    case `return`
    case jump(String)
    case goto(String)

    /// The chain that the verdict leads to.
    public var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        case .accept, .drop, .continue, .return: nil
        }
    }

    public var text: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .continue: "continue"
        case .return: "return"
        case .jump(let chain): "jump \(chain)"
        case .goto(let chain): "goto \(chain)"
        }
    }
}

/// One element of a set or map.
public struct Element: Sendable, Hashable {
    /// What a map's element yields.
    public enum Value: Sendable, Hashable {
        case bytes(ElementBytes)
        case verdict(Verdict)
        /// Not of a map: in a set with the `interval` flag and a key of several parts, the last key of
        /// the range that starts at ``Element/key`` (`NFTA_SET_ELEM_KEY_END`).
        case rangeEnd(ElementBytes)
    }

    /// In a set of ranges an element is a boundary: where a range starts, or the first key after it.
    public enum Boundary: UInt8, Sendable, Hashable {
        case none
        /// The range that starts here has no end: it reaches the last key.
        case open
        /// `NFT_SET_ELEM_INTERVAL_END`.
        case end
    }

    public var key: ElementBytes
    /// nil in a plain set.
    public var value: Value?
    public var boundary: Boundary
    /// Shown by `nft` beside the element; at most 127 bytes (`NFTNL_UDATA_COMMENT_MAXLEN`).
    public var comment: String?
    /// Milliseconds from being added to being dropped by the kernel; nil: the set's own, or never.
    public var timeout: UInt64?

    public init(
        key: ElementBytes,
        value: Value? = nil,
        boundary: Boundary = .none,
        comment: String? = nil,
        timeout: UInt64? = nil
    ) {
        self.key = key
        self.value = value
        self.boundary = boundary
        self.comment = comment
        self.timeout = timeout
    }

    /// The most bytes that a comment has (`NFTNL_UDATA_COMMENT_MAXLEN`, less its NUL).
    public static let longestComment = 127

    /// A comment cut to ``longestComment``, between characters.
    public static func shortened(_ comment: String) -> String {
        var text = comment
        while text.utf8.count > self.longestComment { text.removeLast() }
        return text
    }

    /// The boundaries of a range of addresses, for a set with the `interval` flag.
    public static func range(_ range: AddressRange) -> [Element] {
        var lower = ElementBytes()
        lower.append(range.first)
        guard let end = range.last.successor else { return [Element(key: lower, boundary: .open)] }
        var upper = ElementBytes()
        upper.append(end)
        return [Element(key: lower), Element(key: upper, boundary: .end)]
    }
}

/// Packets and bytes that an element or rule has seen.
public struct Counter: Sendable, Hashable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }
}
