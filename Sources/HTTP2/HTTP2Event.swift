public import HTTP1

/// Of one connection: odd for those that clients open, 0 for the connection itself (RFC 9113 section 5.1.1). Never used twice.
public typealias HTTP2StreamID = Int32

/// What came of some bytes. At most one thing does of a call.
@frozen
public enum HTTP2Event: BitwiseCopyable, Hashable, Sendable {
    case none
    /// A request (server) or an answer, interim ones included (client), as the head of an HTTP/1.1 message, in
    /// ``HTTP2Session/head``. A body without `Content-Length` is announced as chunked there; where `ends`, no body follows.
    case head(HTTP2StreamID, ends: Bool)
    /// A piece of a body: `count` bytes of those that were given, from `start` on. 0 bytes where only the end came. To be
    /// followed by ``HTTP2Session/consumed(_:_:)``, sooner or later.
    case data(HTTP2StreamID, start: Int, count: Int, ends: Bool)
    /// The end of a body, and fields behind it: lines with CRLF in ``HTTP2Session/head``, as they follow the last chunk.
    case trailers(HTTP2StreamID)
    /// A request whose head cannot be handed out but can be answered, with the fault's status. Server only.
    case refused(HTTP2StreamID, MessageFault, ends: Bool)
    /// The stream is gone, unfinished: the peer has reset it, or had to be told that what it sent on it is malformed.
    /// Nothing more comes of it, nothing can be sent. `code` as in ``HTTP2ErrorCode``.
    case closed(HTTP2StreamID, code: UInt32)
    /// The peer's settings came: ``HTTP2Session/peerConcurrentStreams``, ``HTTP2Session/peerAllowsExtendedConnect``.
    case settings
    /// What ``HTTP2Session/ping(_:)`` asked for.
    case pong(UInt64)
    /// The peer takes no new streams. Those after `lastStream` are told as ``closed(_:code:)`` with
    /// ``HTTP2ErrorCode/refusedStream``: they were not looked at, and can be tried elsewhere.
    case goAway(lastStream: HTTP2StreamID, code: UInt32)
    /// The connection is of no use any more. What is pending (GOAWAY) is to be written, then it is to be closed.
    case failed(HTTP2Failure)
}

/// What ``HTTP2Session/receive(_:now:heads:)`` did.
@frozen
public struct HTTP2Receipt: BitwiseCopyable, Hashable, Sendable {
    /// So many bytes are done with.
    public var consumed: Int
    public var event: HTTP2Event
    /// Of the event's stream; 0 where none was set.
    public var token: UInt64

    @inlinable
    public init(consumed: Int, event: HTTP2Event = .none, token: UInt64 = 0) {
        self.consumed = consumed
        self.event = event
        self.token = token
    }
}

/// What ``HTTP2Session/send(_:_:then:ends:into:)`` did.
@frozen
public struct HTTP2Sent: BitwiseCopyable, Hashable, Sendable {
    /// Bytes that are in DATA frames now.
    public var count: Int
    /// The stream's end is among them: nothing more can be sent on it.
    public var ended: Bool

    @inlinable
    public init(count: Int, ended: Bool) {
        self.count = count
        self.ended = ended
    }
}

/// Why a connection is closed.
@frozen
public enum HTTP2Failure: Error, BitwiseCopyable, Hashable, Sendable {
    /// It does not begin as HTTP/2 does (RFC 9113 section 3.4).
    case badPreface
    /// The peer broke a rule; the code went out with GOAWAY.
    case connectionError(code: UInt32)
    /// More of something than ``HTTP2Limits`` lets pass.
    case flood(HTTP2Flood)
    /// nghttp2 has no memory, or is in a state that it should not be in.
    case internalError
}

/// What there can be too much of (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-28182, CVE-2025-8671).
@frozen
public enum HTTP2Flood: UInt8, Hashable, Sendable, CaseIterable {
    /// Streams that the peer opened and reset.
    case resets
    /// Streams that had to be reset for what the peer did on them.
    case streamErrors
    /// CONTINUATION frames of one head, or bytes of them.
    case continuations
    case settings
    case pings
    /// DATA without content that ends nothing.
    case emptyFrames
    case priorities
    case windowUpdates
    /// Frames of types that this side does not know or ask for.
    case unknownFrames
    /// Replies that the peer does not read.
    case unreadReplies

    /// For logs and metrics.
    public var text: StaticString {
        switch self {
        case .resets: "resets"
        case .streamErrors: "stream-errors"
        case .continuations: "continuations"
        case .settings: "settings"
        case .pings: "pings"
        case .emptyFrames: "empty-frames"
        case .priorities: "priorities"
        case .windowUpdates: "window-updates"
        case .unknownFrames: "unknown-frames"
        case .unreadReplies: "unread-replies"
        }
    }
}

/// RFC 9113 section 7.
public enum HTTP2ErrorCode {
    public static let noError: UInt32 = 0x0
    public static let protocolError: UInt32 = 0x1
    public static let internalError: UInt32 = 0x2
    public static let flowControlError: UInt32 = 0x3
    public static let settingsTimeout: UInt32 = 0x4
    public static let streamClosed: UInt32 = 0x5
    public static let frameSizeError: UInt32 = 0x6
    /// The request was not looked at: it can be sent again.
    public static let refusedStream: UInt32 = 0x7
    public static let cancel: UInt32 = 0x8
    public static let compressionError: UInt32 = 0x9
    public static let connectError: UInt32 = 0xa
    public static let enhanceYourCalm: UInt32 = 0xb
    public static let inadequateSecurity: UInt32 = 0xc
    public static let http11Required: UInt32 = 0xd
}
