package import Bytes

/// Where the body of a response ends (RFC 9112 section 6.3).
@frozen
package enum ResponseFraming: BitwiseCopyable, Hashable, Sendable {
    /// There is none: HEAD, 1xx, 204, 304, or a length of 0.
    case none
    /// Not 0.
    case length(UInt64)
    case chunked
    /// When the backend closes the connection.
    case untilClose
}

/// A response but for its body. Ranges are of the bytes that were parsed; the field lines are in the ``FieldTable``.
@frozen
package struct ResponseHead: BitwiseCopyable, Hashable, Sendable {
    /// 100 to 999.
    package var status: UInt16
    /// May be empty.
    package var reason: ByteRange
    /// 0 or 1.
    package var minorVersion: UInt8
    /// Where the first field line begins.
    package var fieldsStart: Int
    /// Bytes of the head with its empty line.
    package var length: Int
    package var framing: ResponseFraming
    /// Whether the backend lets the connection be used again, after the body. Never with ``ResponseFraming/untilClose``.
    package var keepsAlive: Bool
    /// `101 Switching Protocols` to a request that asked for it: bytes of another protocol follow.
    package var isUpgrade: Bool
    package var presence: FieldSet

    /// Another response follows this one.
    @inlinable package var isInterim: Bool { self.status < 200 && self.status != 101 }
}

@frozen
package enum ResponseParse: BitwiseCopyable, Hashable, Sendable {
    case complete(ResponseHead)
    /// So far so good; more bytes are needed.
    case incomplete
    /// Answer 502, and do not use the connection again.
    case malformed(MessageFault)
}

/// The request that a response answers, as far as the response's framing depends on it.
@frozen
package struct ResponseContext: BitwiseCopyable, Hashable, Sendable {
    package var method: RequestMethod
    /// What the forwarded request asked to switch to.
    package var upgrade: UpgradeKind

    @inlinable
    package init(method: RequestMethod, upgrade: UpgradeKind = .none) {
        self.method = method
        self.upgrade = upgrade
    }
}
