internal import Bytes
internal import HTTP1

/// How much of a message's body is still to come, and how its end is found (RFC 9112 section 6).
enum BodyProgress: BitwiseCopyable {
    /// All of it has come, or there is none.
    case ended
    case length(remaining: UInt64)
    case chunked(ChunkedDecoder)
    /// Until the connection closes; responses alone.
    case untilClose

    var hasEnded: Bool { if case .ended = self { true } else { false } }
}

/// How the end of a body is told to who receives it (RFC 9112 section 6).
enum BodyFraming: UInt8, BitwiseCopyable {
    /// By a length that its head gave, or there is none.
    case length
    case chunked
    /// By closing the connection: for HTTP/1.0 clients.
    case close
    /// By a frame that says so (RFC 9113 section 8.1). Fields behind the body are staged as lines, after everything else.
    case frames
}

/// A body on its way from one connection to another: what of it is still to come, and what of the bytes that are here
/// can go on.
///
/// A little is copied behind the head that it follows, so that both go out in one packet. More goes out from where it was read
/// to: the first ``direct`` bytes of the source.
struct BodyRelay: BitwiseCopyable {
    private(set) var progress = BodyProgress.ended
    private(set) var framing = BodyFraming.length
    /// So many bytes at the front of the source are to be sent as they are, after what is staged.
    private(set) var direct = 0
    /// A chunk's data is `direct`; the line end after it is still to be staged.
    private var owesLineEnd = false
    /// The chunk that ends the data is staged; trailer fields follow.
    private var hasLastChunk = false
    /// So many of the bytes that are staged, the last of them, are lines of fields behind the body.
    private(set) var trailerBytes = 0
    /// Fields behind the body are here, and wait until what is staged has been sent.
    private(set) var waitsForRoom = false
    /// Bytes of the body so far, without framing.
    private(set) var transferred: UInt64 = 0
    /// At most so many; 0 is any number.
    private var limit: UInt64 = 0

    /// Copying more than this costs more than it saves: a second piece in one system call is some 100 ns.
    static let copyLimit = 4096

    /// No body.
    init() {}

    /// Whatever comes, until the connection closes.
    static var unframed: BodyRelay {
        var relay = BodyRelay()
        relay.progress = .untilClose
        relay.framing = .close
        return relay
    }

    /// Of an answer.
    init(_ framing: ResponseFraming, as sent: ResponseFraming, limits: MessageLimits) {
        switch framing {
        case .none: break
        case .length(let length): self.progress = .length(remaining: length)
        case .chunked: self.progress = .chunked(ChunkedDecoder(limits: limits))
        case .untilClose: self.progress = .untilClose
        }
        switch sent {
        case .none, .length: self.framing = .length
        case .chunked: self.framing = .chunked
        case .untilClose: self.framing = .close
        }
    }

    /// Of a request. `limit` is for one whose length is not known before.
    init(_ framing: RequestFraming, limit: UInt64, limits: MessageLimits) {
        switch framing {
        case .none: break
        case .length(let length): self.progress = .length(remaining: length)
        case .chunked:
            self.progress = .chunked(ChunkedDecoder(limits: limits))
            self.framing = .chunked
            self.limit = limit
        }
    }

    // MARK: - HTTP/2

    /// What comes are bare bytes, not chunks: a request from a stream.
    mutating func comesOutOfFrames() {
        if case .chunked = self.progress { self.progress = .untilClose }
    }

    /// Of a request from a stream: its length is not known, and its end has not come.
    var isBare: Bool { if case .untilClose = self.progress { self.direct == 0 } else { false } }

    /// All bare bytes have come; their end follows as chunks end, with the fields behind the body.
    mutating func expectTail(_ limits: MessageLimits) { self.progress = .chunked(ChunkedDecoder(limits: limits)) }

    /// Whether it is passed on to a stream, which tells its end by a frame, or as chunks or the end of the connection do.
    mutating func goesIntoFrames() { if self.framing != .length { self.framing = .frames } }

    /// The same of a request, which may be tried here and there.
    mutating func goes(intoFrames: Bool) {
        if self.framing != .length { self.framing = intoFrames ? .frames : .chunked }
    }

    /// Nothing more will come of it; it may be here still.
    var hasAllCome: Bool { self.progress.hasEnded && !self.owesLineEnd }

    mutating func trailersSent() { self.trailerBytes = 0 }

    enum Staging: BitwiseCopyable {
        /// As much as there was and fitted.
        case staged
        case malformed(MessageFault)
        /// Longer than ``limit``.
        case tooLong
    }

    /// Nothing more will come of it, and all that came has been staged and sent.
    var isDone: Bool { self.progress.hasEnded && self.direct == 0 && !self.owesLineEnd }

    /// The first `count` of the direct bytes have been sent; the caller consumes them.
    mutating func sent(_ count: Int) { self.direct -= count }

    /// Moves what `source` has of the body into `staged`, or counts it as direct.
    ///
    /// What is staged goes out before the direct bytes; so nothing more is staged until those are sent.
    mutating func stage(from source: inout ByteBuffer, into staged: inout ByteBuffer) -> Staging {
        guard self.direct == 0, self.payLineEnd(into: &staged) else { return .staged }
        switch self.progress {
        case .ended: return .staged
        case .length(let remaining):
            let count = Int(min(UInt64(source.count), remaining))
            self.progress = remaining == UInt64(count) ? .ended : .length(remaining: remaining - UInt64(count))
            self.pass(count, from: &source, into: &staged)
            return .staged
        case .chunked: return self.stageChunks(from: &source, into: &staged)
        case .untilClose:
            if self.framing == .chunked {
                self.passChunk(source.count, from: &source, into: &staged)
            } else {
                self.pass(source.count, from: &source, into: &staged)
            }
            return self.limit > 0 && self.transferred > self.limit ? .tooLong : .staged
        }
    }

    /// The source's connection was closed. True if what came was all of it, which is staged now.
    mutating func sourceClosed(into staged: inout ByteBuffer) -> Bool {
        // The line end of the last chunk, if it is owed still, and the chunk that ends the data.
        guard case .untilClose = self.progress, self.direct == 0, staged.space >= 7 else { return false }
        _ = self.payLineEnd(into: &staged)
        self.progress = .ended
        if self.framing == .chunked { staged.append("0\r\n\r\n") }
        return true
    }

    // MARK: - Pieces

    private mutating func pass(_ count: Int, from source: inout ByteBuffer, into staged: inout ByteBuffer) {
        guard count > 0 else { return }
        self.transferred &+= UInt64(count)
        if count <= Self.copyLimit, count <= staged.space {
            staged.append(source.readable.extracting(first: count))
            source.consume(count)
        } else {
            self.direct = count
        }
    }

    /// As one chunk. Without room for its size it waits until what is staged has been sent.
    private mutating func passChunk(_ count: Int, from source: inout ByteBuffer, into staged: inout ByteBuffer) {
        guard count > 0, ChunkedEncoder.writeSize(count, into: &staged) else { return }
        self.pass(count, from: &source, into: &staged)
        self.owesLineEnd = true
        if self.direct == 0 { _ = self.payLineEnd(into: &staged) }
    }

    private mutating func payLineEnd(into staged: inout ByteBuffer) -> Bool {
        guard self.owesLineEnd else { return true }
        guard ChunkedEncoder.writeDataEnd(into: &staged) else { return false }
        self.owesLineEnd = false
        return true
    }

    /// Many small chunks become one piece in one system call, each for itself; a large one is passed on where it is.
    private mutating func stageChunks(from source: inout ByteBuffer, into staged: inout ByteBuffer) -> Staging {
        guard case .chunked(var decoder) = self.progress else { return .staged }
        // Room for the largest thing that a step can add, before it is taken; `staged` has it once it has been sent.
        self.waitsForRoom = false
        while self.direct == 0, !self.owesLineEnd, staged.space >= Self.stepRoom || self.trailerBytes > 0 {
            let step = decoder.next(source.readable)
            switch step.event {
            case .data(let range):
                source.consume(range.lowerBound)
                self.progress = .chunked(decoder)
                if self.framing == .chunked {
                    self.passChunk(Int(range.count), from: &source, into: &staged)
                } else {
                    self.pass(Int(range.count), from: &source, into: &staged)
                }
                if self.limit > 0, self.transferred > self.limit { return .tooLong }
                continue
            case .trailer(let line):
                let isRoom = Int(line.name.count) + Int(line.value.count) + 8 <= staged.space
                if self.framing == .frames {
                    // They go out together, and begin when everything before them has been sent.
                    guard staged.isEmpty || self.trailerBytes > 0 else {
                        self.waitsForRoom = true
                        return .staged
                    }
                    guard isRoom else { return .malformed(.trailersTooLarge) }
                }
                // It comes again when what is staged has been sent.
                guard isRoom else { return .staged }
                switch self.framing {
                case .chunked: self.stageTrailer(source.readable, line, into: &staged)
                case .frames:
                    let before = staged.count
                    _ = ChunkedEncoder.writeTrailer(source.readable, line, into: &staged)
                    self.trailerBytes += staged.count - before
                case .length, .close: break
                }
            case .end:
                if self.framing == .chunked {
                    if !self.hasLastChunk { staged.append("0\r\n") }
                    staged.append("\r\n")
                }
                source.consume(step.consumed)
                self.progress = .ended
                return .staged
            case .needsMore:
                source.consume(step.consumed)
                self.progress = .chunked(decoder)
                return .staged
            case .malformed(let fault): return .malformed(fault)
            }
            source.consume(step.consumed)
            self.progress = .chunked(decoder)
        }
        return .staged
    }

    private mutating func stageTrailer(_ bytes: Span<UInt8>, _ line: FieldLine, into staged: inout ByteBuffer) {
        if !self.hasLastChunk {
            staged.append("0\r\n")
            self.hasLastChunk = true
        }
        _ = ChunkedEncoder.writeTrailer(bytes, line, into: &staged)
    }

    /// More than a chunk's size, the data that is copied and its end.
    static let stepRoom = Self.copyLimit + 64
}

extension ByteBuffer {
    /// The end of a body as chunks end (RFC 9112 section 7.1), with fields behind it. False if there is no room.
    mutating func appendTail(_ fields: borrowing ByteBuffer) -> Bool {
        guard self.space >= fields.count + 5 else { return false }
        self.append("0\r\n")
        self.append(fields.readable)
        self.append("\r\n")
        return true
    }
}
