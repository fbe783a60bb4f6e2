internal import Bytes
internal import HTTP1

/// Makes the text of an HTTP/1.1 message of the fields that an HTTP/2 head is, one after another (RFC 9113 section 8.3).
///
/// nghttp2 has checked each field before: names are tokens in lower case, no value has a control character or white space around it, none
/// concerns a connection, pseudo-header fields come first, are known and there once. What is left to be checked is here.
struct HeadAssembler: ~Copyable {
    enum Kind: UInt8, BitwiseCopyable {
        case request
        case response
        case trailers
    }

    enum Verdict: BitwiseCopyable {
        case taken
        /// RFC 9113 section 8.1.1: the stream is to be reset.
        case malformed
        /// So much that even reading it is too much.
        case excessive
    }

    /// The text: complete once ``finish(ends:random:)`` said so.
    var text = ByteBuffer()
    /// Values of `cookie` fields, joined (RFC 9113 section 8.2.3).
    private var cookies = ByteBuffer()

    private(set) var slot = 0
    private(set) var kind = Kind.request
    /// A head is under way.
    private(set) var isActive = false
    /// Pseudo-header fields, as parts of ``text``, before the first line of it.
    private var method = ByteRange.empty
    private var path = ByteRange.empty
    private var authority = ByteRange.empty
    /// Bytes before the start line.
    private var prefix = 0
    private var hasStartLine = false
    private var status: UInt16 = 0
    private var isConnect = false
    private var protocolName = ProtocolName.none
    private var hasLength = false
    private var hasKey = false
    private var isTooLarge = false
    private var isTargetTooLong = false
    /// As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2).
    private var listSize = 0
    private var isHead = false
    private var isWebSocket = false
    private var accept = WebSocketAccept()

    private enum ProtocolName: UInt8, BitwiseCopyable {
        case none
        case webSocket
        case other
    }

    /// What is added at the end at most.
    private static let reserve = 256
    /// A list so many times as large as what was allowed is not read to its end.
    private static let excess = 4

    // MARK: - Beginning

    /// Begins a head. Buffers come from `heads`, ``release(into:)`` gives them back.
    mutating func begin(_ kind: Kind, slot: Int, _ record: StreamRecord, heads: inout BufferPool) {
        if self.text.hasMemory { self.text.clear() } else { self.text = heads.take() }
        self.cookies.clear()
        self.kind = kind
        self.slot = slot
        self.isActive = true
        self.method = .empty
        self.path = .empty
        self.authority = .empty
        self.prefix = 0
        self.hasStartLine = kind == .trailers
        self.status = 0
        self.isConnect = false
        self.protocolName = .none
        self.hasLength = false
        self.hasKey = false
        self.isTooLarge = false
        self.isTargetTooLong = false
        self.listSize = 0
        self.isHead = record.flags.contains(.head)
        self.isWebSocket = record.flags.contains(.webSocket)
        self.accept = record.accept
    }

    /// It is not to be finished.
    mutating func abandon() { self.isActive = false }

    mutating func release(into heads: inout BufferPool) {
        if self.text.hasMemory { heads.give(self.text.move()) }
        if self.cookies.hasMemory { heads.give(self.cookies.move()) }
    }

    // MARK: - Fields

    mutating func add(
        _ name: Span<UInt8>, _ value: Span<UInt8>, listLimit: Int, heads: inout BufferPool
    ) -> Verdict {
        self.listSize &+= name.count &+ value.count &+ 32
        if _slowPath(self.listSize > listLimit) {
            self.isTooLarge = true
            if name.equals(":path") { self.isTargetTooLong = true }
            return self.listSize > Self.excess * listLimit ? .excessive : .taken
        }
        if name[0] == .colon { return self.addPseudo(name, value) }
        if !self.hasStartLine { self.writeStartLine() }
        switch name.count {
        case 4 where name.equals("host") && self.kind == .request:
            if self.authority.isEmpty { break }
            // Said twice, it has to be the same (RFC 9113 section 8.3.1).
            return value.equalsIgnoringCase(self.text.readable, self.authority) ? .taken : .malformed
        case 6 where name.equals("cookie") && self.kind == .request:
            self.addCookie(value, heads: &heads)
            return .taken
        case 14 where name.equals("content-length"):
            // In a trailer section it says nothing, and nobody may take it for more.
            if self.kind == .trailers { return .malformed }
            self.hasLength = true
            if self.isSwitch { return .taken }
        case 17 where name.equals("sec-websocket-key"): self.hasKey = true
        case 20 where self.isSwitch && name.equals("sec-websocket-accept"): return .taken
        default: break
        }
        self.write(name, value)
        return .taken
    }

    @inline(always)
    private mutating func write(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        guard name.count &+ value.count &+ 4 &+ Self.reserve <= self.text.space else {
            self.isTooLarge = true
            return
        }
        self.text.append(name: name, value: value)
    }

    private mutating func addCookie(_ value: Span<UInt8>, heads: inout BufferPool) {
        guard value.count > 0 else { return }
        if !self.cookies.hasMemory { self.cookies = heads.take() }
        guard value.count &+ 2 <= self.cookies.space else {
            self.isTooLarge = true
            return
        }
        if !self.cookies.isEmpty { self.cookies.append("; ") }
        self.cookies.append(value)
    }

    // MARK: - Pseudo-header fields

    private mutating func addPseudo(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Verdict {
        if self.kind == .response {
            // nghttp2 knows no other, and only three digits.
            guard value.count == 3 else { return .malformed }
            for index in 0..<3 {
                guard value[index].isDigit else { return .malformed }
                self.status = self.status &* 10 &+ UInt16(value[index] &- 0x30)
            }
            return self.status >= 100 ? .taken : .malformed
        }
        switch name.count {
        case 5: return self.addPath(value)
        case 7 where name.equals(":method"):
            self.isConnect = value.equals("CONNECT")
            self.method = self.keep(value)
        // What is spoken is known by the listener; a client's word for it is of no use.
        case 7: return .taken
        case 9: self.protocolName = value.equals("websocket") ? .webSocket : .other
        case 10: self.authority = self.keep(value)
        default: return .malformed
        }
        return .taken
    }

    /// In origin form, or `*` (RFC 9113 section 8.3.1); never with an authority of its own, which HTTP/1.1 would heed.
    private mutating func addPath(_ value: Span<UInt8>) -> Verdict {
        guard value.count > 0, value[0] == .slash || value.equals("*") else { return .malformed }
        self.path = self.keep(value)
        if self.path.isEmpty { self.isTargetTooLong = true }
        return .taken
    }

    private mutating func keep(_ value: Span<UInt8>) -> ByteRange {
        // It is written a second time as part of a line.
        guard 2 &* (value.count &+ Self.reserve) <= self.text.space else {
            self.isTooLarge = true
            return .empty
        }
        let range = ByteRange(start: self.text.count, count: value.count)
        self.text.append(value)
        return range
    }

    /// A response that switches to the WebSocket protocol.
    private var isSwitch: Bool { self.kind == .response && self.isWebSocket && self.status / 100 == 2 }

    private mutating func writeStartLine() {
        self.hasStartLine = true
        self.prefix = self.text.count
        if self.kind == .response {
            if self.isSwitch {
                self.text.append(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
                )
                self.accept.write(into: &self.text)
                self.text.append("\r\n")
            } else {
                self.text.append("HTTP/1.1 ")
                self.text.append(decimal: UInt64(self.status))
                self.text.append(.space)
                // There are clients of HTTP/1.1 that take no status line without.
                self.text.append(StatusPhrase.text(self.status))
                self.text.append("\r\n")
            }
            return
        }
        let needed = Int(self.method.count) &+ Int(self.path.count) &+ Int(self.authority.count) &+ Self.reserve
        guard needed <= self.text.space else {
            self.isTooLarge = true
            return
        }
        if self.isConnect { self.text.append("GET") } else { self.text.repeat(self.method) }
        self.text.append(.space)
        self.text.repeat(self.path)
        self.text.append(" HTTP/1.1\r\n")
        if !self.authority.isEmpty {
            self.text.append("Host: ")
            self.text.repeat(self.authority)
            self.text.append("\r\n")
        }
    }

    // MARK: - The end

    enum Outcome: BitwiseCopyable {
        /// ``text`` is the head, or the lines of a trailer section.
        case complete
        case refused(MessageFault)
        case malformed
    }

    /// All fields have come, and nghttp2 found nothing wrong with them together.
    /// - Parameters:
    ///   - ends: nothing follows.
    ///   - random: for a key that HTTP/1.1 wants and HTTP/2 does not have.
    mutating func finish(ends: Bool, random: inout SplitMix) -> Outcome {
        self.isActive = false
        if !self.hasStartLine { self.writeStartLine() }
        switch self.kind {
        case .trailers: return self.isTooLarge ? .malformed : .complete
        case .request:
            if self.isTooLarge || self.cookies.count &+ Self.reserve > self.text.space {
                return .refused(self.isTargetTooLong ? .targetTooLong : .headTooLarge)
            }
            if self.isConnect {
                guard let outcome = self.finishConnect(ends: ends, random: &random) else { break }
                return outcome
            }
            self.writeCookies()
            if !self.hasLength {
                if !ends {
                    self.text.append("transfer-encoding: chunked\r\n")
                } else if self.hasBodyByMethod {
                    // An HTTP/1.1 request without a length has no body, but servers ask for one (RFC 9110 section 8.6).
                    self.text.append("content-length: 0\r\n")
                }
            }
        case .response:
            if self.isTooLarge { return .malformed }
            if self.status >= 200, !self.isSwitch, !self.isHead, self.status != 204, self.status != 304, !self.hasLength
            {
                self.text.append(ends ? "content-length: 0\r\n" : "transfer-encoding: chunked\r\n")
            }
        }
        self.text.append("\r\n")
        self.text.consume(self.prefix)
        return .complete
    }

    /// nil when the lines that make it a WebSocket's handshake are written (RFC 8441 section 5).
    private mutating func finishConnect(ends: Bool, random: inout SplitMix) -> Outcome? {
        switch self.protocolName {
        // A proxy that goes where it is told is another thing than this.
        case .none: return .refused(.methodNotAllowed)
        case .other: return .refused(.unknownProtocol)
        case .webSocket: break
        }
        // What follows is no body.
        if self.hasLength || ends { return .malformed }
        self.writeCookies()
        self.text.append("connection: upgrade\r\nupgrade: websocket\r\n")
        if !self.hasKey {
            self.text.append("sec-websocket-key: ")
            WebSocketKey.write(&random, into: &self.text)
            self.text.append("\r\n")
        }
        return nil
    }

    private mutating func writeCookies() {
        guard self.cookies.count > 0 else { return }
        var text = self.text.move()
        text.append("cookie: ")
        text.append(self.cookies.readable)
        text.append("\r\n")
        self.text = text.move()
    }

    private var hasBodyByMethod: Bool {
        let method = self.text.readable.extracting(self.method.indices)
        return method.equals("POST") || method.equals("PUT") || method.equals("PATCH")
    }

    /// Of a request: it asks for a WebSocket, as HTTP/2 does.
    var isExtendedConnect: Bool { self.isConnect && self.protocolName == .webSocket }

    /// Of a response: another one follows.
    var isInterim: Bool { self.kind == .response && self.status < 200 }
}
