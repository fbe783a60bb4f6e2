internal import CNetfilter

/// The bytes of one batch under construction: netlink messages end to end.
///
/// Unsafe invariants of this file: `base` owns `capacity` bytes; a message is only built where
/// `reserved` bytes are free, which is more than libnftnl ever writes into one message (a nested
/// attribute ends at 64 KiB); offsets stay valid while addresses move.
@safe
struct NetlinkBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    /// Room for one message: its elements stop at 64 KiB, the rest is small.
    private static let reserved = 256 << 10

    init() {
        self.capacity = Self.reserved * 2
        unsafe self.base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        unsafe self.base.deallocate()
    }

    /// Appends one message: its header, then what `body` puts into it.
    mutating func appendMessage(
        _ type: Int32,
        family: UInt8,
        flags: Int32,
        sequence: UInt32,
        _ body: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) {
        self.reserve()
        let start = unsafe (self.base + self.count).assumingMemoryBound(to: CChar.self)
        guard
            let header = unsafe nftnl_nlmsg_build_hdr(
                start, UInt16(type), UInt16(family), UInt16(flags | NLM_F_REQUEST), sequence
            )
        else { preconditionFailure("a header is always built") }
        unsafe body(header)
        unsafe self.advance(header)
    }

    /// Appends the frame message that opens a batch.
    mutating func appendBegin(sequence: UInt32, generation: UInt32?) {
        self.reserve()
        let start = unsafe (self.base + self.count).assumingMemoryBound(to: CChar.self)
        guard let header = unsafe nftnl_batch_begin(start, sequence) else { preconditionFailure("no header") }
        if let generation {
            unsafe mnl_attr_put_u32(header, UInt16(NFNL_BATCH_GENID.rawValue), generation.bigEndian)
        }
        unsafe self.advance(header)
    }

    /// Appends the frame message that closes a batch. Only one message asks for an acknowledgement, this
    /// one where the kernel gives it: with one on each, good messages of a refused batch would answer
    /// success.
    mutating func appendEnd(sequence: UInt32, isAcknowledged: Bool) {
        self.reserve()
        let start = unsafe (self.base + self.count).assumingMemoryBound(to: CChar.self)
        guard let header = unsafe nftnl_batch_end(start, sequence) else { preconditionFailure("no header") }
        if isAcknowledged { unsafe header.pointee.nlmsg_flags |= UInt16(NLM_F_ACK) }
        unsafe self.advance(header)
    }

    /// Sets `NLM_F_ACK` on the message at `offset`.
    mutating func requestAcknowledgement(at offset: Int) {
        let header = unsafe (self.base + offset).assumingMemoryBound(to: nlmsghdr.self)
        unsafe header.pointee.nlmsg_flags |= UInt16(NLM_F_ACK)
    }

    borrowing func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(NftablesError) -> Result)
        throws(NftablesError) -> Result
    {
        try unsafe body(UnsafeRawBufferPointer(start: self.base, count: self.count))
    }

    private mutating func reserve() {
        guard self.capacity - self.count < Self.reserved else { return }
        let larger = max(self.capacity * 2, self.count + Self.reserved)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        unsafe moved.copyMemory(from: self.base, byteCount: self.count)
        unsafe self.base.deallocate()
        unsafe self.base = moved
        self.capacity = larger
    }

    private mutating func advance(_ header: UnsafeMutablePointer<nlmsghdr>) {
        self.count += Int(unsafe header.pointee.nlmsg_len + 3) & ~3
    }
}
