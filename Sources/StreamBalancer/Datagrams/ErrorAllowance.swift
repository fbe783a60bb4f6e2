/// How many ICMP errors may be sent, as `net.ipv4.icmp_msgs_per_sec` and `icmp_msgs_burst` have it for those of the kernel, which do not count
/// ours: whoever sends with others' addresses must not find a way here to send them more.
struct ErrorAllowance: BitwiseCopyable {
    /// In a second, and at once.
    static let rate: UInt64 = 10_000
    static let burst: UInt64 = 1_000

    /// In thousandths of an error: what a millisecond gives is `rate` of these.
    private var left = Self.burst * 1_000
    private var filledAt: UInt64 = 0

    /// Whether one may be sent now.
    mutating func take(now: UInt64) -> Bool {
        let passed = now - min(self.filledAt, now)
        self.left = min(Self.burst * 1_000, self.left + min(passed, 60_000) * Self.rate)
        self.filledAt = max(self.filledAt, now)
        guard self.left >= 1_000 else { return false }
        self.left -= 1_000
        return true
    }
}
