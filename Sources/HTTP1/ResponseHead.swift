public import Bytes

/// Where the body of a response ends (RFC 9112 section 6.3).
@frozen
public enum ResponseFraming: BitwiseCopyable, Hashable, Sendable {
    /// There is none: HEAD, 1xx, 204, 304, or a length of 0.
    case none
    /// Not 0.
    case length(UInt64)
    case chunked
    /// When the backend closes the connection.
    case untilClose

    /// For who tells the end of a body by other means than bytes: a length is kept, everything else ends with the message.
    public var withoutChunks: ResponseFraming { self == .chunked ? .untilClose : self }
}

/// A response but for its body. Ranges are of the bytes that were parsed; the field lines are in the ``FieldTable``.
@frozen
public struct ResponseHead: BitwiseCopyable, Hashable, Sendable {
    /// 100 to 999.
    public var status: UInt16
    /// May be empty.
    public var reason: ByteRange
    /// 0 or 1.
    public var minorVersion: UInt8
    /// Where the first field line begins.
    public var fieldsStart: Int
    /// Bytes of the head with its empty line.
    public var length: Int
    public var framing: ResponseFraming
    /// Whether the backend lets the connection be used again, after the body. Never with ``ResponseFraming/untilClose``.
    public var keepsAlive: Bool
    /// `101 Switching Protocols` to a request that asked for it: bytes of another protocol follow.
    public var isUpgrade: Bool
    public var presence: FieldSet

    /// Another response follows this one.
    @inlinable public var isInterim: Bool { self.status < 200 && self.status != 101 }
}

@frozen
public enum ResponseParse: BitwiseCopyable, Hashable, Sendable {
    case complete(ResponseHead)
    /// So far so good; more bytes are needed.
    case incomplete
    /// Answer 502, and do not use the connection again.
    case malformed(MessageFault)
}

/// The request that a response answers, as far as the response's framing depends on it.
@frozen
public struct ResponseContext: BitwiseCopyable, Hashable, Sendable {
    public var method: RequestMethod
    /// What the forwarded request asked to switch to.
    public var upgrade: UpgradeKind

    @inlinable
    public init(method: RequestMethod, upgrade: UpgradeKind = .none) {
        self.method = method
        self.upgrade = upgrade
    }
}
