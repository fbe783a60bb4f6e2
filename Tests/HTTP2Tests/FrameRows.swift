import HTTP2
import Testing

/// What a server makes of frames, after the preface and settings were exchanged and stream 1 is open (its head has come, its body has not).
struct FrameRow: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Equatable {
        /// GOAWAY with that code, and nothing more is read.
        case connectionError(UInt32)
        /// RST_STREAM with that code on that stream; the connection goes on.
        case streamError(Int32, UInt32)
        /// Nothing is told or sent.
        case nothing
        case told([Told])
    }

    let rule: String
    let frames: [UInt8]
    let outcome: Outcome

    init(_ rule: String, _ frames: [UInt8], _ outcome: Outcome) {
        self.rule = rule
        self.frames = frames
        self.outcome = outcome
    }

    var testDescription: String { self.rule }
}

extension FrameRow {
    private static let protocolError: UInt32 = 1
    private static let flowControlError: UInt32 = 3
    private static let streamClosed: UInt32 = 5
    private static let frameSizeError: UInt32 = 6
    private static let compressionError: UInt32 = 9

    static let block = Wire.block(Wire.get())
    static let get3 = Wire.headers(3, Wire.get())
    private static let told3 = Told.head(3, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", ends: true)

    static let framing: [FrameRow] = [
        .init("4.1: frames of unknown types", Wire.frame(0xbb, flags: 0xff, stream: 1, [1, 2, 3]), .nothing),
        .init(
            "4.1: unknown flags", Wire.frame(Wire.ping, flags: 0xf0, stream: 0, Array(repeating: 1, count: 8)), .nothing
        ),
        .init(
            "4.1: the reserved bit", Wire.frame(Wire.headers, flags: 5, stream: 3 | Int32.min, Self.block),
            .told([told3])),
        .init(
            "4.2: a frame of the largest size",
            Wire.frame(Wire.data, stream: 1, Array(repeating: 0x61, count: 16_384)),
            .told([.data(1, Array(repeating: 0x61, count: 16_384), ends: false)])),
        .init(
            "4.2: a larger frame", Wire.frame(Wire.data, stream: 1, Array(repeating: 0, count: 16_385)),
            .connectionError(frameSizeError)),
        .init(
            "4.2: larger HEADERS", Wire.frame(Wire.headers, flags: 5, stream: 3, Array(repeating: 0, count: 16_385)),
            .connectionError(frameSizeError)),
        .init(
            "4.3: a head in pieces",
            Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(7)))
                + Wire.frame(Wire.continuation, stream: 3, Array(block[7..<20]))
                + Wire.frame(Wire.continuation, flags: Wire.endHeaders, stream: 3, Array(block[20...])),
            .told([told3])),
        .init(
            "4.3: a frame within a head",
            Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(7)))
                + Wire.frame(Wire.ping, stream: 0, Array(repeating: 1, count: 8)),
            .connectionError(protocolError)),
        .init(
            "4.3: an unknown frame within a head",
            Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(7))) + Wire.frame(0xbb, stream: 3, [1]),
            .connectionError(protocolError)),
        .init(
            "4.3: a head that cannot be decoded",
            Wire.frame(Wire.headers, flags: 5, stream: 3, [0xff, 0xff, 0xff, 0xff, 0xff]),
            .connectionError(compressionError)),
    ]

    static let streams: [FrameRow] = [
        .init("5.1: DATA on an idle stream", Wire.data(5, "x"), .connectionError(protocolError)),
        .init("5.1: RST_STREAM on an idle stream", Wire.reset(5), .connectionError(protocolError)),
        .init("5.1: WINDOW_UPDATE on an idle stream", Wire.windowUpdate(5, 1), .connectionError(protocolError)),
        .init(
            "5.1: CONTINUATION on an idle stream", Wire.frame(Wire.continuation, flags: 4, stream: 5, Self.block),
            .connectionError(protocolError)),
        .init(
            "5.1: DATA after the end", Wire.data(1, "x", ends: true) + Wire.data(1, "y"), .connectionError(streamClosed)
        ),
        .init(
            "5.1: HEADERS after the end", Wire.data(1, "x", ends: true) + Wire.headers(1, Wire.get()),
            .connectionError(streamClosed)),
        .init("5.1: DATA after RST_STREAM", Wire.reset(1) + Wire.data(1, "x"), .streamError(1, streamClosed)),
        .init(
            "5.1: HEADERS after RST_STREAM", Wire.reset(1) + Wire.headers(1, [("a", "b")]),
            .streamError(1, streamClosed)),
        .init("5.1: WINDOW_UPDATE after RST_STREAM", Wire.reset(1) + Wire.windowUpdate(1, 1), .told([.closed(1, 8)])),
        .init("5.1: RST_STREAM twice", Wire.reset(1) + Wire.reset(1), .told([.closed(1, 8)])),
        .init(
            "5.1: PRIORITY on a closed stream", Wire.reset(1) + Wire.frame(Wire.priority, stream: 1, [0, 0, 0, 0, 1]),
            .told([.closed(1, 8)])),
        .init("5.1.1: an even number", Wire.headers(2, Wire.get()), .connectionError(protocolError)),
        .init("5.1.1: stream 0", Wire.headers(0, Wire.get()), .connectionError(protocolError)),
        .init(
            "5.1.1: a smaller number is not opened", Wire.headers(5, Wire.get()) + get3,
            .told([.head(5, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", ends: true)])),
        .init(
            "5.3.1: a stream that depends on itself",
            Wire.frame(Wire.headers, flags: 5 | Wire.withPriority, stream: 3, [0, 0, 0, 3, 1] + Self.block),
            .connectionError(protocolError)),
        .init(
            "5.3.2: priorities are passed over",
            Wire.frame(Wire.headers, flags: 5 | Wire.withPriority, stream: 3, [0, 0, 0, 1, 1] + Self.block),
            .told([told3])),
        .init(
            "5.5: PRIORITY_UPDATE is passed over", Wire.frame(0x10, stream: 0, [0, 0, 0, 1] + Array("u=1".utf8)),
            .nothing),
        .init("5.5: ALTSVC is passed over", Wire.frame(0xa, stream: 0, [0, 1, 0x61, 0x62]), .nothing),
        .init("5.5: ORIGIN is passed over", Wire.frame(0xc, stream: 0, [0, 1, 0x61]), .nothing),
    ]

    static let definitions: [FrameRow] = [
        .init("6.1: DATA on stream 0", Wire.data(0, "x"), .connectionError(protocolError)),
        .init(
            "6.1: padding", Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [2, 0x61, 0x62, 0, 0]),
            .told([.data(1, [0x61, 0x62], ends: false)])),
        .init(
            "6.1: nothing but padding", Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [2, 0, 0]), .nothing),
        .init(
            "6.1: more padding than there is", Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [6, 0, 0, 0, 0]),
            .connectionError(protocolError)),
        .init(
            "6.1: padded without a length", Wire.frame(Wire.data, flags: Wire.padded, stream: 1, []),
            .connectionError(protocolError)),
        .init(
            "6.2: more padding than there is",
            Wire.frame(Wire.headers, flags: 5 | Wire.padded, stream: 3, [200] + Self.block),
            .connectionError(protocolError)),
        .init(
            "6.2: padding",
            Wire.frame(Wire.headers, flags: 5 | Wire.padded, stream: 3, [3] + Self.block + [0, 0, 0]), .told([told3])),
        .init(
            "6.3: PRIORITY on stream 0", Wire.frame(Wire.priority, stream: 0, [0, 0, 0, 1, 1]),
            .connectionError(protocolError)),
        .init("6.3: PRIORITY", Wire.frame(Wire.priority, stream: 7, [0, 0, 0, 1, 1]), .nothing),
        .init(
            "6.3: PRIORITY of 4 bytes", Wire.frame(Wire.priority, stream: 1, [0, 0, 0, 1]),
            .connectionError(frameSizeError)),
        .init("6.4: RST_STREAM", Wire.reset(1, 2), .told([.closed(1, 2)])),
        .init("6.4: RST_STREAM on stream 0", Wire.reset(0), .connectionError(protocolError)),
        .init(
            "6.4: RST_STREAM of 3 bytes", Wire.frame(Wire.reset, stream: 1, [0, 0, 0]), .connectionError(frameSizeError)
        ),
        .init(
            "6.5: acknowledgement with a payload",
            Wire.frame(Wire.settings, flags: Wire.acknowledgement, stream: 0, [0, 1, 0, 0, 0, 0]),
            .connectionError(frameSizeError)),
        .init("6.5: acknowledgement of nothing", Wire.settingsAcknowledgement, .connectionError(protocolError)),
        .init("6.5: SETTINGS on a stream", Wire.frame(Wire.settings, stream: 1, []), .connectionError(protocolError)),
        .init(
            "6.5: SETTINGS of 5 bytes", Wire.frame(Wire.settings, stream: 0, [0, 1, 0, 0, 0]),
            .connectionError(frameSizeError)),
        .init("6.5.2: ENABLE_PUSH 2", Wire.settings([(2, 2)]), .connectionError(protocolError)),
        .init("6.5.2: INITIAL_WINDOW_SIZE 2^31", Wire.settings([(4, 1 << 31)]), .connectionError(flowControlError)),
        .init("6.5.2: MAX_FRAME_SIZE 16383", Wire.settings([(5, 16_383)]), .connectionError(protocolError)),
        .init("6.5.2: MAX_FRAME_SIZE 2^24", Wire.settings([(5, 1 << 24)]), .connectionError(protocolError)),
        .init("6.5.2: unknown settings", Wire.settings([(0xff, 1)]), .told([.settings])),
        .init("RFC 8441: ENABLE_CONNECT_PROTOCOL 2", Wire.settings([(8, 2)]), .connectionError(protocolError)),
        .init(
            "6.6: PUSH_PROMISE from a client",
            Wire.frame(Wire.pushPromise, flags: 4, stream: 1, [0, 0, 0, 2] + Self.block),
            .connectionError(protocolError)),
        .init(
            "6.7: PING on a stream", Wire.frame(Wire.ping, stream: 1, Array(repeating: 0, count: 8)),
            .connectionError(protocolError)),
        .init(
            "6.7: PING of 6 bytes", Wire.frame(Wire.ping, stream: 0, Array(repeating: 0, count: 6)),
            .connectionError(frameSizeError)),
        .init(
            "6.8: GOAWAY", Wire.frame(Wire.goAway, stream: 0, [0, 0, 0, 0, 0, 0, 0, 2] + Array("bye".utf8)),
            .told([.goAway(0, 2)])),
        .init(
            "6.8: GOAWAY on a stream", Wire.frame(Wire.goAway, stream: 1, Array(repeating: 0, count: 8)),
            .connectionError(protocolError)),
        .init(
            "6.8: GOAWAY of 7 bytes", Wire.frame(Wire.goAway, stream: 0, Array(repeating: 0, count: 7)),
            .connectionError(frameSizeError)),
        .init("6.9: WINDOW_UPDATE of 0", Wire.windowUpdate(0, 0), .connectionError(protocolError)),
        .init("6.9: WINDOW_UPDATE of 0 on a stream", Wire.windowUpdate(1, 0), .connectionError(protocolError)),
        .init(
            "6.9: WINDOW_UPDATE of 3 bytes", Wire.frame(Wire.windowUpdate, stream: 0, [0, 0, 1]),
            .connectionError(frameSizeError)),
        .init(
            "6.9.1: a connection's window above 2^31-1", Wire.windowUpdate(0, 0x7fff_ffff),
            .connectionError(flowControlError)),
        .init(
            "6.9.1: a stream's window above 2^31-1", Wire.windowUpdate(1, 0x7fff_ffff),
            .streamError(1, flowControlError)),
        .init(
            "6.10: CONTINUATION of nothing", Wire.frame(Wire.continuation, flags: 4, stream: 1, []),
            .connectionError(protocolError)),
        .init(
            "6.10: CONTINUATION of another stream",
            Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(7)))
                + Wire.frame(Wire.continuation, flags: Wire.endHeaders, stream: 5, Array(block[7...])),
            .connectionError(protocolError)),
        .init(
            "6.10: CONTINUATION of stream 0",
            Wire.frame(Wire.headers, flags: 1, stream: 3, Array(block.prefix(7)))
                + Wire.frame(Wire.continuation, flags: Wire.endHeaders, stream: 0, Array(block[7...])),
            .connectionError(protocolError)),
    ]

    static let compression: [FrameRow] = [
        .init("RFC 7541 2.3.3: index 70 of 61", Self.fields([0xc6]), .connectionError(compressionError)),
        .init("RFC 7541 4.2: a table size after a field", Self.fields([0x20]), .connectionError(compressionError)),
        .init(
            "RFC 7541 5.2: padding of more than 7 bits", Self.fields([0x00, 0x01, 0x61, 0x82, 0x1f, 0xff]),
            .connectionError(compressionError)),
        .init(
            "RFC 7541 5.2: padding that is no EOS", Self.fields([0x00, 0x01, 0x61, 0x81, 0x18]),
            .connectionError(compressionError)),
        .init(
            "RFC 7541 5.2: EOS within a string", Self.fields([0x00, 0x01, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff]),
            .connectionError(compressionError)),
        .init(
            "RFC 7541 5.1: a number that is too large", Self.fields([0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            .connectionError(compressionError)),
        .init("RFC 7541 6.1: index 0", Self.fields([0x80]), .connectionError(compressionError)),
        .init(
            "RFC 7541 6.3: a table larger than was allowed",
            Wire.frame(Wire.headers, flags: 5, stream: 3, [0x3f, 0xe2, 0x1f] + Self.block),
            .connectionError(compressionError)),
        .init(
            "RFC 7541 6.1: the static table",
            Wire.frame(Wire.headers, flags: 5, stream: 3, [0x82, 0x87, 0x84, 0x01, 12] + Array("shop.example".utf8)),
            .told([told3])),
        .init("a head that ends within a field", Self.fields([0x00, 0x05, 0x61]), .connectionError(compressionError)),
    ]

    private static func fields(_ bytes: [UInt8]) -> [UInt8] {
        Wire.frame(Wire.headers, flags: 5, stream: 3, Self.block + bytes)
    }
}
