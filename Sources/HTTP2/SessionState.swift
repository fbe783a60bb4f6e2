internal import Bytes
internal import HTTP1

/// All of a session that nghttp2 does not keep, and what is made of what it tells.
struct SessionState: ~Copyable {
    let role: HTTP2Role
    let limits: HTTP2Limits
    var streams = StreamTable()
    var assembler = HeadAssembler()
    var meters = FloodMeters()
    var finished = FinishedStreams()
    var random: SplitMix
    /// Milliseconds, of the last call that brought bytes.
    var now: UInt64 = 0

    /// What came of the bytes that nghttp2 is being given.
    var event = HTTP2Event.none
    var token: UInt64 = 0
    /// Whether nghttp2 accepted the frame.
    var isFrameAccepted = false
    /// Whose window grew.
    var grown = GrownWindow.none
    /// Something was too much while nothing could be told.
    var flood: HTTP2Flood?
    /// With what code GOAWAY went out by itself.
    var sentFailure: UInt32?
    /// The peer has acknowledged our SETTINGS, which are said once.
    var isAcknowledged = false

    enum GrownWindow: BitwiseCopyable {
        case none
        case stream(HTTP2StreamID)
        /// The connection's, or that of every stream.
        case all
    }

    init(_ role: HTTP2Role, _ limits: HTTP2Limits, seed: UInt64) {
        self.role = role
        self.limits = limits
        self.random = SplitMix(seed: seed)
    }

    /// Before nghttp2 is given bytes.
    mutating func reset() {
        self.event = .none
        self.token = 0
        self.isFrameAccepted = false
        self.grown = .none
    }

    mutating func count(_ kind: HTTP2Flood, _ rate: HTTP2Rate) {
        if self.meters.count(kind, rate, now: self.now) { self.flood = kind }
    }

    // MARK: - Heads

    /// A block of fields begins.
    mutating func beginHead(slot: Int, isRequest: Bool, heads: inout BufferPool) {
        let record = self.streams[slot]
        let kind: HeadAssembler.Kind =
            isRequest ? .request : self.role == .client && !record.flags.contains(.answered) ? .response : .trailers
        self.assembler.begin(kind, slot: slot, record, heads: &heads)
    }

    /// All of it has come, and nghttp2 finds nothing wrong with it.
    /// - Returns: whether this finds something wrong.
    mutating func endHead(ends: Bool) -> Bool {
        guard self.assembler.isActive else { return false }
        let slot = self.assembler.slot
        let record = self.streams[slot]
        switch self.assembler.finish(ends: ends, random: &self.random) {
        case .malformed: return true
        case .refused(let fault):
            self.assembler.text.clear()
            self.event = .refused(record.id, fault, ends: ends)
        case .complete:
            switch self.assembler.kind {
            case .trailers: self.event = .trailers(record.id)
            case .request:
                if self.assembler.isExtendedConnect { self.streams[slot].flags.insert(.webSocket) }
                self.event = .head(record.id, ends: ends)
            case .response:
                if !self.assembler.isInterim { self.streams[slot].flags.insert(.answered) }
                self.event = .head(record.id, ends: ends)
            }
        }
        self.token = record.token
        self.meters.countFrame()
        self.streams[slot].flags.insert(.announced)
        if ends { self.streams[slot].flags.insert(.remoteEnded) }
        return false
    }

    // MARK: - Bodies

    mutating func data(slot: Int, start: Int, count: Int) {
        let record = self.streams[slot]
        self.streams[slot].outstanding &+= Int32(truncatingIfNeeded: count)
        self.meters.countFrame()
        self.event = .data(record.id, start: start, count: count, ends: false)
        self.token = record.token
    }

    /// A DATA frame is complete, and it was the last.
    mutating func endData(slot: Int) {
        let record = self.streams[slot]
        self.streams[slot].flags.insert(.remoteEnded)
        self.token = record.token
        if case .data(let stream, let start, let count, _) = self.event, stream == record.id {
            self.event = .data(stream, start: start, count: count, ends: true)
        } else {
            self.event = .data(record.id, start: 0, count: 0, ends: true)
        }
    }

    // MARK: - Ends

    /// nghttp2 forgets a stream.
    /// - Returns: how much of its bodies was never consumed.
    mutating func close(slot: Int, code: UInt32) -> Int {
        let record = self.streams[slot]
        let isOrderly =
            code == HTTP2ErrorCode.noError && !record.flags.contains(.resetByPeer)
            && record.flags.isSuperset(of: [.localEnded, .remoteEnded])
        if isOrderly { self.meters.countStream() }
        if record.flags.contains(.resetByPeer) {
            self.finished.insert(record.id, .reset)
        } else if record.flags.contains(.remoteEnded) {
            self.finished.insert(record.id, .ended)
        }
        let tells = !isOrderly && record.flags.contains(.announced) && !record.flags.contains(.dropped)
        // What is malformed is not handed out, not even the last piece of it.
        if tells, case .data(record.id, _, _, _) = self.event { self.event = .none }
        if self.assembler.isActive, self.assembler.slot == slot { self.assembler.abandon() }
        self.streams.close(slot, code: code, tells: tells)
        return Int(record.outstanding)
    }

    /// A RST_STREAM that goes out.
    mutating func resetSent(slot: Int?, code: UInt32) {
        if let slot, self.streams[slot].flags.contains(.dropped) { return }
        // Refused streams are those that a peer opens before it knows how many it may.
        if code == HTTP2ErrorCode.refusedStream {
            self.count(.resets, self.limits.resets)
        } else {
            self.count(.streamErrors, self.limits.streamErrors)
        }
    }
}
