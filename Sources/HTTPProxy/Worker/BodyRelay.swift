internal import Bytes
internal import HTTP1

/// How the end of a body is told to who receives it (RFC 9112 section 6).
enum BodyFraming: UInt8, BitwiseCopyable {
    /// By a length that its head gave, or there is none.
    case length
    case chunked
    /// By closing the connection: for HTTP/1.0 clients.
    case close
}

/// A body on its way from one connection to another: what of it is still to come, and what of the bytes that are here
/// can go on.
///
/// A little is copied behind the head that it follows, so that both go out in one packet. More goes out from where it was read
/// to: the first ``direct`` bytes of the source.
struct BodyRelay: BitwiseCopyable {
    var progress = BodyProgress.ended
    var framing = BodyFraming.length
    /// So many bytes at the front of the source are to be sent as they are, after what is staged.
    private(set) var direct = 0
    /// A chunk's data is `direct`; the line end after it is still to be staged.
    private var owesLineEnd = false
    /// Bytes of the body so far, without framing.
    private(set) var transferred: UInt64 = 0
    /// At most so many; 0 is any number.
    var limit: UInt64 = 0

    /// Copying more than this costs more than it saves: a second piece in one system call is some 100 ns.
    static let copyLimit = 4096

    enum Staging: BitwiseCopyable {
        /// As much as there was and fitted.
        case staged
        case malformed(ChunkedDecoder.Problem)
        /// Longer than ``limit``.
        case tooLong
    }

    /// Nothing more will come of it, and all that came has been staged and sent.
    var isDone: Bool { self.progress.hasEnded && self.direct == 0 && !self.owesLineEnd }

    /// The first `count` of the direct bytes have been sent; the caller consumes them.
    mutating func sent(_ count: Int) { self.direct -= count }

    /// Moves what `source` has of the body into `staged`, or counts it as direct.
    ///
    /// `staged` holds what goes out before; with it direct bytes keep their order, so nothing is staged after them
    /// until they are sent.
    mutating func stage(from source: inout ByteBuffer, into staged: inout ByteBuffer) -> Staging {
        guard self.direct == 0 else { return .staged }
        switch self.progress {
        case .ended: return .staged
        case .length(let remaining):
            let count = Int(min(UInt64(source.count), remaining))
            self.progress = remaining == UInt64(count) ? .ended : .length(remaining: remaining - UInt64(count))
            self.pass(count, from: &source, into: &staged)
            return .staged
        case .chunked(var decoder):
            let staging = self.stageChunks(&decoder, from: &source, into: &staged)
            return staging
        case .untilClose:
            guard self.framing == .chunked, !source.isEmpty else {
                self.pass(source.count, from: &source, into: &staged)
                return .staged
            }
            guard staged.space >= Self.chunkOverhead else { return .staged }
            self.passChunk(source.count, from: &source, into: &staged)
            return .staged
        }
    }

    /// What came until the connection closed was all of it.
    mutating func sourceClosed(into staged: inout ByteBuffer) {
        guard case .untilClose = self.progress, staged.space >= Self.chunkOverhead else { return }
        self.progress = .ended
        if self.framing == .chunked { staged.append("0\r\n\r\n") }
    }

    // MARK: - Pieces

    /// Room for a chunk's head and the line end after its data.
    private static let chunkOverhead = 24

    private mutating func pass(_ count: Int, from source: inout ByteBuffer, into staged: inout ByteBuffer) {
        guard count > 0 else { return }
        self.transferred += UInt64(count)
        if count <= Self.copyLimit, count <= staged.space {
            staged.append(source.readable.extracting(first: count))
            source.consume(count)
        } else {
            self.direct = count
        }
    }

    private mutating func passChunk(_ count: Int, from source: inout ByteBuffer, into staged: inout ByteBuffer) {
        staged.append(hex: UInt64(count))
        staged.append("\r\n")
        self.pass(count, from: &source, into: &staged)
        if self.direct == 0 { staged.append("\r\n") } else { self.owesLineEnd = true }
    }

    private mutating func stageChunks(
        _ decoder: inout ChunkedDecoder, from source: inout ByteBuffer, into staged: inout ByteBuffer
    ) -> Staging {
        .staged
    }
}
