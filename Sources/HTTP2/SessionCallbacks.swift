internal import Bytes
internal import CNghttp2

/// What nghttp2 calls while it is given bytes or asked for some.
///
/// Unsafe invariants of this file: callbacks run only within a call that ``SessionHandle`` makes, whose `user_data` is a ``Loan`` on that
/// call's stack; the pointers in it are valid, and not used by anybody else, for as long as the call lasts. Pointers that nghttp2 passes in are
/// valid during the callback, for the lengths that come with them. A stream's `user_data` is a slot of the ``StreamTable`` plus one: it
/// is set when the stream begins, and the slot is in use until nghttp2 says that it is closed.
enum SessionCallbacks {
    /// What a call into nghttp2 lends to its callbacks.
    @unsafe
    struct Loan {
        let state: UnsafeMutablePointer<SessionState>
        var heads: UnsafeMutablePointer<BufferPool>?
        /// The first of the bytes that came.
        var input: UnsafePointer<UInt8>?
        /// Where DATA frames go.
        var out: UnsafeMutablePointer<ByteBuffer>?
        var source = unsafe DataSource()
    }

    /// What is left of a body to be sent.
    @unsafe
    struct DataSource {
        var first: UnsafePointer<UInt8>?
        var firstCount = 0
        var second: UnsafePointer<UInt8>?
        var secondCount = 0
        var ends = false
        var isSet = false

        var count: Int { unsafe self.firstCount &+ self.secondCount }
    }

    /// For all sessions; never freed. nil without memory.
    nonisolated(unsafe) static let table: OpaquePointer? = unsafe Self.makeTable()

    private static func makeTable() -> OpaquePointer? {
        var table: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&table) == 0, let table = unsafe table else { return nil }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(table) { session, frame, loan in
            unsafe SessionCallbacks.beginHeaders(session, frame, loan)
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(table) {
            session, frame, name, nameCount, value, valueCount, _, loan in
            unsafe SessionCallbacks.header(session, frame, name, nameCount, value, valueCount, loan)
        }
        // Without this, fields that are none are passed over; with it the stream is reset (RFC 9113 section 8.2.1).
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(table) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(table) { session, frame, loan in
            unsafe SessionCallbacks.frameReceived(session, frame, loan)
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table) {
            session, _, stream, data, count, loan in
            unsafe SessionCallbacks.dataReceived(session, stream, data, count, loan)
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(table) { session, stream, code, loan in
            unsafe SessionCallbacks.streamClosed(session, stream, code, loan)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(table) { session, frame, loan in
            unsafe SessionCallbacks.frameSent(session, frame, loan)
        }
        unsafe nghttp2_session_callbacks_set_send_data_callback(table) { _, _, header, count, _, loan in
            unsafe SessionCallbacks.sendData(header, count, loan)
        }
        return unsafe table
    }

    @inline(always)
    private static func loan(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Loan>? {
        unsafe pointer?.assumingMemoryBound(to: Loan.self)
    }

    /// nil for streams that never were told of, or are gone.
    @inline(always)
    static func slot(_ session: OpaquePointer?, _ stream: HTTP2StreamID) -> Int? {
        let number = unsafe UInt(bitPattern: nghttp2_session_get_stream_user_data(session, stream))
        return number == 0 ? nil : Int(bitPattern: number) &- 1
    }

    @inline(always)
    static func userData(slot: Int) -> UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: slot &+ 1)
    }

    // MARK: - In

    private static func beginHeaders(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let frame = unsafe frame, let heads = unsafe loan.pointee.heads
        else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let stream = unsafe fairlead_frame_stream(frame)
        let isRequest = unsafe fairlead_frame_is_request(frame) != 0
        let slot: Int
        if isRequest {
            slot = unsafe loan.pointee.state.pointee.streams.open(stream)
            unsafe nghttp2_session_set_stream_user_data(session, stream, Self.userData(slot: slot))
        } else {
            guard let known = unsafe Self.slot(session, stream) else { return 0 }
            slot = known
        }
        unsafe loan.pointee.state.pointee.beginHead(slot: slot, isRequest: isRequest, heads: &heads.pointee)
        return 0
    }

    private static func header(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ name: UnsafePointer<UInt8>?,
        _ nameCount: Int, _ value: UnsafePointer<UInt8>?, _ valueCount: Int, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let name = unsafe name, let value = unsafe value,
            let heads = unsafe loan.pointee.heads
        else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let state = unsafe loan.pointee.state
        guard unsafe state.pointee.assembler.isActive, nameCount > 0 else { return 0 }
        let verdict = unsafe state.pointee.assembler.add(
            Span(_unsafeStart: name, count: nameCount), Span(_unsafeStart: value, count: valueCount),
            listLimit: state.pointee.limits.headListSize, heads: &heads.pointee)
        switch verdict {
        case .taken: return 0
        case .malformed: return unsafe Self.refuse(session, frame, NGHTTP2_PROTOCOL_ERROR, loan)
        case .excessive: return unsafe Self.refuse(session, frame, NGHTTP2_ENHANCE_YOUR_CALM, loan)
        }
    }

    /// Resets the stream whose head is coming; the rest of it is decoded, as the connection's compression needs it, and dropped.
    private static func refuse(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: nghttp2_error_code,
        _ loan: UnsafeMutablePointer<Loan>
    ) -> Int32 {
        guard let frame = unsafe frame else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        unsafe loan.pointee.state.pointee.assembler.abandon()
        // The first counts; the one that nghttp2 adds for what is returned here finds the stream closing.
        unsafe nghttp2_submit_rst_stream(session, 0, fairlead_frame_stream(frame), code.rawValue)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }

    private static func frameReceived(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let frame = unsafe frame else {
            return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        let state = unsafe loan.pointee.state
        let stream = unsafe fairlead_frame_stream(frame)
        let flags = unsafe fairlead_frame_flags(frame)
        unsafe state.pointee.isFrameAccepted = true
        switch unsafe fairlead_frame_type(frame) {
        case FrameType.headers:
            if unsafe state.pointee.endHead(ends: flags & FrameFlags.endStream != 0) {
                unsafe nghttp2_submit_rst_stream(session, 0, stream, NGHTTP2_PROTOCOL_ERROR.rawValue)
            }
        case FrameType.data:
            guard flags & FrameFlags.endStream != 0, let slot = unsafe Self.slot(session, stream) else { break }
            unsafe state.pointee.endData(slot: slot)
        case FrameType.windowUpdate: unsafe state.pointee.grown = stream == 0 ? .all : .stream(stream)
        case FrameType.settings:
            guard flags & FrameFlags.acknowledgement == 0 else {
                unsafe state.pointee.isAcknowledged = true
                break
            }
            unsafe state.pointee.grown = .all
            unsafe state.pointee.event = .settings
        case FrameType.resetStream:
            guard let slot = unsafe Self.slot(session, stream) else { break }
            unsafe state.pointee.streams[slot].flags.insert(.resetByPeer)
        case FrameType.ping:
            guard flags & FrameFlags.acknowledgement != 0 else { break }
            unsafe state.pointee.event = .pong(fairlead_frame_payload(frame))
        case FrameType.goAway:
            unsafe state.pointee.event = .goAway(
                lastStream: fairlead_frame_last_stream(frame), code: fairlead_frame_error_code(frame))
        default: break
        }
        return 0
    }

    private static func dataReceived(
        _ session: OpaquePointer?, _ stream: HTTP2StreamID, _ data: UnsafePointer<UInt8>?, _ count: Int,
        _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let data = unsafe data, let input = unsafe loan.pointee.input,
            let slot = unsafe Self.slot(session, stream)
        else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        unsafe loan.pointee.state.pointee.data(slot: slot, start: data - input, count: count)
        return 0
    }

    private static func streamClosed(
        _ session: OpaquePointer?, _ stream: HTTP2StreamID, _ code: UInt32, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let slot = unsafe Self.slot(session, stream) else { return 0 }
        let outstanding = unsafe loan.pointee.state.pointee.close(slot: slot, code: code)
        if outstanding > 0 { unsafe nghttp2_session_consume_connection(session, outstanding) }
        return 0
    }

    // MARK: - Out

    private static func frameSent(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let frame = unsafe frame else {
            return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
        }
        switch unsafe fairlead_frame_type(frame) {
        case FrameType.resetStream:
            let slot = unsafe Self.slot(session, fairlead_frame_stream(frame))
            unsafe loan.pointee.state.pointee.resetSent(slot: slot, code: fairlead_frame_error_code(frame))
        case FrameType.goAway:
            let code = unsafe fairlead_frame_error_code(frame)
            if code != HTTP2ErrorCode.noError { unsafe loan.pointee.state.pointee.sentFailure = code }
        default: break
        }
        return 0
    }

    /// How much of the source goes into the next DATA frame.
    static let read: nghttp2_data_source_read_callback = { _, _, _, limit, flags, _, pointer in
        guard let loan = unsafe SessionCallbacks.loan(pointer), let flags = unsafe flags,
            unsafe loan.pointee.source.isSet
        else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        let available = unsafe loan.pointee.source.count
        let count = min(limit, available)
        var bits = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        if count == available {
            bits |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if unsafe !loan.pointee.source.ends { bits |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue }
        }
        unsafe flags.pointee |= bits
        return count
    }

    /// Writes a DATA frame: its header, and so many bytes of the source.
    private static func sendData(
        _ header: UnsafePointer<UInt8>?, _ count: Int, _ pointer: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let loan = unsafe Self.loan(pointer), let header = unsafe header, let out = unsafe loan.pointee.out,
            unsafe out.pointee.space >= FrameTracker.headerSize &+ count,
            unsafe loan.pointee.source.count >= count
        else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        unsafe out.pointee.append(Span(_unsafeStart: header, count: FrameTracker.headerSize))
        var source = unsafe loan.pointee.source
        let ofFirst = unsafe min(count, source.firstCount)
        if ofFirst > 0, let first = unsafe source.first {
            unsafe out.pointee.append(Span(_unsafeStart: first, count: ofFirst))
            unsafe source.first = first + ofFirst
            unsafe source.firstCount &-= ofFirst
        }
        let ofSecond = count &- ofFirst
        if ofSecond > 0, let second = unsafe source.second {
            unsafe out.pointee.append(Span(_unsafeStart: second, count: ofSecond))
            unsafe source.second = second + ofSecond
            unsafe source.secondCount &-= ofSecond
        }
        unsafe loan.pointee.source = source
        unsafe loan.pointee.state.pointee.meters.countFrame()
        // Behind the last of it there is nothing to look for: what else was pending went out before.
        return unsafe source.count == 0 ? NGHTTP2_ERR_PAUSE.rawValue : 0
    }
}
