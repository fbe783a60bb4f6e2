/// One stream, as far as nghttp2 does not keep it.
struct StreamRecord: BitwiseCopyable {
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt16

        /// The slot is in use.
        static let used = Flags(rawValue: 1 << 0)
        /// An event told of it.
        static let announced = Flags(rawValue: 1 << 1)
        /// Nothing more is sent on it.
        static let localEnded = Flags(rawValue: 1 << 2)
        /// Nothing more comes of it.
        static let remoteEnded = Flags(rawValue: 1 << 3)
        /// The head of the answer, the last one, was sent (server) or came (client).
        static let answered = Flags(rawValue: 1 << 4)
        /// This side broke it off; nothing more is told of it.
        static let dropped = Flags(rawValue: 1 << 5)
        /// Flow control kept it from sending.
        static let blocked = Flags(rawValue: 1 << 6)
        /// It may send again, and that is still to be told.
        static let writable = Flags(rawValue: 1 << 7)
        /// nghttp2 has forgotten it, and that is still to be told.
        static let closed = Flags(rawValue: 1 << 8)
        /// HEAD: the answer has no body, whatever it says.
        static let head = Flags(rawValue: 1 << 9)
        /// An extended CONNECT for a WebSocket (RFC 8441).
        static let webSocket = Flags(rawValue: 1 << 10)
        /// The peer has reset it.
        static let resetByPeer = Flags(rawValue: 1 << 11)
    }

    var id: HTTP2StreamID = 0
    var flags: Flags = []
    /// Why it was closed.
    var code: UInt32 = 0
    /// Bytes of a body that were handed out and have not been consumed.
    var outstanding: Int32 = 0
    var token: UInt64 = 0
    var accept = WebSocketAccept()
}

/// The streams of a connection. Grows to as many as were open at once.
struct StreamTable: ~Copyable {
    private var records: [StreamRecord] = []
    private var free: [Int32] = []
    /// Streams that nghttp2 has.
    private(set) var active = 0
    private var blockedCount = 0
    private var writableCount = 0
    private var closedCount = 0
    /// Where the search for the next writable one begins, so that all have their turn.
    private var cursor = 0

    subscript(slot: Int) -> StreamRecord {
        @inline(always)
        get { self.records[slot] }
        @inline(always)
        _modify { yield &self.records[slot] }
    }

    mutating func open(_ id: HTTP2StreamID) -> Int {
        self.active &+= 1
        var record = StreamRecord()
        record.id = id
        record.flags = .used
        if let slot = self.free.popLast() {
            self.records[Int(slot)] = record
            return Int(slot)
        }
        self.records.append(record)
        return self.records.count &- 1
    }

    /// nghttp2 has forgotten it. Either that is told by ``takeClosed()``, or the slot is free.
    mutating func close(_ slot: Int, code: UInt32, tells: Bool) {
        self.active &-= 1
        self.unblock(slot)
        self.takeWritable(slot)
        guard tells else { return self.release(slot) }
        self.records[slot].code = code
        self.records[slot].flags.insert(.closed)
        self.closedCount &+= 1
    }

    private mutating func release(_ slot: Int) {
        self.records[slot].flags = []
        self.free.append(Int32(truncatingIfNeeded: slot))
    }

    /// A stream that was closed and is to be told of.
    mutating func takeClosed() -> StreamRecord? {
        guard self.closedCount > 0 else { return nil }
        guard let slot = self.records.firstIndex(where: { $0.flags.contains(.closed) }) else { return nil }
        let record = self.records[slot]
        self.closedCount &-= 1
        self.release(slot)
        return record
    }

    // MARK: - Flow control

    var hasBlocked: Bool { self.blockedCount > 0 }

    mutating func block(_ slot: Int) {
        guard !self.records[slot].flags.contains(.blocked) else { return }
        self.records[slot].flags.insert(.blocked)
        self.blockedCount &+= 1
    }

    mutating func unblock(_ slot: Int) {
        guard self.records[slot].flags.contains(.blocked) else { return }
        self.records[slot].flags.remove(.blocked)
        self.blockedCount &-= 1
    }

    /// It may send again.
    mutating func setWritable(_ slot: Int) {
        self.unblock(slot)
        guard !self.records[slot].flags.contains(.writable) else { return }
        self.records[slot].flags.insert(.writable)
        self.writableCount &+= 1
    }

    /// It was told, or needs not be any more.
    mutating func takeWritable(_ slot: Int) {
        guard self.records[slot].flags.contains(.writable) else { return }
        self.records[slot].flags.remove(.writable)
        self.writableCount &-= 1
    }

    mutating func nextWritable() -> HTTP2StreamID? {
        guard self.writableCount > 0 else { return nil }
        for step in 0..<self.records.count {
            let slot = (self.cursor &+ step) % self.records.count
            guard self.records[slot].flags.contains(.writable) else { continue }
            self.cursor = slot &+ 1
            self.takeWritable(slot)
            return self.records[slot].id
        }
        return nil
    }

    /// The first blocked stream from `slot` on.
    func blocked(from slot: Int) -> Int? {
        guard self.blockedCount > 0 else { return nil }
        return self.records[slot...].firstIndex { $0.flags.contains(.blocked) }
    }
}
