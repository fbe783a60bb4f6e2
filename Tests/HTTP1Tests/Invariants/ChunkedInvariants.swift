import Bytes
import HTTP1

/// Whatever comes where chunks should: in pieces it is what it is at once, and sent on in other chunks it is the same
/// body.
enum ChunkedInvariants {
    /// What a body was, and how it ended.
    struct Body: Equatable {
        var data: [UInt8] = []
        var trailers: [Field] = []
        /// Nil where more was needed.
        var isComplete = false
        var fault: MessageFault?
        /// Bytes that were used.
        var consumed = 0
    }

    static func check(_ bytes: [UInt8], limits: MessageLimits = MessageLimits()) throws(Violation) {
        let body = try Self.decode(bytes, pieces: [bytes.count], limits: limits)
        for one in [true, false] {
            let again = try Self.decode(bytes, pieces: Cuts.pieces(of: bytes, one: one), limits: limits)
            try require(again.data == body.data, "other data in pieces")
            try require(again.trailers == body.trailers, "other trailers in pieces: \(again.trailers)")
            try require(again.isComplete == body.isComplete, "complete or not, by pieces")
            try require(
                again.fault == body.fault,
                "\(String(describing: again.fault)), at once \(String(describing: body.fault))")
            if body.isComplete { try require(again.consumed == body.consumed, "another end in pieces") }
        }
        guard body.isComplete else { return }

        let encoded = try Self.encode(bytes, body, limits: limits)
        var generous = limits
        // A space is put behind each colon.
        generous.trailers *= 2
        let decoded = try Self.decode(encoded, pieces: [encoded.count], limits: generous)
        try require(decoded.isComplete && decoded.consumed == encoded.count, "encoded anew it does not end")
        try require(decoded.data == body.data, "encoded anew it is another body")
        let kept = body.trailers.filter { !$0.isDropped }
        try require(decoded.trailers == kept, "encoded anew it has trailers \(decoded.trailers), not \(kept)")
    }

    /// Decodes as a connection does: what was not consumed stays, and pieces are put behind it.
    static func decode(_ bytes: [UInt8], pieces: [Int], limits: MessageLimits) throws(Violation) -> Body {
        var decoder = ChunkedDecoder(limits: limits)
        var body = Body()
        var end = 0
        for piece in pieces {
            end += piece
            feeding: while true {
                let window = Array(bytes[body.consumed..<end])
                let step = decoder.next(window.span)
                try require(step.consumed >= 0 && step.consumed <= window.count, "consumed \(step.consumed)")
                switch step.event {
                case .data(let range):
                    try require(!range.isEmpty && range.upperBound <= step.consumed, "data outside what was consumed")
                    body.data += window[range]
                case .trailer(let line):
                    body.trailers.append(Field(window, line))
                case .needsMore:
                    body.consumed += step.consumed
                    break feeding
                case .end:
                    body.consumed += step.consumed
                    body.isComplete = true
                    return body
                case .malformed(let fault):
                    body.fault = fault
                    try require(decoder.next(window.span).event == .malformed(fault), "it has recovered")
                    return body
                }
                body.consumed += step.consumed
            }
        }
        return body
    }

    private static func encode(_ bytes: [UInt8], _ body: Body, limits: MessageLimits) throws(Violation) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 64 + 24 * body.data.count + 2 * bytes.count)
        var cuts = Cuts(bytes, salt: 1)
        var position = 0
        while position < body.data.count {
            let count = min(body.data.count - position, 1 + cuts.next(40))
            let range = ByteRange(start: position, count: count)
            if cuts.next(2) == 0 {
                try require(ChunkedEncoder.writeChunk(body.data.span, range, into: &buffer) == count, "no room")
            } else {
                try require(ChunkedEncoder.writeSize(count, into: &buffer), "no room")
                buffer.append(body.data.span, range)
                try require(ChunkedEncoder.writeDataEnd(into: &buffer), "no room")
            }
            position += count
        }
        try require(ChunkedEncoder.writeLastChunk(into: &buffer), "no room")
        // The trailers' lines again, from the input.
        var decoder = ChunkedDecoder(limits: limits)
        var window = bytes
        reading: while true {
            let step = decoder.next(window.span)
            switch step.event {
            case .trailer(let line):
                try require(ChunkedEncoder.writeTrailer(window.span, line, into: &buffer), "no room")
            case .data: break
            case .end: break reading
            case .needsMore, .malformed: throw Violation("it was complete before")
            }
            window.removeFirst(step.consumed)
        }
        try require(ChunkedEncoder.writeEnd(into: &buffer), "no room")
        return buffer.contents
    }
}
