internal import Bytes

/// How much is known of a head that arrives in pieces. Looks only at bytes that are new, and at each line once when it
/// is whole, so that a head that comes byte by byte costs no more than twice as much as one that comes at once; and
/// says that a head is malformed as soon as a line shows it. Kept per connection, for one head.
package struct HeadProgress: BitwiseCopyable, Hashable, Sendable {
    /// Everything before has been looked at.
    private var scanned: UInt32 = 0
    private var lineStart: UInt32 = 0
    private var fields: UInt16 = 0
    private var hasStartLine = false

    package init() {}

    /// Nothing has been looked at.
    package var isFresh: Bool { self.scanned == 0 }

    enum Kind: BitwiseCopyable {
        case request
        case response
    }

    enum Step: BitwiseCopyable {
        /// The head has its empty line.
        case whole
        case incomplete
        case fault(MessageFault)
    }

    /// - Parameter bytes: from the head's first byte, those of earlier looks included.
    mutating func advance(_ bytes: Span<UInt8>, _ kind: Kind, limits: MessageLimits) -> Step {
        if !self.hasStartLine, self.lineStart == 0, kind == .request {
            switch RequestParser.skipEmptyLines(bytes) {
            case .at(let start):
                self.lineStart = UInt32(truncatingIfNeeded: start)
                self.scanned = max(self.scanned, self.lineStart)
            case .unfinished: return bytes.count < limits.head ? .incomplete : .fault(.headTooLarge)
            case .fault(let fault): return .fault(fault)
            }
        }
        while true {
            let start = Int(self.lineStart)
            let bound = LineBound(
                start: start,
                limit: self.hasStartLine ? limits.fieldLine : limits.startLine,
                fault: self.hasStartLine ? .fieldTooLong : kind == .request ? .targetTooLong : .invalidStatusLine,
                bytes: bytes.count,
                head: limits.head
            )
            let stop = bytes.firstControl(from: Int(self.scanned), to: bound.end)
            if stop >= bound.end, bound.fault == nil {
                self.scanned = UInt32(truncatingIfNeeded: stop)
                return .incomplete
            }
            if stop < bound.end, bytes[stop] == .carriageReturn, stop &+ 1 == bound.end, bound.fault == nil {
                // The line feed has yet to come.
                self.scanned = UInt32(truncatingIfNeeded: stop)
                return .incomplete
            }
            // Here the line ends, or is wrong.
            do throws(LineProblem) {
                guard let end = try self.readLine(bytes, from: start, to: bound.end, kind, limits: limits) else {
                    return .whole
                }
                self.lineStart = UInt32(truncatingIfNeeded: end)
                self.scanned = self.lineStart
            } catch {
                guard let fault = bound.fault(for: error) else { return .incomplete }
                return .fault(fault)
            }
        }
    }

    /// - Returns: where the next line begins; nil behind the empty line.
    private mutating func readLine(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, _ kind: Kind, limits: MessageLimits
    ) throws(LineProblem) -> Int? {
        guard start < end else { throw .unfinished }
        guard self.hasStartLine else {
            let lineEnd =
                switch kind {
                case .request: try RequestLine(bytes, from: start, to: end).end
                case .response: try StatusLine(bytes, from: start, to: end).end
                }
            self.hasStartLine = true
            return lineEnd
        }
        if bytes[start] == .carriageReturn {
            guard start &+ 1 < end else { throw .unfinished }
            guard bytes[start &+ 1] == .lineFeed else { throw .fault(.bareCarriageReturn) }
            return nil
        }
        let underscores = kind == .request ? limits.underscores : .allow
        let line = try FieldLineParser.parse(bytes, from: start, to: end, underscores: underscores)
        guard Int(self.fields) < limits.fields else { throw .fault(.tooManyFields) }
        self.fields &+= 1
        return Int(line.end)
    }
}

extension RequestParser {
    /// The same for a head that may arrive in pieces: called whenever there are more bytes.
    /// - Parameter bytes: from the head's first byte.
    /// - Parameter progress: fresh for each head, and again after any outcome but `incomplete`.
    package static func parse(
        _ bytes: Span<UInt8>, progress: inout HeadProgress, limits: MessageLimits, fields: inout FieldTable
    ) -> RequestParse {
        if _fastPath(progress.isFresh) {
            // Most heads come at once.
            let outcome = Self.parse(bytes, limits: limits, fields: &fields)
            guard case .incomplete = outcome else { return outcome }
        }
        let step = progress.advance(bytes, .request, limits: limits)
        if case .incomplete = step { return .incomplete }
        progress = HeadProgress()
        if case .fault(let fault) = step { return .refused(Refusal(fault)) }
        return Self.parse(bytes, limits: limits, fields: &fields)
    }
}

extension ResponseParser {
    /// The same for a head that may arrive in pieces: called whenever there are more bytes.
    /// - Parameter bytes: from the head's first byte.
    /// - Parameter progress: fresh for each head, and again after any outcome but `incomplete`.
    package static func parse(
        _ bytes: Span<UInt8>, progress: inout HeadProgress, context: ResponseContext, limits: MessageLimits,
        fields: inout FieldTable
    ) -> ResponseParse {
        if _fastPath(progress.isFresh) {
            let outcome = Self.parse(bytes, context: context, limits: limits, fields: &fields)
            guard case .incomplete = outcome else { return outcome }
        }
        let step = progress.advance(bytes, .response, limits: limits)
        if case .incomplete = step { return .incomplete }
        progress = HeadProgress()
        if case .fault(let fault) = step { return .malformed(fault) }
        return Self.parse(bytes, context: context, limits: limits, fields: &fields)
    }
}
