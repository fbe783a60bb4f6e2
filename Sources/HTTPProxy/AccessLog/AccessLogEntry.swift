internal import Bytes
internal import HTTP1

/// What the access log says of a request, taken down when it begins: its head is gone when it ends. In a buffer of its own, for routes
/// that ask for a log alone.
struct AccessLogEntry: ~Copyable {
    /// Holds the texts that the ranges are of; without memory there is no entry.
    var text = ByteBuffer()
    var method = ByteRange.empty
    var target = ByteRange.empty
    var host = ByteRange.empty
    var referer = ByteRange.empty
    var userAgent = ByteRange.empty
    var id = RequestID(high: 0, low: 0)
    /// Microseconds of the monotonic clock.
    var startedAt: UInt64 = 0
    /// Of the head and the body as the client sent them.
    var headLength = 0

    var isOpen: Bool { self.text.hasMemory }

    /// - Parameter text: a buffer of the worker's pool.
    mutating func open(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ fields: borrowing FieldTable, id: RequestID, at now: UInt64,
        in text: consuming ByteBuffer
    ) {
        self.text = text
        self.id = id
        self.startedAt = now
        self.headLength = head.length
        self.method = self.keep(bytes, head.methodName)
        self.target = self.keep(bytes, head.target)
        self.host = self.keep(bytes, head.authority.text)
        self.referer = self.keep(bytes, fields.value(of: .referer) ?? .empty)
        self.userAgent = self.keep(bytes, fields.value(of: .userAgent) ?? .empty)
    }

    private mutating func keep(_ bytes: Span<UInt8>, _ range: ByteRange) -> ByteRange {
        let count = min(Int(range.count), Self.longestText, self.text.space)
        let start = self.text.count
        self.text.append(bytes, ByteRange(start: range.lowerBound, count: count))
        return ByteRange(start: start, count: count)
    }

    /// Of a text no more is logged.
    private static let longestText = 2_048
}

/// What a client spoke, as it is logged.
enum HTTPVersion: UInt8, BitwiseCopyable {
    case http10
    case http11
    case http2

    var text: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }
}

/// What is known of a request at its end.
struct AccessLogOutcome: BitwiseCopyable {
    var client: AddressText
    var version: HTTPVersion
    var isSecure: Bool
    var status: UInt16
    /// Why, if the answer was our own.
    var reason: StaticString?
    var requestBytes: UInt64
    var answerBytes: UInt64
    var microseconds: UInt64
    var tries: UInt8
    /// The endpoint that answered, or was tried last.
    var endpoint: SocketText?
}
