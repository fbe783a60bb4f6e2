/// What is wrong with a message.
@frozen
public enum MessageFault: UInt8, Hashable, Sendable, CaseIterable {
    // Lines.
    case bareLineFeed
    case bareCarriageReturn
    case controlCharacter
    case emptyLines
    // The request line, the status line.
    case invalidMethod
    case unknownMethod
    case methodNotAllowed
    case invalidTarget
    case targetTooLong
    case invalidVersion
    case unsupportedVersion
    case http2Preface
    case invalidStatusLine
    // Paths.
    case pathAboveRoot
    case hiddenDotSegment
    case encodedSlash
    case encodedNUL
    case invalidPercentEncoding
    case backslash
    // Field lines.
    case noColon
    case emptyFieldName
    case invalidFieldName
    case spaceBeforeColon
    case foldedField
    case underscoreInFieldName
    case fieldTooLong
    case headTooLarge
    case tooManyFields
    case tooManyConnectionOptions
    // Host.
    case missingHost
    case repeatedHost
    case invalidHost
    // Framing.
    case invalidContentLength
    case repeatedContentLength
    case contentLengthAndTransferEncoding
    case invalidTransferEncoding
    case repeatedTransferEncoding
    case unknownTransferEncoding
    case transferEncodingInHTTP10
    case unknownExpectation
    case unexpectedUpgrade
    /// An extended CONNECT (RFC 8441) for something else than WebSocket.
    case unknownProtocol
    // Chunks.
    case invalidChunkSize
    case chunkTooLarge
    case chunkExtensionTooLong
    case missingChunkEnd
    case trailersTooLarge
    case tooManyTrailers

    /// The status with which a request is refused that has it. Of responses the client is told 502.
    public var status: UInt16 {
        switch self {
        case .targetTooLong: 414
        case .fieldTooLong, .headTooLarge, .tooManyFields: 431
        case .methodNotAllowed: 405
        case .unknownMethod, .unknownTransferEncoding, .unknownProtocol: 501
        case .unsupportedVersion, .http2Preface: 505
        case .unknownExpectation: 417
        default: 400
        }
    }

    /// A few words, for logs and the reason field.
    public var text: StaticString {
        switch self {
        case .bareLineFeed: "line feed without carriage return"
        case .bareCarriageReturn: "carriage return without line feed"
        case .controlCharacter: "control character"
        case .emptyLines: "empty lines before the request"
        case .invalidMethod: "invalid method"
        case .unknownMethod: "method too long"
        case .methodNotAllowed: "method not allowed"
        case .invalidTarget: "invalid request target"
        case .targetTooLong: "request line too long"
        case .invalidVersion: "invalid HTTP version"
        case .unsupportedVersion: "unsupported HTTP version"
        case .http2Preface: "HTTP/2 without TLS"
        case .invalidStatusLine: "invalid status line"
        case .pathAboveRoot: "path leads above the root"
        case .hiddenDotSegment: "hidden dot segment in path"
        case .encodedSlash: "encoded slash in path"
        case .encodedNUL: "encoded NUL in path"
        case .invalidPercentEncoding: "invalid percent-encoding in path"
        case .backslash: "backslash in path"
        case .noColon: "field line without colon"
        case .emptyFieldName: "empty field name"
        case .invalidFieldName: "invalid field name"
        case .spaceBeforeColon: "white space before colon"
        case .foldedField: "folded field line"
        case .underscoreInFieldName: "underscore in field name"
        case .fieldTooLong: "field line too long"
        case .headTooLarge: "head too large"
        case .tooManyFields: "too many fields"
        case .tooManyConnectionOptions: "too many connection options"
        case .missingHost: "no Host"
        case .repeatedHost: "more than one Host"
        case .invalidHost: "invalid Host"
        case .invalidContentLength: "invalid Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .contentLengthAndTransferEncoding: "Content-Length with Transfer-Encoding"
        case .invalidTransferEncoding: "invalid Transfer-Encoding"
        case .repeatedTransferEncoding: "more than one Transfer-Encoding"
        case .unknownTransferEncoding: "unknown transfer coding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .unknownExpectation: "unknown expectation"
        case .unexpectedUpgrade: "switching protocols without being asked"
        case .unknownProtocol: "unknown protocol to connect to"
        case .invalidChunkSize: "invalid chunk size"
        case .chunkTooLarge: "chunk too large"
        case .chunkExtensionTooLong: "chunk extension too long"
        case .missingChunkEnd: "chunk without end of line"
        case .trailersTooLarge: "trailer section too large"
        case .tooManyTrailers: "too many trailer fields"
        }
    }
}

/// A request that is answered with an error, whereupon its connection is closed: where the next request begins
/// is not certain any more.
@frozen
public struct Refusal: BitwiseCopyable, Hashable, Sendable {
    public var reason: MessageFault

    @inlinable
    public init(_ reason: MessageFault) { self.reason = reason }

    /// 400, 405, 414, 417, 431, 501 or 505.
    public var status: UInt16 { self.reason.status }
}
