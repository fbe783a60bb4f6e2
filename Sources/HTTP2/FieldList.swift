internal import Bytes
internal import CNghttp2

/// What a response's head was, as far as it matters to its stream.
struct ResponseOutline: BitwiseCopyable {
    /// Another one follows.
    var isInterim: Bool
}

/// What a request's head was, as far as it matters to its stream.
struct RequestOutline: BitwiseCopyable {
    var isHead: Bool
    var isWebSocket: Bool
    var accept: WebSocketAccept
}

/// The list of fields that a head is in HTTP/2, as nghttp2 wants it. Allocated once for a session, used for one head after another.
///
/// Unsafe invariants of this file: `entries` comes from `allocate`, is initialised over its whole length (`capacity`) and owned by this value
/// alone, and so is `names` (`namesCapacity`); every index is checked against that. An entry's pointers lead into the head that it was made of, into
/// `names`, or into a literal. nghttp2 copies none of them: whoever fills the list and submits it has it serialised before the head is given
/// back to its owner and before the list is filled again (``SessionHandle/spill(_:into:)``).
@safe
struct FieldList: ~Copyable {
    private var entries: UnsafeMutablePointer<nghttp2_nv>
    private var capacity: Int
    /// Names in lower case (RFC 9113 section 8.2), one behind the other.
    private var names: UnsafeMutablePointer<UInt8>
    private var namesCapacity: Int
    private var namesCount = 0
    /// Where the list begins: pseudo-header fields that are not there leave their places.
    private var first = 0
    private var end = 0

    /// More than a parser of heads ever lets pass, with what is added to it.
    private static let limit = 2_048
    /// Places for pseudo-header fields of a request.
    private static let pseudo = 5

    init() {
        self.capacity = 32
        unsafe self.entries = .allocate(capacity: self.capacity)
        unsafe self.entries.initialize(repeating: nghttp2_nv(), count: self.capacity)
        self.namesCapacity = 512
        unsafe self.names = .allocate(capacity: self.namesCapacity)
    }

    deinit {
        unsafe self.entries.deallocate()
        unsafe self.names.deallocate()
    }

    var start: UnsafeMutablePointer<nghttp2_nv> { unsafe self.entries + self.first }
    var count: Int { self.end &- self.first }

    /// Begins a list of a head of so many bytes.
    private mutating func begin(at index: Int, head: Int) {
        self.first = index
        self.end = index
        self.namesCount = 0
        guard self.namesCapacity < head else { return }
        unsafe self.names.deallocate()
        self.namesCapacity = 2 &* head
        unsafe self.names = .allocate(capacity: self.namesCapacity)
    }

    /// A name in lower case. Those of a head are never longer together than it is.
    @inline(always)
    private mutating func lowercased(_ name: UnsafePointer<UInt8>, _ count: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(count <= self.namesCapacity &- self.namesCount)
        let written = unsafe self.names + self.namesCount
        var index = 0
        while index &+ 8 <= count {
            let word = unsafe UnsafeRawPointer(name + index).loadUnaligned(as: UInt64.self)
            unsafe UnsafeMutableRawPointer(written + index).storeBytes(of: word.lowercasedText, as: UInt64.self)
            index &+= 8
        }
        while index < count {
            unsafe written[index] = name[index].lowercased
            index &+= 1
        }
        self.namesCount &+= count
        return unsafe written
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: 2 * self.capacity)
        unsafe larger.initialize(repeating: nghttp2_nv(), count: 2 * self.capacity)
        unsafe larger.update(from: self.entries, count: self.capacity)
        unsafe self.entries.deallocate()
        unsafe self.entries = larger
        self.capacity *= 2
    }

    @inline(always)
    private static func text(_ text: StaticString) -> UnsafeMutablePointer<UInt8> {
        unsafe UnsafeMutablePointer(mutating: text.utf8Start)
    }

    /// Sets a pseudo-header field, for which there is a place.
    @inline(always)
    private mutating func set(
        _ index: Int, _ name: StaticString, _ value: UnsafePointer<UInt8>, _ count: Int
    ) {
        precondition(index >= 0 && index < self.capacity)
        let flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        unsafe self.entries[index] = nghttp2_nv(
            name: Self.text(name), value: UnsafeMutablePointer(mutating: value), namelen: name.utf8CodeUnitCount,
            valuelen: count, flags: UInt8(truncatingIfNeeded: flags))
    }

    /// Adds a line of the head.
    @inline(always)
    private mutating func append(
        _ head: UnsafePointer<UInt8>, _ line: FieldLines.Line, isIndexed: Bool = true
    ) -> Bool {
        if _slowPath(self.end == self.capacity) {
            guard self.capacity < Self.limit else { return false }
            self.grow()
        }
        var flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        if !isIndexed { flags |= NGHTTP2_NV_FLAG_NO_INDEX.rawValue }
        unsafe self.entries[self.end] = nghttp2_nv(
            name: self.lowercased(head + line.name.lowerBound, Int(line.name.count)),
            value: UnsafeMutablePointer(mutating: head + line.value.lowerBound),
            namelen: Int(line.name.count), valuelen: Int(line.value.count), flags: UInt8(truncatingIfNeeded: flags))
        self.end &+= 1
        return true
    }

    // MARK: - Responses

    /// Of `HTTP/1.1 200 ...` and field lines. nil if it is no such thing.
    mutating func fillResponse(
        _ head: Span<UInt8>, _ base: UnsafePointer<UInt8>, isWebSocket: Bool
    ) -> ResponseOutline? {
        guard head.count > 12, head.hasText("HTTP/1.", at: 0), head[8] == .space,
            head[9].isDigit, head[10].isDigit, head[11].isDigit
        else { return nil }
        let isSwitch = head.hasText("101", at: 9)
        // HTTP/2 has no other switch (RFC 9113 section 8.6).
        if isSwitch, !isWebSocket { return nil }
        self.begin(at: 0, head: head.count)
        if isSwitch {
            unsafe self.set(0, ":status", Self.text("200"), 3)
        } else {
            unsafe self.set(0, ":status", base + 9, 3)
        }
        self.end = 1
        let lineEnd = head.first(.lineFeed, from: 12)
        guard lineEnd < head.count, unsafe self.appendLines(head, base, from: lineEnd &+ 1, isSwitch: isSwitch)
        else { return nil }
        return ResponseOutline(isInterim: head[9] == UInt8(ascii: "1") && !isSwitch)
    }

    mutating func fillTrailers(_ lines: Span<UInt8>, _ base: UnsafePointer<UInt8>?) -> Bool {
        self.begin(at: 0, head: lines.count)
        guard let base = unsafe base else { return true }
        return unsafe self.appendLines(lines, base, from: 0, isSwitch: false)
    }

    private mutating func appendLines(
        _ head: Span<UInt8>, _ base: UnsafePointer<UInt8>, from start: Int, isSwitch: Bool
    ) -> Bool {
        var lines = FieldLines(from: start)
        while true {
            switch lines.next(head) {
            case .end: return true
            case .malformed: return false
            case .line(let line):
                guard case .kept = FieldFate.ofResponse(head, line.name, isSwitch: isSwitch) else { continue }
                guard unsafe self.append(base, line) else { return false }
            }
        }
    }

    // MARK: - Requests

    /// Of `GET /path HTTP/1.1` and field lines. nil if it is no such thing.
    mutating func fillRequest(
        _ head: Span<UInt8>, _ base: UnsafePointer<UInt8>, isSecure: Bool
    ) -> RequestOutline? {
        let methodEnd = head.first(.space, from: 0)
        guard methodEnd > 0, methodEnd < head.count else { return nil }
        let targetEnd = head.first(.space, from: methodEnd &+ 1)
        guard targetEnd > methodEnd &+ 1, targetEnd < head.count else { return nil }
        let lineEnd = head.first(.lineFeed, from: targetEnd)
        guard lineEnd < head.count else { return nil }

        // :protocol and :authority are first, so that they can be left out.
        self.begin(at: Self.pseudo, head: head.count)
        var outline = RequestOutline(
            isHead: methodEnd == 4 && head.hasText("HEAD", at: 0), isWebSocket: false, accept: WebSocketAccept())
        var host: FieldLines.Line?
        var lines = FieldLines(from: lineEnd &+ 1)
        reading: while true {
            switch lines.next(head) {
            case .end: break reading
            case .malformed: return nil
            case .line(let line):
                let fate = FieldFate.ofRequest(head, line)
                switch fate {
                case .dropped: continue
                case .host: if !line.value.isEmpty { host = line }
                case .upgrade:
                    if line.value.count == 9, head.hasToken("websocket", at: line.value.lowerBound) {
                        outline.isWebSocket = true
                    }
                case .webSocketKey:
                    guard let accept = WebSocketAccept(key: head.extracting(line.value.indices)) else { return nil }
                    outline.accept = accept
                case .kept, .keptUnindexed:
                    let isIndexed = if case .kept = fate { true } else { false }
                    guard unsafe self.append(base, line, isIndexed: isIndexed) else { return nil }
                }
            }
        }

        if outline.isWebSocket {
            unsafe self.set(2, ":method", Self.text("CONNECT"), 7)
        } else {
            unsafe self.set(2, ":method", base, methodEnd)
        }
        let scheme: StaticString = isSecure ? "https" : "http"
        unsafe self.set(3, ":scheme", Self.text(scheme), scheme.utf8CodeUnitCount)
        unsafe self.set(4, ":path", base + (methodEnd &+ 1), targetEnd &- methodEnd &- 1)
        self.first = 2
        if let host {
            self.first = 1
            unsafe self.set(1, ":authority", base + host.value.lowerBound, Int(host.value.count))
        }
        if outline.isWebSocket {
            // RFC 8441 section 4.
            guard host != nil else { return nil }
            self.first = 0
            unsafe self.set(0, ":protocol", Self.text("websocket"), 9)
        }
        return outline
    }
}
