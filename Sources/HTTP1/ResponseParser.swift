internal import Bytes

/// Reads the head of a response, as strictly as ``RequestParser``: a backend that could be understood in two ways could
/// be made to answer one client with what another asked for.
package enum ResponseParser {
    /// Reads a head that begins with the first of `bytes`; what follows it is not looked at.
    /// - Parameter fields: gets the field lines; what it held is gone, whatever the outcome.
    package static func parse(
        _ bytes: Span<UInt8>, context: ResponseContext, limits: MessageLimits, fields: inout FieldTable
    ) -> ResponseParse {
        fields.removeAll()
        var bound = LineBound(
            start: 0, limit: limits.startLine, fault: .invalidStatusLine, bytes: bytes.count, head: limits.head)
        do throws(LineProblem) {
            let line = try StatusLine(bytes, from: 0, to: bound.end)
            var position = line.end
            while true {
                bound = LineBound(
                    start: position, limit: limits.fieldLine, fault: .fieldTooLong, bytes: bytes.count,
                    head: limits.head)
                guard position < bound.end else { throw .unfinished }
                if bytes[position] == .carriageReturn {
                    guard position &+ 1 < bound.end else { throw .unfinished }
                    guard bytes[position &+ 1] == .lineFeed else { throw .fault(.bareCarriageReturn) }
                    break
                }
                // Underscores are a matter of requests: nobody guards a response's fields by name.
                let field = try FieldLineParser.parse(bytes, from: position, to: bound.end, underscores: .allow)
                guard fields.count < fields.capacity, fields.count < limits.fields else {
                    throw .fault(.tooManyFields)
                }
                fields.append(field)
                position = Int(field.end)
            }
            return .complete(try Self.head(bytes, line, length: position &+ 2, context: context, fields: &fields))
        } catch {
            guard let fault = bound.fault(for: error) else { return .incomplete }
            return .malformed(fault)
        }
    }

    // MARK: - Meaning

    @inline(always)
    private static func head(
        _ bytes: Span<UInt8>, _ line: StatusLine, length: Int, context: ResponseContext, fields: inout FieldTable
    ) throws(LineProblem) -> ResponseHead {
        // Both are looked at even where they frame nothing: what is not sound is not passed on.
        let isChunked = try HeadSemantics.isChunked(bytes, minorVersion: line.minorVersion, fields: fields)
        let contentLength = try HeadSemantics.contentLength(bytes, fields: &fields)
        let options = try HeadSemantics.connectionOptions(bytes, fields: &fields)

        let framing: ResponseFraming
        var isUpgrade = false
        switch line.status {
        case 101:
            guard context.upgrade != .none, line.minorVersion >= 1, options.upgrade,
                fields.presence.contains(.upgrade)
            else { throw .fault(.unexpectedUpgrade) }
            isUpgrade = true
            framing = .none
        case 100..<200, 204, 304:
            framing = .none
        default:
            if context.method == .head {
                framing = .none
            } else if isChunked {
                framing = .chunked
            } else if let contentLength {
                framing = contentLength == 0 ? .none : .length(contentLength)
            } else {
                framing = .untilClose
            }
        }
        return ResponseHead(
            status: line.status,
            reason: line.reason,
            minorVersion: line.minorVersion,
            fieldsStart: line.end,
            length: length,
            framing: framing,
            keepsAlive: framing != .untilClose && options.keepsAlive(minorVersion: line.minorVersion),
            isUpgrade: isUpgrade,
            presence: fields.presence
        )
    }
}

/// A status line (RFC 9112 section 4). The space before an empty reason may be missing, as it often is.
struct StatusLine: BitwiseCopyable {
    var status: UInt16
    var reason: ByteRange
    var minorVersion: UInt8
    /// Where the next line begins.
    var end: Int

    @inline(always)
    init(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(LineProblem) {
        let lineEnd = bytes.firstControl(from: start, to: end)
        guard lineEnd &+ 1 < end, bytes[lineEnd] == .carriageReturn, bytes[lineEnd &+ 1] == .lineFeed else {
            throw Self.problem(bytes, from: start, at: lineEnd, to: end)
        }
        // HTTP/1.1 200
        guard lineEnd &- start >= 12, bytes.hasText("HTTP/1.", at: start), bytes[start &+ 8] == .space,
            lineEnd &- start == 12 || bytes[start &+ 12] == .space
        else {
            throw .fault(
                Self.isOtherVersion(bytes, from: start, to: lineEnd) ? .unsupportedVersion : .invalidStatusLine)
        }
        self.minorVersion = bytes[start &+ 7] &- 0x30
        guard self.minorVersion <= 1 else {
            throw .fault(self.minorVersion <= 9 ? .unsupportedVersion : .invalidStatusLine)
        }
        self.status = 0
        for index in start &+ 9..<start &+ 12 {
            guard bytes[index].isDigit else { throw .fault(.invalidStatusLine) }
            self.status = self.status &* 10 &+ UInt16(bytes[index] &- 0x30)
        }
        guard self.status >= 100 else { throw .fault(.invalidStatusLine) }
        let reasonStart = Swift.min(start &+ 13, lineEnd)
        self.reason = ByteRange(start: reasonStart, count: lineEnd &- reasonStart)
        self.end = lineEnd &+ 2
    }

    /// What does not begin like a response is known before its line ends: backends that speak another protocol.
    @inline(never)
    private static func problem(_ bytes: Span<UInt8>, from start: Int, at stop: Int, to end: Int) -> LineProblem {
        let version: StaticString = "HTTP/"
        for index in 0..<Swift.min(version.utf8CodeUnitCount, stop &- start)
        where !Self.isVersion(bytes[start &+ index], at: index) {
            return .fault(.invalidStatusLine)
        }
        guard stop < end else { return .unfinished }
        return .at(stop, of: bytes, to: end, lineEnd: .invalidStatusLine)
    }

    private static func isVersion(_ byte: UInt8, at index: Int) -> Bool {
        switch index {
        case 0: byte == UInt8(ascii: "H")
        case 1, 2: byte == UInt8(ascii: "T")
        case 3: byte == UInt8(ascii: "P")
        default: byte == .slash
        }
    }

    private static func isOtherVersion(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        end &- start >= 8 && bytes.hasText("HTTP/", at: start) && bytes[start &+ 5].isDigit
            && bytes[start &+ 5] != 0x31 && (bytes[start &+ 6] == .dot || bytes[start &+ 6] == .space)
    }
}
