public import Bytes
internal import HTTP1

extension HTTP2Session {
    /// Takes at most one frame, or a part of one, from the front of `bytes`. Says what came of it; or, with nothing consumed, what else
    /// came of an earlier one. There is nothing more when nothing is consumed and nothing came.
    /// - Parameters:
    ///   - now: milliseconds, never less than before.
    ///   - heads: where buffers for heads come from, and go back to. Always the same one.
    public mutating func receive(_ bytes: Span<UInt8>, now: UInt64, heads: inout BufferPool) -> HTTP2Receipt {
        if !self.state.assembler.isActive { self.state.assembler.release(into: &heads) }
        if let record = self.state.streams.takeClosed() {
            return HTTP2Receipt(consumed: 0, event: .closed(record.id, code: record.code), token: record.token)
        }
        if self.state.flood != nil || self.state.sentFailure != nil || self.handle.isDead { self.settle() }
        if self.owesFailure, let failure = self.failure {
            self.owesFailure = false
            return HTTP2Receipt(consumed: 0, event: .failed(failure))
        }
        guard self.failure == nil, bytes.count > 0 else { return HTTP2Receipt(consumed: bytes.count) }

        self.state.now = now
        self.state.reset()
        let piece = self.tracker.next(bytes)
        if piece.starts {
            guard self.examine(self.tracker.header) else {
                self.owesFailure = false
                return HTTP2Receipt(consumed: piece.count, event: .failed(self.failure ?? .internalError))
            }
        }
        let replies = piece.ends && self.tracker.header.isAcknowledged ? 1 : 0
        switch self.handle.receive(bytes, count: piece.count, replies: replies, &self.state, heads: &heads) {
        case .fine: break
        case .replied:
            // A reset, or GOAWAY: what it is has to be known now.
            self.handle.spill(&self.state)
        case .fatal(let failure): self.fail(failure, code: nil)
        }
        if case .data = self.state.event { self.incoming.hasData = true }
        if piece.ends { self.examineEnd(self.tracker.header) }
        self.wake()
        if self.state.flood != nil || self.state.sentFailure != nil { self.settle() }
        if self.owesFailure, self.state.event == .none, let failure = self.failure {
            self.owesFailure = false
            return HTTP2Receipt(consumed: piece.count, event: .failed(failure))
        }
        return HTTP2Receipt(consumed: piece.count, event: self.state.event, token: self.state.token)
    }

    /// The text of the last ``HTTP2Event/head(_:ends:)`` or ``HTTP2Event/trailers(_:)``, until the next call of `receive`.
    public var head: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.state.assembler.text.readable }
    }

    /// The same as a buffer of the pool, which is the caller's then: a stream's input, for example.
    public mutating func takeHead() -> ByteBuffer { self.state.assembler.text.move() }

    /// Body bytes of that stream have been passed on: the peer may send as many more. What is missing when a stream ends is
    /// made up for the connection; for streams that are gone it does nothing.
    public mutating func consumed(_ stream: HTTP2StreamID, _ count: Int) {
        guard let slot = self.handle.slot(of: stream) else { return }
        let record = self.state.streams[slot]
        let count = min(count, Int(record.outstanding))
        guard count > 0 else { return }
        self.state.streams[slot].outstanding &-= Int32(truncatingIfNeeded: count)
        let isOver = !record.flags.isDisjoint(with: [.remoteEnded, .dropped])
        self.handle.consume(stream, count, onlyConnection: isOver)
    }

    // MARK: - Failures

    /// - Parameter code: to tell the peer; nil where nothing can be told any more.
    mutating func fail(_ failure: HTTP2Failure, code: UInt32?) {
        guard self.failure == nil else { return }
        self.failure = failure
        self.owesFailure = true
        if let code { self.handle.terminate(code: code) }
    }

    /// What went wrong while something was sent.
    private mutating func settle() {
        if let flood = self.state.flood {
            self.state.flood = nil
            self.fail(.flood(flood), code: HTTP2ErrorCode.enhanceYourCalm)
        }
        if let code = self.state.sentFailure {
            self.state.sentFailure = nil
            self.fail(.connectionError(code: code), code: nil)
        }
        if self.handle.isDead { self.fail(.internalError, code: nil) }
    }

    // MARK: - Frames

    /// Looks at a frame before nghttp2 does.
    /// - Returns: false if it was one too many.
    private mutating func examine(_ header: FrameTracker.Header) -> Bool {
        let limits = self.state.limits
        switch header.type {
        case FrameType.data:
            self.incoming.hasData = false
            let isEnd = header.flags & FrameFlags.endStream != 0
            if header.length == 0, !isEnd { self.state.count(.emptyFrames, limits.emptyFrames) }
            return self.examineStream(header)
        case FrameType.headers:
            self.incoming = Incoming(blockSize: header.length)
            return self.examineStream(header)
        case FrameType.continuation:
            self.incoming.blockSize &+= header.length
            self.incoming.continuations &+= 1
            if self.incoming.continuations > limits.continuations || self.incoming.blockSize > limits.headBlockSize {
                self.state.flood = .continuations
            }
        case FrameType.priority:
            self.state.count(.priorities, limits.priorities)
            // nghttp2 does not look at them any more.
            if header.stream == 0 { return self.refuse(HTTP2ErrorCode.protocolError) }
        case FrameType.resetStream: self.state.count(.resets, limits.resets)
        case FrameType.settings:
            guard header.isAcknowledged else { break }
            self.state.count(.settings, limits.settings)
            self.countReplies()
        case FrameType.ping:
            guard header.isAcknowledged else { break }
            self.state.count(.pings, limits.pings)
            self.countReplies()
        // A client says with its first bytes that it takes none, and asks for something behind them (RFC 9113 section 8.4).
        case FrameType.pushPromise: return self.refuse(HTTP2ErrorCode.protocolError)
        case FrameType.windowUpdate: self.state.count(.windowUpdates, limits.windowUpdates)
        default: self.state.count(.unknownFrames, limits.unknownFrames)
        }
        if self.state.flood != nil { self.settle() }
        return self.failure == nil
    }

    private mutating func countReplies() {
        if self.handle.repliesPending > self.state.limits.unreadReplies { self.state.flood = .unreadReplies }
    }

    private mutating func refuse(_ code: UInt32) -> Bool {
        self.fail(.connectionError(code: code), code: code)
        return false
    }

    /// What comes on a stream that is over (RFC 9113 section 5.1, "closed"). nghttp2 has forgotten it, and would pass over it.
    private mutating func examineStream(_ header: FrameTracker.Header) -> Bool {
        if self.state.flood != nil { self.settle() }
        guard self.failure == nil else { return false }
        switch self.state.finished.ending(of: header.stream) {
        case nil: break
        case .ended: return self.refuse(HTTP2ErrorCode.streamClosed)
        case .reset: self.handle.reset(header.stream, code: HTTP2ErrorCode.streamClosed)
        }
        return true
    }

    /// Looks at a frame after nghttp2 has.
    private mutating func examineEnd(_ header: FrameTracker.Header) {
        // Padding alone is as empty as nothing.
        guard header.type == FrameType.data, header.length > 0, header.flags & FrameFlags.padded != 0,
            !self.incoming.hasData, header.flags & FrameFlags.endStream == 0
        else { return }
        self.state.count(.emptyFrames, self.state.limits.emptyFrames)
    }

    /// Streams whose windows grew.
    private mutating func wake() {
        switch self.state.grown {
        case .none: return
        case .stream(let stream):
            guard self.state.streams.hasBlocked, let slot = self.handle.slot(of: stream),
                self.state.streams[slot].flags.contains(.blocked)
            else { return }
            if self.handle.window(of: stream) > 0 { self.state.streams.setWritable(slot) }
        case .all:
            var next = 0
            while let slot = self.state.streams.blocked(from: next) {
                next = slot + 1
                if self.handle.window(of: self.state.streams[slot].id) > 0 { self.state.streams.setWritable(slot) }
            }
        }
    }
}

/// What came so far of a head, or of a DATA frame.
struct Incoming: BitwiseCopyable {
    /// Bytes of the head, as they come.
    var blockSize = 0
    var continuations = 0
    /// The DATA frame had content.
    var hasData = false
}
