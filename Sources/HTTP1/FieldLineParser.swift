internal import Bytes

/// Field lines (RFC 9112 section 5), strictly: CRLF at the end, a token for a name, the colon right behind it, no folding, no
/// control characters but TAB in the value.
enum FieldLineParser {
    /// Reads the line that begins at `start`, which is before `end`.
    @inline(always)
    static func parse(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, underscores: UnderscorePolicy
    ) throws(LineProblem) -> FieldLine {
        var nameEnd = bytes.firstOutsideName(from: start, to: end)
        var hasUnderscore = false
        if _slowPath(nameEnd == start || nameEnd == end || bytes[nameEnd] != .colon) {
            nameEnd = try Self.unusualName(bytes, from: start, at: nameEnd, to: end, hasUnderscore: &hasUnderscore)
        }
        let name = ByteRange(start: start, count: nameEnd &- start)

        var valueStart = nameEnd &+ 1
        while valueStart < end, bytes[valueStart].isBlank { valueStart &+= 1 }
        let lineEnd = bytes.firstControl(from: valueStart, to: end)
        guard lineEnd &+ 1 < end, bytes[lineEnd] == .carriageReturn, bytes[lineEnd &+ 1] == .lineFeed else {
            if lineEnd == end { throw .unfinished }
            throw LineProblem.at(lineEnd, of: bytes, to: end, lineEnd: .controlCharacter)
        }
        var valueEnd = lineEnd
        while valueEnd > valueStart, bytes[valueEnd &- 1].isBlank { valueEnd &-= 1 }

        var line = FieldLine(
            name: name,
            value: ByteRange(start: valueStart, count: valueEnd &- valueStart),
            end: lineEnd &+ 2,
            field: .other,
            isDropped: false
        )
        if _fastPath(!hasUnderscore) {
            line.field = KnownField.recognize(bytes, name)
        } else {
            switch underscores {
            case .reject: throw .fault(.underscoreInFieldName)
            case .drop: line.isDropped = true
            case .allow: line.isDropped = KnownField.recognizeFoldingUnderscores(bytes, name) != .other
            }
        }
        return line
    }

    /// Where a name ends that has more than letters, digits and hyphens, or is none.
    @inline(never)
    private static func unusualName(
        _ bytes: Span<UInt8>, from start: Int, at first: Int, to end: Int, hasUnderscore: inout Bool
    ) throws(LineProblem) -> Int {
        var index = first
        while index < end, bytes[index].isToken {
            if bytes[index] == .underscore { hasUnderscore = true }
            index &+= 1
        }
        guard index < end else { throw .unfinished }
        switch bytes[index] {
        case .colon:
            guard index > start else { throw .fault(.emptyFieldName) }
            return index
        case .space, .tab:
            guard index > start else { throw .fault(.foldedField) }
            while index < end, bytes[index].isBlank { index &+= 1 }
            guard index < end else { throw .unfinished }
            throw .fault(bytes[index] == .colon ? .spaceBeforeColon : .invalidFieldName)
        case 0..<0x20, 0x7f:
            throw LineProblem.at(index, of: bytes, to: end, lineEnd: .noColon)
        default:
            throw .fault(.invalidFieldName)
        }
    }
}
