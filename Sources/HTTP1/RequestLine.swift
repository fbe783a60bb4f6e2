internal import Bytes

/// A request line (RFC 9112 section 3), strictly: single spaces, CRLF, a target of visible ASCII.
struct RequestLine: BitwiseCopyable {
    var method: RequestMethod
    var methodName: ByteRange
    var form: TargetForm
    var target: ByteRange
    var path: ByteRange
    var query: ByteRange
    /// Of an absolute target.
    var authority: Authority?
    var minorVersion: UInt8
    /// Where the next line begins.
    var end: Int

    /// Reads the line that begins at `start`, which is before `end`.
    @inline(always)
    init(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(LineProblem) {
        let afterMethod: Int
        if _fastPath(start &+ 4 <= end && bytes.hasText("GET ", at: start)) {
            self.method = .get
            afterMethod = start &+ 3
        } else {
            afterMethod = try Self.methodEnd(bytes, from: start, to: end)
            self.method = try Self.method(bytes, from: start, count: afterMethod &- start)
        }
        self.methodName = ByteRange(start: start, count: afterMethod &- start)

        let targetStart = afterMethod &+ 1
        guard targetStart < end else { throw .unfinished }
        self.authority = nil
        if _fastPath(bytes[targetStart] == .slash) {
            self.form = .origin
            var index = bytes.firstOutsideTarget(from: targetStart, to: end, path: true)
            self.path = ByteRange(start: targetStart, count: index &- targetStart)
            if index < end, bytes[index] == .questionMark {
                let queryStart = index
                index = bytes.firstOutsideTarget(from: queryStart &+ 1, to: end, path: false)
                self.query = ByteRange(start: queryStart, count: index &- queryStart)
            } else {
                self.query = ByteRange(start: index, count: 0)
            }
            self.target = ByteRange(start: targetStart, count: index &- targetStart)
            try Self.requireSpace(bytes, at: index, to: end)
        } else {
            let targetEnd = bytes.firstOutsideTarget(from: targetStart, to: end, path: false)
            try Self.requireSpace(bytes, at: targetEnd, to: end)
            self.target = ByteRange(start: targetStart, count: targetEnd &- targetStart)
            self.form = .asterisk
            self.path = self.target
            self.query = ByteRange(start: targetEnd, count: 0)
            self.minorVersion = 0
            self.end = targetEnd
            if targetEnd &- targetStart != 1 || bytes[targetStart] != .asterisk {
                try self.readAbsolute(bytes)
            } else if self.method != .options, !bytes.equals("pri", self.methodName) {
                throw .fault(.invalidTarget)
            }
        }

        let version = self.target.upperBound &+ 1
        if _fastPath(
            version &+ 10 <= end && bytes.hasText("HTTP/1.1", at: version)
                && bytes[version &+ 8] == .carriageReturn && bytes[version &+ 9] == .lineFeed)
        {
            self.minorVersion = 1
            self.end = version &+ 10
        } else {
            (self.minorVersion, self.end) = try Self.unusualVersion(bytes, from: version, to: end, line: start)
        }
        if self.form == .asterisk, self.method == .other { throw .fault(.invalidTarget) }
    }

    // MARK: - Method

    @inline(never)
    private static func methodEnd(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(LineProblem) -> Int {
        var index = start
        while index < end, bytes[index].isToken {
            index &+= 1
            guard index &- start <= MessageLimits.method else { throw .fault(.unknownMethod) }
        }
        guard index < end else { throw .unfinished }
        guard bytes[index] == .space, index > start else {
            if bytes[index] < .space || bytes[index] == 0x7f {
                throw LineProblem.at(index, of: bytes, to: end, lineEnd: .invalidMethod)
            }
            throw .fault(.invalidMethod)
        }
        return index
    }

    @inline(never)
    private static func method(
        _ bytes: Span<UInt8>, from start: Int, count: Int
    ) throws(LineProblem) -> RequestMethod {
        switch count {
        case 3:
            if bytes.hasText("GET", at: start) { return .get }
            if bytes.hasText("PUT", at: start) { return .put }
        case 4:
            if bytes.hasText("POST", at: start) { return .post }
            if bytes.hasText("HEAD", at: start) { return .head }
        case 5:
            if bytes.hasText("PATCH", at: start) { return .patch }
            if bytes.hasText("TRACE", at: start) { throw .fault(.methodNotAllowed) }
        case 6:
            if bytes.hasText("DELETE", at: start) { return .delete }
        case 7:
            if bytes.hasText("OPTIONS", at: start) { return .options }
            if bytes.hasText("CONNECT", at: start) { throw .fault(.methodNotAllowed) }
        default: break
        }
        return .other
    }

    // MARK: - Target

    /// Where the target ends there has to be a space.
    @inline(always)
    private static func requireSpace(_ bytes: Span<UInt8>, at index: Int, to end: Int) throws(LineProblem) {
        if _fastPath(index < end && bytes[index] == .space) { return }
        throw Self.targetProblem(bytes, at: index, to: end)
    }

    @inline(never)
    private static func targetProblem(_ bytes: Span<UInt8>, at index: Int, to end: Int) -> LineProblem {
        guard index < end else { return .unfinished }
        let byte = bytes[index]
        guard byte < .space || byte == 0x7f, byte != .tab else { return .fault(.invalidTarget) }
        // The line ends without a version: HTTP/0.9.
        return .at(index, of: bytes, to: end, lineEnd: .invalidVersion)
    }

    /// `http://authority/path?query`, without user information.
    @inline(never)
    private mutating func readAbsolute(_ bytes: Span<UInt8>) throws(LineProblem) {
        let end = self.target.upperBound
        var index = self.target.lowerBound
        while index < end, bytes[index].isLetter { index &+= 1 }
        let scheme = ByteRange(start: self.target.lowerBound, count: index &- self.target.lowerBound)
        guard bytes.equals("http", scheme) || bytes.equals("https", scheme), index &+ 3 <= end,
            bytes[index] == .colon, bytes[index &+ 1] == .slash, bytes[index &+ 2] == .slash
        else { throw .fault(.invalidTarget) }

        let authorityStart = index &+ 3
        var authorityEnd = authorityStart
        while authorityEnd < end, bytes[authorityEnd] != .slash, bytes[authorityEnd] != .questionMark {
            authorityEnd &+= 1
        }
        let text = ByteRange(start: authorityStart, count: authorityEnd &- authorityStart)
        guard !text.isEmpty, let authority = HostName.parse(bytes, text) else { throw .fault(.invalidTarget) }
        self.authority = authority

        var pathEnd = authorityEnd
        while pathEnd < end, bytes[pathEnd] != .questionMark { pathEnd &+= 1 }
        self.path = ByteRange(start: authorityEnd, count: pathEnd &- authorityEnd)
        self.query = ByteRange(start: pathEnd, count: end &- pathEnd)
        self.form = self.method == .options && authorityEnd == end ? .asterisk : .absolute
    }

    // MARK: - Version

    /// Anything but `HTTP/1.1` with its CRLF.
    @inline(never)
    private static func unusualVersion(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, line: Int
    ) throws(LineProblem) -> (minor: UInt8, end: Int) {
        let textEnd = bytes.firstControl(from: start, to: end)
        guard textEnd &+ 1 < end, bytes[textEnd] == .carriageReturn, bytes[textEnd &+ 1] == .lineFeed else {
            if textEnd >= end { throw .unfinished }
            throw LineProblem.at(textEnd, of: bytes, to: end, lineEnd: .invalidVersion)
        }
        guard textEnd &- start == 8, bytes.hasText("HTTP/", at: start),
            bytes[start &+ 5].isDigit, bytes[start &+ 6] == .dot, bytes[start &+ 7].isDigit
        else {
            // A space in the target looks like this.
            var index = start
            while index < textEnd {
                if bytes[index] == .space { throw .fault(.invalidTarget) }
                index &+= 1
            }
            throw .fault(.invalidVersion)
        }
        let minor = bytes[start &+ 7] &- 0x30
        guard bytes[start &+ 5] == 0x31, minor <= 1 else {
            // `PRI * HTTP/2.0` (RFC 9113 section 3.4)
            throw .fault(bytes.hasText("PRI * HTTP/2.0", at: line) ? .http2Preface : .unsupportedVersion)
        }
        return (minor, textEnd &+ 2)
    }
}
