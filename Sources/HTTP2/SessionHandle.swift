internal import Bytes
internal import CNghttp2

/// One nghttp2 session: the calls that this module makes of it.
///
/// Unsafe invariants of this file: `session` comes from nghttp2_session_server_new2(3) or its client counterpart and belongs to this
/// value alone, which frees it. `leftover` points into the session's frame buffer and is good until the session is next asked for
/// output; it is used before that, always. Whatever is lent to callbacks is so for the length of a call: see ``SessionCallbacks``.
@safe
struct SessionHandle: ~Copyable {
    private let session: OpaquePointer
    private var fields = FieldList()
    /// Output that had no room.
    private var leftover: UnsafePointer<UInt8>?
    private var leftoverCount = 0
    /// Output that had to be serialised before there was room for it. Without memory while there is none.
    private var overflow = ByteBuffer()
    /// nghttp2 has failed, and must not be called any more.
    private(set) var isDead = false

    // MARK: - Life

    init(_ role: HTTP2Role, _ limits: HTTP2Limits) {
        var option: OpaquePointer?
        var session: OpaquePointer?
        guard let callbacks = unsafe SessionCallbacks.table, unsafe nghttp2_option_new(&option) == 0,
            let option = unsafe option
        else { preconditionFailure("no memory for an HTTP/2 session") }
        defer { unsafe nghttp2_option_del(option) }
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        // These are counted here: with the worker's clock, told by what they are, and before nghttp2 gives up without a word to the peer.
        unsafe nghttp2_option_set_stream_reset_rate_limit(option, UInt64(Int64.max), 1)
        unsafe nghttp2_option_set_max_outbound_ack(option, limits.unreadReplies &+ 16)
        // Of a frame's header that comes byte by byte nghttp2 counts every byte.
        unsafe nghttp2_option_set_max_continuations(option, (limits.continuations &+ 1) &* FrameTracker.headerSize)
        let result =
            switch role {
            case .server: unsafe nghttp2_session_server_new2(&session, callbacks, nil, option)
            case .client: unsafe nghttp2_session_client_new2(&session, callbacks, nil, option)
            }
        guard result == 0, let session = unsafe session else { preconditionFailure("no memory for an HTTP/2 session") }
        unsafe self.session = session
        self.submitSettings(role, limits)
    }

    deinit { unsafe nghttp2_session_del(self.session) }

    private func submitSettings(_ role: HTTP2Role, _ limits: HTTP2Limits) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(bitPattern: id.rawValue), value: UInt32(clamping: value))
        }
        var entries = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frameSize),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headListSize),
            // Nobody uses RFC 7540's, and a tree of them is something to attack.
            entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        switch role {
        case .server:
            entries.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams))
            entries.append(entry(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
        case .client: entries.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        let result = unsafe nghttp2_submit_settings(self.session, 0, entries, entries.count)
        let window = Int32(clamping: limits.connectionWindow)
        guard result == 0, unsafe nghttp2_session_set_local_window_size(self.session, 0, 0, window) == 0 else {
            preconditionFailure("settings that HTTP/2 does not allow: \(limits)")
        }
    }

    // MARK: - In

    enum Reception: BitwiseCopyable {
        case fine
        /// Something is to be sent that nobody asked for: it has to be looked at what.
        case replied
        case fatal(HTTP2Failure)
    }

    /// Gives nghttp2 the first `count` of `bytes`, which are of one frame.
    /// - Parameter replies: frames that this one is answered with as a matter of course, if it is complete now and accepted.
    mutating func receive(
        _ bytes: Span<UInt8>, count: Int, replies: Int, _ state: inout SessionState, heads: inout BufferPool
    ) -> Reception {
        precondition(count <= bytes.count && !self.isDead)
        let queued = unsafe nghttp2_session_get_outbound_queue_size(self.session)
        let session = unsafe self.session
        let result = unsafe withUnsafeMutablePointer(to: &state) { state in
            unsafe withUnsafeMutablePointer(to: &heads) { heads in
                unsafe bytes.withUnsafeBufferPointer { bytes in
                    var loan = unsafe SessionCallbacks.Loan(state: state, heads: heads, input: bytes.baseAddress)
                    return unsafe withUnsafeMutablePointer(to: &loan) { loan in
                        unsafe nghttp2_session_set_user_data(session, loan)
                        return unsafe nghttp2_session_mem_recv(session, bytes.baseAddress, count)
                    }
                }
            }
        }
        guard result >= 0 else {
            self.isDead = true
            return .fatal(
                result == Int(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue)
                    ? .badPreface
                    : result == Int(NGHTTP2_ERR_FLOODED.rawValue) ? .flood(.unreadReplies) : .internalError)
        }
        let after = unsafe nghttp2_session_get_outbound_queue_size(self.session)
        return after > queued &+ (state.isFrameAccepted ? replies : 0) ? .replied : .fine
    }

    func consume(_ stream: HTTP2StreamID, _ count: Int, onlyConnection: Bool) {
        guard !self.isDead else { return }
        if onlyConnection {
            unsafe nghttp2_session_consume_connection(self.session, count)
        } else {
            unsafe nghttp2_session_consume(self.session, stream, count)
        }
    }

    // MARK: - What it knows

    @inline(always)
    func slot(of stream: HTTP2StreamID) -> Int? { unsafe SessionCallbacks.slot(self.session, stream) }

    func remoteSetting(_ id: nghttp2_settings_id) -> Int {
        Int(unsafe nghttp2_session_get_remote_settings(self.session, id))
    }

    /// How much may be sent on a stream now.
    func window(of stream: HTTP2StreamID) -> Int {
        let ofConnection = unsafe nghttp2_session_get_remote_window_size(self.session)
        let ofStream = unsafe nghttp2_session_get_stream_remote_window_size(self.session, stream)
        return max(0, Int(min(ofConnection, ofStream)))
    }

    var allowsRequests: Bool {
        unsafe !self.isDead && nghttp2_session_check_request_allowed(self.session) != 0
    }

    var repliesPending: Int { Int(unsafe nghttp2_session_get_outbound_queue_size(self.session)) }

    var wantsWrite: Bool {
        if !self.overflow.isEmpty || self.leftoverCount > 0 { return true }
        return unsafe !self.isDead && nghttp2_session_want_write(self.session) != 0
    }

    var wantsRead: Bool { unsafe !self.isDead && nghttp2_session_want_read(self.session) != 0 }

    // MARK: - Out

    /// Moves what is pending into `out`, as far as there is room.
    mutating func write(_ state: inout SessionState, into out: inout ByteBuffer) {
        unsafe self.run(&state, nil, into: &out, keepsRest: false)
    }

    /// Serialises what is pending, so that it is known what it is; what has no room in `out` is kept here.
    mutating func spill(_ state: inout SessionState, into out: inout ByteBuffer) {
        unsafe self.run(&state, nil, into: &out, keepsRest: true)
    }

    /// The same without a place to put it.
    mutating func spill(_ state: inout SessionState) {
        var nowhere = ByteBuffer()
        self.spill(&state, into: &nowhere)
    }

    /// Something that was produced has had no room yet.
    var hasKept: Bool { self.leftoverCount > 0 || !self.overflow.isEmpty }

    /// Sends `count` bytes of `first` and `second` on a stream whose window has them, into `out`, which has room for them in frames.
    /// - Returns: how many went.
    mutating func send(
        _ stream: HTTP2StreamID, _ first: Span<UInt8>, then second: Span<UInt8>, count: Int, ends: Bool,
        _ state: inout SessionState, into out: inout ByteBuffer
    ) -> Int {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.read_callback = SessionCallbacks.read
        let flags = ends ? UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) : 0
        guard unsafe nghttp2_submit_data(self.session, flags, stream, &provider) == 0 else { return 0 }
        return unsafe first.withUnsafeBufferPointer { first in
            unsafe second.withUnsafeBufferPointer { second in
                var source = unsafe SessionCallbacks.DataSource()
                unsafe source.first = first.baseAddress
                unsafe source.firstCount = min(first.count, count)
                unsafe source.second = second.baseAddress
                unsafe source.secondCount = count &- min(first.count, count)
                unsafe source.ends = ends
                unsafe source.isSet = true
                unsafe withUnsafeMutablePointer(to: &source) { source in
                    unsafe self.run(&state, source, into: &out, keepsRest: false)
                }
                return unsafe count &- source.count
            }
        }
    }

    /// Asks nghttp2 for output until it has none, or `out` is full.
    private mutating func run(
        _ state: inout SessionState, _ source: UnsafeMutablePointer<SessionCallbacks.DataSource>?,
        into out: inout ByteBuffer, keepsRest: Bool
    ) {
        self.writeKept(into: &out)
        if self.hasKept {
            guard keepsRest else { return }
            self.keepLeftover()
        }
        guard !self.isDead else { return }
        let session = unsafe self.session
        let result = unsafe withUnsafeMutablePointer(to: &state) { state in
            unsafe withUnsafeMutablePointer(to: &out) { out in
                var loan = unsafe SessionCallbacks.Loan(state: state, out: out)
                if let source = unsafe source { unsafe loan.source = source.pointee }
                return unsafe withUnsafeMutablePointer(to: &loan) { loan in
                    unsafe nghttp2_session_set_user_data(session, loan)
                    defer { if let source = unsafe source { unsafe source.pointee = loan.pointee.source } }
                    while true {
                        var bytes: UnsafePointer<UInt8>?
                        let count = unsafe nghttp2_session_mem_send(session, &bytes)
                        guard count > 0, let bytes = unsafe bytes else { return count }
                        // Behind what is kept, never before it.
                        let fits = self.overflow.isEmpty ? unsafe min(count, out.pointee.space) : 0
                        if fits > 0 { unsafe out.pointee.append(Span(_unsafeStart: bytes, count: fits)) }
                        guard fits < count else { continue }
                        unsafe self.leftover = bytes + fits
                        self.leftoverCount = count &- fits
                        guard keepsRest else { return 0 }
                        self.keepLeftover()
                    }
                }
            }
        }
        if result < 0 { self.isDead = true }
    }

    private mutating func writeKept(into out: inout ByteBuffer) {
        if self.overflow.hasMemory {
            let count = min(self.overflow.count, out.space)
            if count > 0 {
                out.append(self.overflow.readable.extracting(first: count))
                self.overflow.consume(count)
            }
            guard self.overflow.isEmpty else { return }
            self.overflow = ByteBuffer()
        }
        guard self.leftoverCount > 0, let bytes = unsafe self.leftover else { return }
        let count = min(self.leftoverCount, out.space)
        if count > 0 { unsafe out.append(Span(_unsafeStart: bytes, count: count)) }
        unsafe self.leftover = bytes + count
        self.leftoverCount &-= count
    }

    private mutating func keepLeftover() {
        guard self.leftoverCount > 0, let bytes = unsafe self.leftover else { return }
        if self.overflow.space < self.leftoverCount {
            let needed = self.overflow.count + self.leftoverCount
            var larger = ByteBuffer(capacity: max(4_096, 2 * needed))
            larger.append(self.overflow.readable)
            self.overflow = larger
        }
        unsafe self.overflow.append(Span(_unsafeStart: bytes, count: self.leftoverCount))
        unsafe self.leftover = nil
        self.leftoverCount = 0
    }

    // MARK: - Heads

    /// Queues the head of a response. False if `head` is none.
    mutating func submitResponse(
        _ stream: HTTP2StreamID, _ head: Span<UInt8>, isWebSocket: Bool, ends: Bool
    ) -> ResponseOutline? {
        let session = unsafe self.session
        return unsafe head.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress,
                let outline = unsafe self.fields.fillResponse(head, base, isWebSocket: isWebSocket),
                unsafe nghttp2_submit_headers(
                    session, Self.flags(ends), stream, nil, self.fields.start, self.fields.count, nil) == 0
            else { return nil }
            return outline
        }
    }

    /// Queues a trailer section. False if `lines` are none.
    mutating func submitTrailers(_ stream: HTTP2StreamID, _ lines: Span<UInt8>) -> Bool {
        let session = unsafe self.session
        return unsafe lines.withUnsafeBufferPointer { bytes in
            guard unsafe self.fields.fillTrailers(lines, bytes.baseAddress) else { return false }
            return unsafe nghttp2_submit_trailer(session, stream, self.fields.start, self.fields.count) == 0
        }
    }

    /// Queues the head of a request, whose stream gets `slot`. nil if `head` is none.
    mutating func submitRequest(
        _ head: Span<UInt8>, isSecure: Bool, ends: Bool, slot: Int
    ) -> (stream: HTTP2StreamID, outline: RequestOutline)? {
        let session = unsafe self.session
        return unsafe head.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress,
                let outline = unsafe self.fields.fillRequest(head, base, isSecure: isSecure)
            else { return nil }
            // Bytes of a tunnel follow it, or whoever asked for it is gone.
            if outline.isWebSocket, ends || self.remoteSetting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1 {
                return nil
            }
            let stream = unsafe nghttp2_submit_headers(
                session, Self.flags(ends), -1, nil, self.fields.start, self.fields.count,
                SessionCallbacks.userData(slot: slot))
            return stream > 0 ? (stream, outline) : nil
        }
    }

    private static func flags(_ ends: Bool) -> UInt8 { ends ? UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) : 0 }

    // MARK: - Control

    func reset(_ stream: HTTP2StreamID, code: UInt32) {
        guard !self.isDead else { return }
        unsafe nghttp2_submit_rst_stream(self.session, 0, stream, code)
    }

    /// GOAWAY with the highest number (RFC 9113 section 6.8).
    func announceGoAway() {
        guard !self.isDead else { return }
        unsafe nghttp2_submit_shutdown_notice(self.session)
    }

    func goAway(code: UInt32) {
        guard !self.isDead else { return }
        let last = unsafe nghttp2_session_get_last_proc_stream_id(self.session)
        unsafe nghttp2_submit_goaway(self.session, 0, last, code, nil, 0)
    }

    /// GOAWAY, and nothing is read or sent any more.
    func terminate(code: UInt32) {
        guard !self.isDead else { return }
        unsafe nghttp2_session_terminate_session(self.session, code)
    }

    func ping(_ payload: UInt64) {
        guard !self.isDead else { return }
        unsafe fairlead_submit_ping(self.session, payload)
    }
}
