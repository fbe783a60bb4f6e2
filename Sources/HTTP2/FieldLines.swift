internal import Bytes

/// The field lines of an HTTP/1.1 head that this proxy wrote or has checked, one after another.
struct FieldLines: BitwiseCopyable {
    struct Line: BitwiseCopyable {
        /// In any case.
        var name: ByteRange
        /// Without white space around it.
        var value: ByteRange
    }

    enum Step: BitwiseCopyable {
        case line(Line)
        /// The empty line, or where the bytes end between two lines.
        case end
        case malformed
    }

    private var position: Int

    /// - Parameter start: where the first line begins.
    init(from start: Int) { self.position = start }

    mutating func next(_ head: Span<UInt8>) -> Step {
        let start = self.position
        guard start < head.count, head[start] != .carriageReturn else { return .end }
        let nameEnd = head.first(.colon, from: start)
        guard nameEnd < head.count, nameEnd > start else { return .malformed }
        var valueStart = nameEnd &+ 1
        while valueStart < head.count, head[valueStart].isBlank { valueStart &+= 1 }
        let lineEnd = head.first(.carriageReturn, from: valueStart)
        guard lineEnd &+ 1 < head.count, head[lineEnd &+ 1] == .lineFeed else { return .malformed }
        var valueEnd = lineEnd
        while valueEnd > valueStart, head[valueEnd &- 1].isBlank { valueEnd &-= 1 }
        self.position = lineEnd &+ 2
        return .line(
            Line(
                name: ByteRange(start: start, count: nameEnd &- start),
                value: ByteRange(start: valueStart, count: valueEnd &- valueStart)))
    }
}

/// What becomes of a field line on its way into HTTP/2.
enum FieldFate: BitwiseCopyable {
    case kept
    /// Kept out of the table that compression goes by: its value is another one every time.
    case keptUnindexed
    /// It concerned an HTTP/1.1 connection (RFC 9113 section 8.2.2).
    case dropped
    case host
    case upgrade
    case webSocketKey

    /// Of a line of a response or of a trailer section.
    @inline(always)
    static func ofResponse(_ head: Span<UInt8>, _ name: ByteRange, isSwitch: Bool) -> FieldFate {
        let start = name.lowerBound
        switch name.count {
        case 2: return head.hasToken("te", at: start) ? .dropped : .kept
        case 7: return head.hasToken("upgrade", at: start) ? .dropped : .kept
        case 10: return Self.isConnection(head, start) ? .dropped : .kept
        case 16: return head.hasToken("proxy-connection", at: start) ? .dropped : .kept
        case 17: return head.hasToken("transfer-encoding", at: start) ? .dropped : .kept
        case 20: return isSwitch && head.hasToken("sec-websocket-accept", at: start) ? .dropped : .kept
        default: return .kept
        }
    }

    /// Of a line of a request.
    @inline(always)
    static func ofRequest(_ head: Span<UInt8>, _ line: FieldLines.Line) -> FieldFate {
        let start = line.name.lowerBound
        switch line.name.count {
        case 2:
            guard head.hasToken("te", at: start) else { return .kept }
            return line.value.count == 8 && head.hasToken("trailers", at: line.value.lowerBound) ? .kept : .dropped
        case 4: return head.hasToken("host", at: start) ? .host : .kept
        case 7: return head.hasToken("upgrade", at: start) ? .upgrade : .kept
        case 10: return Self.isConnection(head, start) ? .dropped : .kept
        case 12: return head.hasToken("x-request-id", at: start) ? .keptUnindexed : .kept
        case 14: return head.hasToken("http2-settings", at: start) ? .dropped : .kept
        case 16: return head.hasToken("proxy-connection", at: start) ? .dropped : .kept
        case 17:
            if head.hasToken("transfer-encoding", at: start) { return .dropped }
            return head.hasToken("sec-websocket-key", at: start) ? .webSocketKey : .kept
        default: return .kept
        }
    }

    private static func isConnection(_ head: Span<UInt8>, _ start: Int) -> Bool {
        head.hasToken("connection", at: start) || head.hasToken("keep-alive", at: start)
    }
}
