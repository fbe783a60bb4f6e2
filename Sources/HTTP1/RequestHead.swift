public import Bytes

/// Methods are case-sensitive (RFC 9110 section 9.1). CONNECT and TRACE never come this far.
@frozen
public enum RequestMethod: UInt8, Hashable, Sendable {
    case get
    case head
    case post
    case put
    case delete
    case patch
    case options
    case other

    /// Whether the request may be sent again, as far as its method says (RFC 9110 section 9.2.2).
    @inlinable
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options: true
        case .post, .patch, .other: false
        }
    }
}

/// RFC 9112 section 3.2. The authority form is CONNECT's alone, and refused.
@frozen
public enum TargetForm: UInt8, Hashable, Sendable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`
    case absolute
    /// `*`, of OPTIONS only, or OPTIONS for an absolute target without path and query (RFC 9112 section 3.2.4).
    case asterisk
}

/// Where the body of a request ends.
@frozen
public enum RequestFraming: BitwiseCopyable, Hashable, Sendable {
    case none
    /// Not 0.
    case length(UInt64)
    case chunked
}

@frozen
public enum UpgradeKind: UInt8, Hashable, Sendable {
    case none
    case webSocket
    /// What the first `Upgrade` field names; never HTTP/2.
    case other
}

/// Whom a request is for.
@frozen
public struct Authority: BitwiseCopyable, Hashable, Sendable {
    @frozen
    public enum Kind: UInt8, Hashable, Sendable {
        /// None was named: HTTP/1.0, or an empty `Host`.
        case none
        case name
        case ipv4
        /// ``Authority/name`` has no brackets.
        case ipv6
    }

    public var kind: Kind
    /// Routes go by this: without port and trailing dot. It may have capital letters, see ``hasUppercase``.
    public var name: ByteRange
    /// As it was sent, with port.
    public var text: ByteRange
    /// 0 when it was not given.
    public var port: UInt16
    public var hasUppercase: Bool

    init(kind: Kind, name: ByteRange, text: ByteRange, port: UInt16, hasUppercase: Bool) {
        self.kind = kind
        self.name = name
        self.text = text
        self.port = port
        self.hasUppercase = hasUppercase
    }
}

/// A request but for its body. Ranges are of the bytes that were parsed; the field lines are in the ``FieldTable``.
@frozen
public struct RequestHead: BitwiseCopyable, Hashable, Sendable {
    public var method: RequestMethod
    public var methodName: ByteRange
    public var form: TargetForm
    /// The whole target.
    public var target: ByteRange
    /// As it was sent, not yet normal: see ``PathNormalizer``. Empty for an absolute target without one.
    public var path: ByteRange
    /// With its `?`; empty without one.
    public var query: ByteRange
    /// Of the target if that is absolute, else of `Host`.
    public var authority: Authority
    /// 0 or 1.
    public var minorVersion: UInt8
    /// Bytes of the head with its empty line, and with empty lines before it.
    public var length: Int
    public var framing: RequestFraming
    /// Whether the client wants to use the connection again.
    public var keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body. Never without a body.
    public var expectsContinue: Bool
    /// Whether the client takes trailers (`TE: trailers`).
    public var acceptsTrailers: Bool
    public var upgrade: UpgradeKind
    /// The field line with the `Upgrade`, where ``upgrade`` is not none.
    public var upgradeField: UInt16
    public var presence: FieldSet
}

/// What a look at some bytes gave.
@frozen
public enum RequestParse: BitwiseCopyable, Hashable, Sendable {
    case complete(RequestHead)
    /// So far so good; more bytes are needed.
    case incomplete
    /// Answer with the status, then close.
    case refused(Refusal)
}
