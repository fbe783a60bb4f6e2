package import Bytes

/// What ``ChunkedDecoder/next(_:)`` found, and how many bytes are done with. Ranges are of the bytes that were given.
@frozen
package struct ChunkedStep: BitwiseCopyable, Hashable, Sendable {
    @frozen
    package enum Event: BitwiseCopyable, Hashable, Sendable {
        /// Bytes of the body, at least one.
        case data(ByteRange)
        /// A field of the trailer section. Where it `isDropped` it is not to be forwarded: what trailers must not say
        /// (RFC 9110 section 6.5.1), or a name that is not to be trusted.
        case trailer(FieldLine)
        /// All that can be used was used. Bytes that were not consumed are given again, with more behind them.
        case needsMore
        /// The body is over. Unconsumed bytes belong to the next message.
        case end
        /// The connection is of no use any more.
        case malformed(MessageFault)
    }

    /// Bytes that are not given again. Those of the event are among them.
    package var consumed: Int
    package var event: Event

    init(_ consumed: Int, _ event: Event) {
        self.consumed = consumed
        self.event = event
    }
}

/// Takes a chunked body apart (RFC 9112 section 7.1), strictly: CRLF at the end of each line, sizes of at most 63 bits,
/// extensions skipped up to a limit, trailer fields as strict as those of a head.
///
///     size -> blank -> extension -> sizeEnd -> data -> dataEnd -> dataLineFeed -> size
///                                           -> trailers -> done
package struct ChunkedDecoder: BitwiseCopyable, Hashable, Sendable {
    private enum State: UInt8 {
        /// In the digits of a size.
        case size
        /// Behind white space, which only an extension may follow.
        case blank
        case `extension`
        /// Behind the CR of a size.
        case sizeEnd
        case data
        case dataEnd
        case dataLineFeed
        case trailers
        case done
        case failed
    }

    private var state = State.size
    private var digits: UInt8 = 0
    private var fault = MessageFault.invalidChunkSize
    private var trailerFields: UInt16 = 0
    /// Bytes of the extension, of the trailer section.
    private var skipped: UInt32 = 0
    /// Bytes of the unfinished trailer line that were looked at.
    private var scanned: UInt32 = 0
    /// Bytes that the chunk still has.
    private var remaining: UInt64 = 0
    private let extensionLimit: UInt32
    private let trailerLimit: UInt32
    private let trailerFieldLimit: UInt16

    package init(limits: MessageLimits) {
        self.extensionLimit = UInt32(clamping: limits.chunkExtension)
        self.trailerLimit = UInt32(clamping: limits.trailers)
        self.trailerFieldLimit = UInt16(clamping: limits.trailerFields)
    }

    /// The whole body has been seen.
    package var isDone: Bool { self.state == .done }

    /// Goes on with `bytes`, up to the next thing that is worth telling.
    package mutating func next(_ bytes: Span<UInt8>) -> ChunkedStep {
        var index = 0
        do throws(LineProblem) {
            while true {
                switch self.state {
                case .data:
                    guard index < bytes.count else { return ChunkedStep(index, .needsMore) }
                    let count = Int(min(self.remaining, UInt64(bytes.count &- index)))
                    self.remaining &-= UInt64(count)
                    if self.remaining == 0 { self.state = .dataEnd }
                    return ChunkedStep(index &+ count, .data(ByteRange(start: index, count: count)))
                case .trailers:
                    return try self.nextTrailer(bytes, from: index)
                case .done:
                    return ChunkedStep(index, .end)
                case .failed:
                    return ChunkedStep(index, .malformed(self.fault))
                case .extension:
                    try self.skipExtension(bytes, &index)
                default:
                    guard index < bytes.count else { return ChunkedStep(index, .needsMore) }
                    try self.take(bytes[index])
                    index &+= 1
                }
            }
        } catch {
            guard case .fault(let fault) = error else { return ChunkedStep(index, .needsMore) }
            self.state = .failed
            self.fault = fault
            return ChunkedStep(index, .malformed(fault))
        }
    }

    // MARK: - Sizes

    /// One byte between data and data.
    @inline(always)
    private mutating func take(_ byte: UInt8) throws(LineProblem) {
        switch self.state {
        case .size:
            let value = byte.hexValue
            if _fastPath(value < 16) {
                guard self.digits < 16, self.remaining <= UInt64(Int64.max) >> 4 else { throw .fault(.chunkTooLarge) }
                self.digits &+= 1
                self.remaining = self.remaining << 4 | UInt64(value)
                return
            }
            guard self.digits > 0 else { throw .fault(Self.sizeFault(byte)) }
            switch byte {
            case .carriageReturn: self.state = .sizeEnd
            case .semicolon: self.startExtension()
            case .space, .tab: self.state = .blank
            default: throw .fault(Self.sizeFault(byte))
            }
        case .blank:
            switch byte {
            case .semicolon: self.startExtension()
            case .space, .tab:
                self.skipped &+= 1
                guard self.skipped <= self.extensionLimit else { throw .fault(.chunkExtensionTooLong) }
            default: throw .fault(Self.sizeFault(byte))
            }
        case .sizeEnd:
            guard byte == .lineFeed else { throw .fault(.bareCarriageReturn) }
            self.digits = 0
            self.skipped = 0
            self.state = self.remaining > 0 ? .data : .trailers
        case .dataEnd:
            guard byte == .carriageReturn else { throw .fault(.missingChunkEnd) }
            self.state = .dataLineFeed
        case .dataLineFeed:
            guard byte == .lineFeed else { throw .fault(.missingChunkEnd) }
            self.state = .size
        case .extension, .data, .trailers, .done, .failed: break
        }
    }

    private mutating func startExtension() {
        self.skipped &+= 1
        self.state = .extension
    }

    private static func sizeFault(_ byte: UInt8) -> MessageFault {
        byte == .lineFeed ? .bareLineFeed : .invalidChunkSize
    }

    /// Extensions are nobody's: their syntax does not matter as long as they cannot end a line.
    private mutating func skipExtension(_ bytes: Span<UInt8>, _ index: inout Int) throws(LineProblem) {
        guard index < bytes.count else { throw .unfinished }
        let end = bytes.firstControl(from: index, to: bytes.count)
        let count = UInt32(clamping: end &- index)
        guard self.skipped <= self.extensionLimit, count <= self.extensionLimit &- self.skipped else {
            throw .fault(.chunkExtensionTooLong)
        }
        self.skipped &+= count
        index = end
        guard end < bytes.count else { throw .unfinished }
        guard bytes[end] == .carriageReturn else {
            throw .fault(bytes[end] == .lineFeed ? .bareLineFeed : .controlCharacter)
        }
        index &+= 1
        self.state = .sizeEnd
    }

    // MARK: - Trailers

    private mutating func nextTrailer(_ bytes: Span<UInt8>, from start: Int) throws(LineProblem) -> ChunkedStep {
        let limit = Int(self.trailerLimit &- self.skipped)
        let end = min(bytes.count, start &+ limit)
        let isBounded = end == start &+ limit
        let stop = bytes.firstControl(from: min(start &+ Int(self.scanned), end), to: end)
        let isUnfinished = stop == end || bytes[stop] == .carriageReturn && stop &+ 1 == end
        if isUnfinished, !isBounded {
            self.scanned = UInt32(truncatingIfNeeded: stop &- start)
            return ChunkedStep(start, .needsMore)
        }
        self.scanned = 0
        guard start < end, stop &+ 1 < end || stop < end && bytes[stop] != .carriageReturn else {
            throw .fault(.trailersTooLarge)
        }
        if bytes[start] == .carriageReturn {
            guard bytes[start &+ 1] == .lineFeed else { throw .fault(.bareCarriageReturn) }
            self.state = .done
            return ChunkedStep(start &+ 2, .end)
        }
        var line = try FieldLineParser.parse(bytes, from: start, to: end, underscores: .drop)
        guard self.trailerFields < self.trailerFieldLimit else { throw .fault(.tooManyTrailers) }
        self.trailerFields &+= 1
        self.skipped &+= line.end &- UInt32(truncatingIfNeeded: start)
        if line.field != .other || TrailerFields.isForbidden(bytes, line.name) { line.isDropped = true }
        return ChunkedStep(Int(line.end), .trailer(line))
    }
}

/// Which fields a trailer section must not have (RFC 9110 section 6.5.1): those that say where a message ends, whom it is for,
/// who sends it, how it is to be treated and how its content is to be read. All of ``KnownField`` are among them.
enum TrailerFields {
    @inline(never)
    static func isForbidden(_ bytes: Span<UInt8>, _ name: ByteRange) -> Bool {
        let start = name.lowerBound
        switch name.count {
        case 3: if bytes.hasToken("age", at: start) { return true }
        case 4: if bytes.hasToken("vary", at: start) { return true }
        case 5: if bytes.hasToken("range", at: start) { return true }
        case 6: if bytes.hasToken("accept", at: start) || bytes.hasToken("pragma", at: start) { return true }
        case 7: if bytes.hasToken("expires", at: start) || bytes.hasToken("warning", at: start) { return true }
        case 11: if bytes.hasToken("retry-after", at: start) { return true }
        case 12: if bytes.hasToken("max-forwards", at: start) { return true }
        case 13: if bytes.hasToken("cache-control", at: start) { return true }
        // Made to be sent behind the content (RFC 9530 section 2).
        case 14: if bytes.hasToken("content-digest", at: start) { return false }
        case 16: if bytes.hasToken("www-authenticate", at: start) { return true }
        case 19: if bytes.hasToken("authentication-info", at: start) { return true }
        default: break
        }
        if name.count >= 3, bytes.hasToken("if-", at: start) { return true }
        if name.count >= 6, bytes.hasToken("proxy-", at: start) { return true }
        return name.count >= 8 && bytes.hasToken("content-", at: start)
    }
}
