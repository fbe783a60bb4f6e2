/// Where frames begin and end (RFC 9113 section 4.1), so that nghttp2 is given one at a time.
struct FrameTracker: BitwiseCopyable {
    /// What a frame's header says.
    struct Header: BitwiseCopyable, Hashable {
        var length: Int
        var type: UInt8
        var flags: UInt8
        var stream: HTTP2StreamID

        /// Whether the frame is answered with one of its type as a matter of course.
        var isAcknowledged: Bool {
            (self.type == FrameType.settings || self.type == FrameType.ping)
                && self.flags & FrameFlags.acknowledgement == 0
        }
    }

    /// A piece that can be passed on.
    struct Piece: BitwiseCopyable, Hashable {
        /// So many bytes.
        var count: Int
        /// Whether the frame's header became known with them.
        var starts: Bool
        /// Whether they are the frame's last.
        var ends: Bool
    }

    static let headerSize = 9

    /// Of the frame that is coming. Meaningful once a piece started it.
    private(set) var header = Header(length: 0, type: 0, flags: 0, stream: 0)
    /// The first eight bytes of a header that came in pieces.
    private var partial: UInt64 = 0
    private var partialCount = 0
    /// Bytes of the payload, or of the preface, that are still to come.
    private var remaining: Int

    /// - Parameter preface: bytes before the first frame: a client's 24 (RFC 9113 section 3.4).
    init(preface: Int) { self.remaining = preface }

    /// What to pass on of `bytes`, of which there is at least one.
    mutating func next(_ bytes: Span<UInt8>) -> Piece {
        if self.remaining > 0 {
            let count = min(self.remaining, bytes.count)
            self.remaining &-= count
            return Piece(count: count, starts: false, ends: self.remaining == 0)
        }
        if _fastPath(self.partialCount == 0 && bytes.count >= Self.headerSize) {
            self.header = Header(
                length: Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2]), type: bytes[3], flags: bytes[4],
                stream: Int32(bytes[5] & 0x7f) << 24 | Int32(bytes[6]) << 16 | Int32(bytes[7]) << 8 | Int32(bytes[8]))
            return self.begin(Self.headerSize, of: bytes.count)
        }
        return self.nextOfHeader(bytes)
    }

    /// A header that comes in pieces.
    @inline(never)
    private mutating func nextOfHeader(_ bytes: Span<UInt8>) -> Piece {
        let missing = Self.headerSize &- self.partialCount
        var index = 0
        while index < missing {
            guard index < bytes.count else { return Piece(count: index, starts: false, ends: false) }
            let byte = bytes[index]
            if self.partialCount < 8 {
                self.partial = self.partial << 8 | UInt64(byte)
            } else {
                self.header = Header(
                    length: Int(self.partial >> 40),
                    type: UInt8(truncatingIfNeeded: self.partial >> 32),
                    flags: UInt8(truncatingIfNeeded: self.partial >> 24),
                    stream: Int32(truncatingIfNeeded: (self.partial & 0x7f_ffff) << 8 | UInt64(byte)))
            }
            self.partialCount &+= 1
            index &+= 1
        }
        self.partial = 0
        self.partialCount = 0
        return self.begin(missing, of: bytes.count)
    }

    /// The header is known, `start` bytes of `count` belonged to it.
    @inline(always)
    private mutating func begin(_ start: Int, of count: Int) -> Piece {
        let payload = min(self.header.length, count &- start)
        self.remaining = self.header.length &- payload
        return Piece(count: start &+ payload, starts: true, ends: self.remaining == 0)
    }
}

/// RFC 9113 section 6.
enum FrameType {
    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let resetStream: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let pushPromise: UInt8 = 0x5
    static let ping: UInt8 = 0x6
    static let goAway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9
}

enum FrameFlags {
    static let acknowledgement: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let padded: UInt8 = 0x8
}
