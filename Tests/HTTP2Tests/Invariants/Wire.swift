import HTTP2

/// Frames by hand, and read again (RFC 9113 section 4.1).
enum Wire {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9

    static let endStream: UInt8 = 0x1
    static let acknowledgement: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let withPriority: UInt8 = 0x20

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int32, _ payload: [UInt8] = []) -> [UInt8] {
        let count = UInt32(payload.count)
        return [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), type, flags]
            + Self.bytes(UInt32(bitPattern: stream)) + payload
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        Self.frame(
            Self.settings, stream: 0,
            entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + Self.bytes($0.1) })
    }

    static let settingsAcknowledgement = Self.frame(Self.settings, flags: Self.acknowledgement, stream: 0)

    static func headers(_ stream: Int32, _ fields: [(String, String)], ends: Bool = true) -> [UInt8] {
        Self.frame(
            Self.headers, flags: Self.endHeaders | (ends ? Self.endStream : 0), stream: stream, Self.block(fields))
    }

    static func data(_ stream: Int32, _ text: String, ends: Bool = false) -> [UInt8] {
        Self.frame(Self.data, flags: ends ? Self.endStream : 0, stream: stream, Array(text.utf8))
    }

    static func reset(_ stream: Int32, _ code: UInt32 = 8) -> [UInt8] {
        Self.frame(Self.reset, stream: stream, Self.bytes(code))
    }

    static func windowUpdate(_ stream: Int32, _ increment: UInt32) -> [UInt8] {
        Self.frame(Self.windowUpdate, stream: stream, Self.bytes(increment))
    }

    // MARK: - HPACK

    /// Fields as literals that nobody remembers (RFC 7541 section 6.2.2), names and values as they are.
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        Self.block(fields.map { (Array($0.0.utf8), Array($0.1.utf8)) })
    }

    static func block(_ fields: [([UInt8], [UInt8])]) -> [UInt8] {
        fields.flatMap { [0x00] + Self.string($0.0) + Self.string($0.1) }
    }

    /// A string literal without Huffman coding (RFC 7541 section 5.2).
    static func string(_ bytes: [UInt8]) -> [UInt8] { Self.integer(bytes.count, prefix: 7) + bytes }

    /// RFC 7541 section 5.1, with nothing in the bits before.
    static func integer(_ number: Int, prefix: Int) -> [UInt8] {
        let most = (1 << prefix) - 1
        guard number >= most else { return [UInt8(number)] }
        var bytes = [UInt8(most)]
        var rest = number - most
        while rest >= 128 {
            bytes.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    static func get(_ path: String = "/", authority: String = "shop.example") -> [(String, String)] {
        [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)]
    }

    static func post(_ path: String = "/") -> [(String, String)] {
        [(":method", "POST"), (":scheme", "https"), (":authority", "shop.example"), (":path", path)]
    }
}

/// A frame that was sent.
struct Frame: Equatable, CustomStringConvertible {
    var type: UInt8
    var flags: UInt8
    var stream: Int32
    var payload: [UInt8]

    /// nil where the bytes end within a frame.
    static func all(_ bytes: [UInt8]) -> [Frame]? {
        var frames: [Frame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let start = rest.startIndex
            guard rest.count >= 9 else { return nil }
            let count = Int(rest[start]) << 16 | Int(rest[start + 1]) << 8 | Int(rest[start + 2])
            guard rest.count >= 9 + count else { return nil }
            let stream = rest[(start + 5)..<(start + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                Frame(
                    type: rest[start + 3], flags: rest[start + 4], stream: Int32(bitPattern: stream),
                    payload: Array(rest[(start + 9)..<(start + 9 + count)])))
            rest = rest[(start + 9 + count)...]
        }
        return frames
    }

    /// Of RST_STREAM and GOAWAY.
    var code: UInt32? {
        let bytes: ArraySlice<UInt8>
        switch self.type {
        case Wire.reset: bytes = self.payload[...]
        case Wire.goAway: bytes = self.payload.dropFirst(4).prefix(4)
        default: return nil
        }
        return bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    /// Of WINDOW_UPDATE, and the last stream of GOAWAY.
    var number: UInt32 { self.payload.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }

    var endsStream: Bool { self.type <= 1 && self.flags & Wire.endStream != 0 }

    var description: String { "\(self.type)/\(self.flags) of \(self.stream): \(self.payload.count) bytes" }
}
