public import Bytes

extension HTTP2Session {
    /// Writes what is pending, as far as there is room.
    public mutating func write(into out: inout ByteBuffer) { self.handle.write(&self.state, into: &out) }

    /// Answers. `head` is that of an HTTP/1.1 response with its empty line. What concerns an HTTP/1.1 connection is left
    /// out; 101 to an extended CONNECT becomes 200. Interim ones (1xx) may come before the last. What has no room in `out` is kept, and goes
    /// out with the next call.
    /// - Returns: false when the stream is gone, has its answer, or the head is none that can be sent.
    public mutating func respond(
        _ stream: HTTP2StreamID, head: Span<UInt8>, ends: Bool, into out: inout ByteBuffer
    ) -> Bool {
        guard self.state.role == .server, let slot = self.sendable(stream) else { return false }
        let flags = self.state.streams[slot].flags
        guard !flags.contains(.answered),
            let outline = self.handle.submitResponse(
                stream, head, isWebSocket: flags.contains(.webSocket), ends: ends)
        else { return false }
        if !outline.isInterim { self.state.streams[slot].flags.insert(.answered) }
        if ends { self.state.streams[slot].flags.insert(.localEnded) }
        self.state.meters.countFrame()
        self.handle.spill(&self.state, into: &out)
        return true
    }

    /// Asks. `head` is that of an HTTP/1.1 request with its empty line, its target in origin form or `*`. `Upgrade: websocket` becomes an
    /// extended CONNECT, whose answer then comes as a 101 with the right `Sec-WebSocket-Accept`. What has no room in `out` is kept, and goes
    /// out with the next call.
    /// - Returns: nil when no stream can be opened (``canRequest``, and ``peerAllowsExtendedConnect`` for a WebSocket), or the head is none
    ///   that can be sent.
    public mutating func request(
        head: Span<UInt8>, isSecure: Bool, ends: Bool, token: UInt64, into out: inout ByteBuffer
    ) -> HTTP2StreamID? {
        guard self.state.role == .client, self.canRequest else { return nil }
        let slot = self.state.streams.open(0)
        guard let (stream, outline) = self.handle.submitRequest(head, isSecure: isSecure, ends: ends, slot: slot) else {
            self.state.streams.close(slot, code: 0, tells: false)
            return nil
        }
        self.state.streams[slot].id = stream
        self.state.streams[slot].token = token
        self.state.streams[slot].accept = outline.accept
        if outline.isHead { self.state.streams[slot].flags.insert(.head) }
        if outline.isWebSocket { self.state.streams[slot].flags.insert(.webSocket) }
        if ends { self.state.streams[slot].flags.insert(.localEnded) }
        self.state.meters.countFrame()
        self.handle.spill(&self.state, into: &out)
        // It may have been refused on its way; then its slot is free again.
        guard self.handle.slot(of: stream) == slot else { return nil }
        self.state.streams[slot].flags.insert(.announced)
        return stream
    }

    /// Sends as much of `first` and then `second` as flow control and the space in `out` allow. Where it was flow control that
    /// did not, ``nextWritable()`` tells when there is more to be had; where it was space, it can be tried again with more.
    /// - Parameter ends: nothing follows. Where nothing is left to send, the end itself goes out.
    public mutating func send(
        _ stream: HTTP2StreamID, _ first: Span<UInt8>, then second: Span<UInt8>, ends: Bool,
        into out: inout ByteBuffer
    ) -> HTTP2Sent {
        let total = first.count &+ second.count
        guard total > 0 || ends, let slot = self.sendable(stream) else { return HTTP2Sent(count: 0, ended: false) }
        if self.handle.hasKept || self.handle.repliesPending > 0 {
            self.handle.write(&self.state, into: &out)
            guard !self.handle.hasKept, self.sendable(stream) == slot else { return HTTP2Sent(count: 0, ended: false) }
        }

        // nghttp2 sends no DATA at all without a window, not even an empty one.
        let window = self.handle.window(of: stream)
        if window == 0 || window < total { self.state.streams.block(slot) } else { self.state.streams.unblock(slot) }
        let allowed = min(total, window)
        let count = min(allowed, Self.payload(in: out.space))
        guard count > 0 || total == 0 && window > 0 && out.space >= FrameTracker.headerSize else {
            return HTTP2Sent(count: 0, ended: false)
        }
        let isAll = ends && count == total
        if isAll { self.state.streams[slot].flags.insert(.localEnded) }
        let sent = self.handle.send(stream, first, then: second, count: count, ends: isAll, &self.state, into: &out)
        if isAll, sent < count, self.handle.slot(of: stream) == slot {
            self.state.streams[slot].flags.remove(.localEnded)
        }
        return HTTP2Sent(count: sent, ended: isAll && sent == count)
    }

    /// Ends a stream with fields behind its body. `lines` have their CRLF; none at all is an end without fields. What has no room in `out` is
    /// kept, and goes out with the next call.
    /// - Returns: false when the stream is gone or was ended, or the lines are none.
    public mutating func sendTrailers(
        _ stream: HTTP2StreamID, _ lines: Span<UInt8>, into out: inout ByteBuffer
    ) -> Bool {
        guard let slot = self.sendable(stream), self.handle.submitTrailers(stream, lines) else { return false }
        self.state.streams[slot].flags.insert(.localEnded)
        self.handle.spill(&self.state, into: &out)
        return true
    }

    /// The slot of a stream that is not ended on this side.
    private func sendable(_ stream: HTTP2StreamID) -> Int? {
        guard self.failure == nil, let slot = self.handle.slot(of: stream),
            self.state.streams[slot].flags.isDisjoint(with: [.localEnded, .dropped])
        else { return nil }
        return slot
    }

    /// nghttp2's frames have no more than that.
    private static let framePayload = 16_384

    /// How many bytes fit into `space` as DATA frames.
    private static func payload(in space: Int) -> Int {
        let frame = Self.framePayload &+ FrameTracker.headerSize
        let whole = space / frame
        let rest = space &- whole &* frame
        return whole &* Self.framePayload &+ max(0, rest &- FrameTracker.headerSize)
    }
}
