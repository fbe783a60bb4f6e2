internal import Bytes

/// What shows that a server understood a WebSocket's handshake: the SHA-1 of the client's key (RFC 6455 section 4.2.2).
/// Extended CONNECT has none (RFC 8441 section 5), so it is made here for a client that speaks HTTP/1.1.
struct WebSocketAccept: BitwiseCopyable, Hashable {
    /// Five words of the digest.
    private var words = Words()

    private struct Words: BitwiseCopyable, Hashable {
        var a: UInt32 = 0
        var b: UInt32 = 0
        var c: UInt32 = 0
        var d: UInt32 = 0
        var e: UInt32 = 0
    }

    /// The most bytes of a key; a right one has 24.
    static let keyLimit = 64

    init() {}

    /// nil for a key that is too long.
    init?(key: Span<UInt8>) {
        guard key.count <= Self.keyLimit else { return nil }
        let suffix: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        // Two blocks of 64 bytes hold all of it with its length.
        var message = InlineArray<128, UInt8>(repeating: 0)
        for index in 0..<key.count { message[index] = key[index] }
        var count = key.count
        for index in 0..<suffix.utf8CodeUnitCount {
            message[count] = suffix.byte(index)
            count += 1
        }
        message[count] = 0x80
        let blocks = count + 9 <= 64 ? 1 : 2
        let bits = UInt64(count) * 8
        for index in 0..<8 { message[blocks * 64 - 1 - index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)) }
        self.words = .init(a: 0x6745_2301, b: 0xefcd_ab89, c: 0x98ba_dcfe, d: 0x1032_5476, e: 0xc3d2_e1f0)
        for block in 0..<blocks { self.digest(message, from: 64 * block) }
    }

    /// FIPS 180-4 section 6.1.2.
    private mutating func digest(_ message: InlineArray<128, UInt8>, from start: Int) {
        var schedule = InlineArray<80, UInt32>(repeating: 0)
        for index in 0..<16 {
            var word: UInt32 = 0
            for byte in 0..<4 { word = word << 8 | UInt32(message[start + 4 * index + byte]) }
            schedule[index] = word
        }
        for index in 16..<80 {
            let word = schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16]
            schedule[index] = word.rotated(by: 1)
        }
        var (a, b, c, d, e) = (self.words.a, self.words.b, self.words.c, self.words.d, self.words.e)
        for index in 0..<80 {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: ((b & c) | (~b & d), 0x5a82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case 40..<60: ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = a.rotated(by: 5) &+ mix &+ e &+ constant &+ schedule[index]
            (a, b, c, d, e) = (next, a, b.rotated(by: 30), c, d)
        }
        self.words.a &+= a
        self.words.b &+= b
        self.words.c &+= c
        self.words.d &+= d
        self.words.e &+= e
    }

    /// As the field has it: 28 characters.
    func write(into buffer: inout ByteBuffer) {
        var encoder = Base64Encoder()
        for word in [self.words.a, self.words.b, self.words.c, self.words.d, self.words.e] {
            encoder.append(word, bytes: 4, into: &buffer)
        }
        encoder.finish(into: &buffer)
    }
}

/// The key of a WebSocket's handshake: 16 bytes by chance, which nobody has to guess (RFC 6455 section 4.1).
enum WebSocketKey {
    /// 24 characters.
    static func write(_ random: inout SplitMix, into buffer: inout ByteBuffer) {
        var encoder = Base64Encoder()
        for _ in 0..<2 {
            let number = random.next()
            encoder.append(UInt32(truncatingIfNeeded: number >> 32), bytes: 4, into: &buffer)
            encoder.append(UInt32(truncatingIfNeeded: number), bytes: 4, into: &buffer)
        }
        encoder.finish(into: &buffer)
    }
}

/// RFC 4648 section 4, some bytes after others.
private struct Base64Encoder {
    private var bits: UInt64 = 0
    private var count = 0
    private var total = 0

    /// The lowest `bytes` bytes, the highest of them first.
    mutating func append(_ word: UInt32, bytes: Int, into buffer: inout ByteBuffer) {
        self.bits = self.bits << UInt64(8 * bytes) | UInt64(word)
        self.count += 8 * bytes
        self.total += bytes
        while self.count >= 6 {
            self.count -= 6
            buffer.append(Self.character(UInt8(truncatingIfNeeded: self.bits >> UInt64(self.count)) & 0x3f))
        }
        self.bits &= (1 << UInt64(self.count)) - 1
    }

    mutating func finish(into buffer: inout ByteBuffer) {
        if self.count > 0 {
            buffer.append(Self.character(UInt8(truncatingIfNeeded: self.bits << UInt64(6 - self.count)) & 0x3f))
        }
        switch self.total % 3 {
        case 1: buffer.append("==")
        case 2: buffer.append("=")
        default: break
        }
    }

    private static func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: value + UInt8(ascii: "A")
        case 26..<52: value - 26 + UInt8(ascii: "a")
        case 52..<62: value - 52 + UInt8(ascii: "0")
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}

/// SplitMix64: numbers that are different each time, not secret ones.
struct SplitMix: BitwiseCopyable {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension UInt32 {
    fileprivate func rotated(by count: UInt32) -> UInt32 { self << count | self >> (32 - count) }
}
