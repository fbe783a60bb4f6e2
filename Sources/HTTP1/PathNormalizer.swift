package import Bytes

/// What is done with `%2F` and `%5C` in a path, which some backends take for separators.
@frozen
package enum EncodedSlashPolicy: UInt8, Hashable, Sendable, CaseIterable {
    /// They stay as they are, and are characters like others when routes are matched.
    case keep
    /// The request is refused.
    case reject
}

/// A path as routes are matched with it and backends get it.
@frozen
package enum NormalPath: BitwiseCopyable, Hashable, Sendable {
    /// It is so already: a range of the request.
    case unchanged(ByteRange)
    /// A range of what can be read in the scratch buffer.
    case rewritten(ByteRange)
    case refused(Refusal)
}

/// Makes a path such that nobody behind can read another one in it: dot segments are resolved, slashes in a row become one,
/// percent-encoded characters that need no encoding are decoded (RFC 3986 section 6.2.2), once. What is
/// matched and what is forwarded are the same string, so a rule for `/admin` cannot be passed by as `/public/%2e%2e/admin`.
///
/// Refused: dot segments that lead above the root or that a parameter or an encoded slash hides (`/..;/`, `/..%2f`),
/// `\`, `%00`, and `%` without two hexadecimal digits. Anything else stays as it was sent, `;parameters`
/// and the case of hexadecimal digits included.
package enum PathNormalizer {
    /// - Parameter scratch: has room for the path, which ``MessageLimits/startLine`` bounds. A path that has to be changed is
    ///   appended there; after a refusal there may be a part of it.
    package static func normalize(
        _ bytes: Span<UInt8>, _ head: RequestHead, encodedSlashes: EncodedSlashPolicy = .keep,
        into scratch: inout ByteBuffer
    ) -> NormalPath {
        if _fastPath(head.form != .asterisk && Self.isNormal(bytes, head.path)) { return .unchanged(head.path) }
        if head.path.isEmpty || head.form == .asterisk {
            guard scratch.space >= 1 else { return .refused(Refusal(.targetTooLong)) }
            let start = scratch.count
            scratch.append(head.form == .asterisk ? .asterisk : .slash)
            return .rewritten(ByteRange(start: start, count: 1))
        }
        return Self.normalize(bytes, head.path, encodedSlashes: encodedSlashes, into: &scratch)
    }

    /// Whether nothing in the path needs a closer look: it begins with a slash, and has no percent sign, no backslash, no slash
    /// before a slash or a dot.
    @inline(always)
    static func isNormal(_ bytes: Span<UInt8>, _ path: ByteRange) -> Bool {
        let end = path.upperBound
        var index = path.lowerBound
        guard index < end, bytes[index] == .slash else { return false }
        while index < end {
            let word = bytes.word(index)
            let slashes = word.exactEqual(.slash)
            let followers = slashes | word.exactEqual(.dot)
            var mask = word.exactEqual(.percent) | word.exactEqual(.backslash) | slashes & (followers >> 8)
            if end &- index < 8 { mask &= (1 &<< UInt64((end &- index) &* 8)) &- 1 }
            guard mask == 0 else { return false }
            // The last byte is looked at again, with its follower.
            index &+= 7
        }
        return true
    }

    /// - Parameter path: not empty.
    package static func normalize(
        _ bytes: Span<UInt8>, _ path: ByteRange, encodedSlashes: EncodedSlashPolicy, into scratch: inout ByteBuffer
    ) -> NormalPath {
        guard scratch.space >= Int(path.count) else { return .refused(Refusal(.targetTooLong)) }
        guard bytes[path.lowerBound] == .slash else { return .refused(Refusal(.invalidTarget)) }
        let root = scratch.count
        scratch.append(.slash)
        var index = path.lowerBound &+ 1
        do throws(LineProblem) {
            while true {
                let segment = scratch.count
                var mayHide = false
                while index < path.upperBound, bytes[index] != .slash {
                    index &+= try Self.copyCharacter(
                        bytes, at: index, to: path.upperBound, encodedSlashes, &mayHide, into: &scratch)
                }
                let atEnd = index == path.upperBound
                try Self.endSegment(from: segment, root: root, mayHide: mayHide, atEnd: atEnd, in: &scratch)
                if atEnd { return .rewritten(ByteRange(start: root, count: scratch.count &- root)) }
                index &+= 1
            }
        } catch {
            guard case .fault(let fault) = error else { return .refused(Refusal(.invalidTarget)) }
            return .refused(Refusal(fault))
        }
    }

    /// - Returns: how many bytes the character has.
    @inline(always)
    private static func copyCharacter(
        _ bytes: Span<UInt8>, at index: Int, to end: Int, _ encodedSlashes: EncodedSlashPolicy, _ mayHide: inout Bool,
        into scratch: inout ByteBuffer
    ) throws(LineProblem) -> Int {
        let byte = bytes[index]
        guard byte == .percent else {
            if byte == .backslash { throw .fault(.backslash) }
            if byte == .semicolon { mayHide = true }
            scratch.append(byte)
            return 1
        }
        guard index &+ 2 < end else { throw .fault(.invalidPercentEncoding) }
        let high = bytes[index &+ 1].hexValue
        let low = bytes[index &+ 2].hexValue
        guard high < 16, low < 16 else { throw .fault(.invalidPercentEncoding) }
        let decoded = high << 4 | low
        if decoded.isUnreserved {
            scratch.append(decoded)
            return 3
        }
        switch decoded {
        case 0: throw .fault(.encodedNUL)
        case .slash, .backslash:
            if encodedSlashes == .reject { throw .fault(.encodedSlash) }
            mayHide = true
        case .semicolon: mayHide = true
        default: break
        }
        scratch.append(bytes, ByteRange(start: index, count: 3))
        return 3
    }

    /// Resolves the segment that was written last.
    @inline(always)
    private static func endSegment(
        from segment: Int, root: Int, mayHide: Bool, atEnd: Bool, in scratch: inout ByteBuffer
    ) throws(LineProblem) {
        let count = scratch.count &- segment
        let isDots =
            count > 0 && count <= 2 && scratch.readable[segment] == .dot
            && scratch.readable[scratch.count &- 1] == .dot
        if isDots {
            scratch.dropLast(count)
            guard count == 2 else { return }
            guard segment &- root > 1 else { throw .fault(.pathAboveRoot) }
            scratch.dropLast(1)
            while scratch.readable[scratch.count &- 1] != .slash { scratch.dropLast(1) }
            return
        }
        if mayHide, Self.hidesDotSegment(scratch.readable, from: segment) { throw .fault(.hiddenDotSegment) }
        if count > 0, !atEnd { scratch.append(.slash) }
    }

    /// Whether a backend that cuts parameters off, or decodes encoded slashes, would find a dot segment: one or two dots
    /// between the segment's ends, encoded slashes and semicolons.
    private static func hidesDotSegment(_ text: Span<UInt8>, from start: Int) -> Bool {
        var index = start
        var dots = 0
        var hasOther = false
        while true {
            // 1 for a character that separates, 3 for an encoded one.
            var separator = 0
            var isParameter = false
            if index < text.count {
                if text[index] == .semicolon {
                    separator = 1
                    isParameter = true
                } else if text[index] == .percent {
                    let decoded = text[index &+ 1].hexValue << 4 | text[index &+ 2].hexValue
                    if decoded == .slash || decoded == .backslash || decoded == .semicolon { separator = 3 }
                    isParameter = decoded == .semicolon
                }
            }
            if index == text.count || separator > 0 {
                if !hasOther, dots == 1 || dots == 2 { return true }
                if index == text.count { return false }
                dots = 0
                // What follows a semicolon is no name until the next slash.
                hasOther = isParameter
                index &+= separator
                continue
            }
            if text[index] == .dot { dots &+= 1 } else { hasOther = true }
            index &+= 1
        }
    }
}
