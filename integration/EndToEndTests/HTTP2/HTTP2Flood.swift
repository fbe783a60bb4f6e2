import Lab
import Testing

/// What is sent again and again on a connection, until that ends.
struct HTTP2Flood: Sendable, CustomTestStringConvertible {
    let row: String
    let name: String
    /// What GOAWAY may say; any error at all if it is empty.
    var codes: [HTTP2ErrorCode] = []
    /// Whether it is no more than work, which may be done: then the connection need not end.
    var mayGoOn = false
    /// How many times at most.
    var limit = 100_000
    /// What is said first.
    var first: [HTTP2Frame] = []
    /// What is repeated, for a stream of its own.
    let repeated: @Sendable (UInt32) -> [HTTP2Frame]

    var testDescription: String { "\(self.row) \(self.name)" }

    private static let head = HPACKEncoder.encode(HTTP2Case.pseudo(path: "/flooded"))
    private static let slow = HPACKEncoder.encode(HTTP2Case.pseudo(method: "POST", path: HTTP2Case.slowPath))
    private static let calm = [HTTP2ErrorCode.enhanceYourCalm]
    /// Some kinds of nonsense are errors of the connection at once, and so are more streams than there may be: resets
    /// that nobody reads have not ended theirs.
    private static let calmOrError: [HTTP2ErrorCode] = [
        .enhanceYourCalm, .protocolError, .streamClosed, .frameSizeError,
    ]

    static let all: [HTTP2Flood] = [
        HTTP2Flood(row: "Z1", name: "rapid reset", codes: calm) { stream in
            [.headers(slow, on: stream), .resetStream(stream, .cancel)]
        },
        HTTP2Flood(row: "Z1", name: "rapid reset inside a body", codes: calm) { stream in
            [.headers(slow, on: stream, ends: false), .data([1], on: stream), .resetStream(stream, .noError)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by WINDOW_UPDATE 0", codes: calmOrError) { stream in
            [.headers(slow, on: stream), .windowUpdate(0, on: stream)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by too large a window", codes: calmOrError + [.flowControlError]) {
            stream in
            [.headers(slow, on: stream), .windowUpdate((1 << 31) - 1, on: stream)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by PRIORITY of 4 bytes", codes: calmOrError) { stream in
            [.headers(slow, on: stream), HTTP2Frame(.priority, stream: stream, [0, 0, 0, 0])]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by DATA after the end", codes: calmOrError) { stream in
            [.headers(slow, on: stream), .data([1], on: stream)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by HEADERS after the end", codes: calmOrError) { stream in
            [.headers(slow, on: stream), .headers(slow, on: stream)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by a malformed head", codes: calmOrError) { stream in
            [.headers(head + HPACKEncoder.encode([HTTPField("Capital", "x")]), on: stream)]
        },
        HTTP2Flood(row: "Z2", name: "made to reset by content-length", codes: calmOrError) { stream in
            let fields = [HTTPField("content-length", "1")]
            return [
                .headers(head + HPACKEncoder.encode(fields), on: stream, ends: false),
                .data([1, 2], on: stream, ends: true),
            ]
        },
        HTTP2Flood(
            row: "Z3", name: "CONTINUATION without content", codes: [.enhanceYourCalm, .protocolError, .internalError],
            limit: 1000, first: [.headers(head, on: 1, endsHeaders: false)]
        ) { _ in [.continuation([], on: 1, endsHeaders: false)] },
        HTTP2Flood(
            row: "Z3", name: "CONTINUATION with ever more fields",
            codes: [.enhanceYourCalm, .protocolError, .internalError], limit: 1000,
            first: [.headers(head, on: 1, endsHeaders: false)]
        ) { _ in
            let field = HTTPField("x-more", String(repeating: "x", count: 4000))
            return [.continuation(HPACKEncoder.encode([field]), on: 1, endsHeaders: false)]
        },
        HTTP2Flood(row: "Z4", name: "heads of thousands of references to 4 KB", mayGoOn: true, limit: 200) { stream in
            let large =
                stream == 1 ? HPACKEncoder.encode([HPACKField.indexing("x", String(repeating: "y", count: 4000))]) : []
            let bomb = HPACKEncoder.encode([HPACKField](repeating: .indexed(62), count: 12_000))
            return [.headers(head + large + bomb, on: stream)]
        },
        HTTP2Flood(row: "Z5", name: "SETTINGS", codes: calm) { _ in [.settings([])] },
        HTTP2Flood(row: "Z5", name: "SETTINGS with a hundred values", codes: calm) { _ in
            [.settings((0..<100).map { HTTP2Setting(.initialWindowSize, 65535 - $0) })]
        },
        HTTP2Flood(row: "Z6", name: "PING", codes: calm) { _ in [.ping(1)] },
        HTTP2Flood(row: "Z7", name: "DATA without content", codes: calm, first: [.headers(slow, on: 1, ends: false)]) {
            _ in
            [.data([], on: 1)]
        },
        HTTP2Flood(row: "Z7", name: "DATA of padding alone", codes: calm, first: [.headers(slow, on: 1, ends: false)]) {
            _ in
            [.data([], on: 1, padding: 0)]
        },
        HTTP2Flood(row: "Z8", name: "PRIORITY", codes: calm) { stream in [.priority(on: stream)] },
        HTTP2Flood(row: "Z9", name: "WINDOW_UPDATE by 1", codes: calm) { _ in [.windowUpdate(1)] },
        HTTP2Flood(row: "Z10", name: "RST_STREAM of a stream that is gone", codes: calm, first: [.headers(slow, on: 1)])
        { _ in
            [.resetStream(1, .cancel)]
        },
        HTTP2Flood(row: "Z11", name: "fields without names", codes: calmOrError) { stream in
            [.headers(head + HPACKEncoder.encode([HTTPField](repeating: HTTPField("", ""), count: 50)), on: stream)]
        },
        HTTP2Flood(row: "Z12", name: "frames of unknown types", codes: calm, mayGoOn: true) { stream in
            [HTTP2Frame(.init(rawValue: UInt8(0x20 + stream % 64)), stream: stream, [1])]
        },
    ]
}
