/// SipHash-2-4 (Aumasson and Bernstein 2012), a byte at a time.
struct SipHash: BitwiseCopyable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var tail: UInt64 = 0
    private var count: UInt64 = 0

    init(_ key: AffinityKey) {
        self.v0 = key.low ^ 0x736f_6d65_7073_6575
        self.v1 = key.high ^ 0x646f_7261_6e64_6f6d
        self.v2 = key.low ^ 0x6c79_6765_6e65_7261
        self.v3 = key.high ^ 0x7465_6462_7974_6573
    }

    mutating func append(_ byte: UInt8) {
        self.tail |= UInt64(byte) << (self.count & 7 * 8)
        self.count += 1
        if self.count & 7 == 0 {
            self.compress(self.tail)
            self.tail = 0
        }
    }

    mutating func finish() -> UInt64 {
        self.compress(self.count << 56 | self.tail)
        self.v2 ^= 0xff
        for _ in 0..<4 { self.round() }
        return self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    private mutating func compress(_ word: UInt64) {
        self.v3 ^= word
        self.round()
        self.round()
        self.v0 ^= word
    }

    private mutating func round() {
        self.v0 &+= self.v1
        self.v1 = Self.rotated(self.v1, 13) ^ self.v0
        self.v0 = Self.rotated(self.v0, 32)
        self.v2 &+= self.v3
        self.v3 = Self.rotated(self.v3, 16) ^ self.v2
        self.v0 &+= self.v3
        self.v3 = Self.rotated(self.v3, 21) ^ self.v0
        self.v2 &+= self.v1
        self.v1 = Self.rotated(self.v1, 17) ^ self.v2
        self.v2 = Self.rotated(self.v2, 32)
    }

    private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
}
