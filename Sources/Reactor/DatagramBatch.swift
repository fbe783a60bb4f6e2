internal import CReactor
public import Linux

/// Datagrams that were received together and are sent together: `recvmmsg(2)` and `sendmmsg(2)`, and memory that is there once
/// for a worker. Each slot takes the largest datagram there is; pages that none has reached are not there.
///
/// **Unsafe, and why it is right.** `batch` is this value's alone (`~Copyable`). Slots that are named are below `count`, which is at most
/// the capacity that the memory was made for; bits that are set in what is sent are of such slots.
@safe
public struct DatagramBatch: ~Copyable {
    /// The most that `capacity` may be: a slot is a bit.
    public static let largestCapacity = 64

    /// More than UDP has room for.
    public static let largestDatagram = 65_536

    private let batch: OpaquePointer
    public let capacity: Int
    /// How many datagrams there are, in the slots from 0 on.
    public private(set) var count = 0
    /// Over which socket each is to be sent.
    private var routes = InlineArray<64, Int32>(repeating: -1)

    /// - Parameter keepsPeers: ``peer(_:)`` says who sent what.
    public init(capacity: Int, keepsPeers: Bool) throws(SystemError) {
        precondition(capacity >= 1 && capacity <= Self.largestCapacity)
        guard let batch = unsafe fairlead_batch_make(Int32(capacity), keepsPeers ? 1 : 0) else {
            throw SystemError(number: 12, call: "mmap")  // ENOMEM
        }
        unsafe self.batch = batch
        self.capacity = capacity
    }

    deinit { unsafe fairlead_batch_free(self.batch) }

    @frozen
    public enum Arrival: BitwiseCopyable, Sendable {
        /// So many behind those that were there before. Fewer than there was room for: there are no more.
        case datagrams(Int)
        /// There are none.
        case none
        /// An errno; of a connected socket it may be what an ICMP packet said.
        case failed(Int32)
    }

    public var room: Int { self.capacity - self.count }

    /// Receives what there is room for, which must be some.
    public mutating func receive(from socket: Int32) -> Arrival {
        precondition(self.count < self.capacity)
        let result = unsafe fairlead_batch_receive(self.batch, socket, Int32(self.count))
        if result > 0 {
            self.count += Int(result)
            return .datagrams(Int(result))
        }
        return result == -11 ? .none : .failed(-result)
    }

    /// One more datagram, of our own, for which there must be room.
    public mutating func append(_ bytes: Span<UInt8>) {
        precondition(self.count < self.capacity && bytes.count <= Self.largestDatagram)
        unsafe bytes.withUnsafeBytes {
            unsafe fairlead_batch_fill(self.batch, Int32(self.count), $0.baseAddress, $0.count)
        }
        self.count += 1
    }

    public func length(_ slot: Int) -> Int {
        precondition(slot >= 0 && slot < self.count)
        return Int(unsafe fairlead_batch_length(self.batch, Int32(slot)))
    }

    /// Who sent it.
    public func peer(_ slot: Int) -> PeerAddress {
        precondition(slot >= 0 && slot < self.count)
        var peer = fairlead_peer()
        unsafe fairlead_batch_peer(self.batch, Int32(slot), &peer)
        return PeerAddress(peer)
    }

    /// The bytes of a datagram, for who wants to look at them.
    public func bytes(_ slot: Int) -> [UInt8] {
        let length = self.length(slot)
        let start = unsafe fairlead_batch_bytes(self.batch, Int32(slot))
        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: length))
    }

    // MARK: - Sending

    /// To whom ``flush()`` will send it, and over which socket.
    public mutating func address(_ slot: Int, to peer: PeerAddress, over socket: Int32) {
        precondition(slot >= 0 && slot < self.count)
        var raw = peer.raw
        unsafe fairlead_batch_address(self.batch, Int32(slot), &raw)
        self.routes[slot] = socket
    }

    /// What became of datagrams that were to be sent.
    @frozen
    public struct Departure: BitwiseCopyable, Sendable {
        public var sent = 0
        /// The first error, which ended it; or 0.
        public var error: Int32 = 0
    }

    /// Sends some slots over a socket that is connected, until there is an error.
    public mutating func send(_ slots: Range<Int>, over socket: Int32) -> Departure {
        precondition(!slots.isEmpty && slots.lowerBound >= 0 && slots.upperBound <= self.count)
        var departure = Departure()
        while departure.sent < slots.count {
            let bits = Self.bits(slots.lowerBound + departure.sent..<slots.upperBound)
            let result = unsafe fairlead_batch_send(self.batch, socket, bits, 0)
            guard result > 0 else {
                departure.error = -result
                return departure
            }
            departure.sent += Int(result)
        }
        return departure
    }

    /// Sends all to whom they are addressed, and forgets them. What a socket does not take is lost, as datagrams are.
    ///
    /// - Returns: how many were sent.
    public mutating func flush() -> Int {
        guard self.count > 0 else { return 0 }
        var left = Self.bits(0..<self.count)
        var sent = 0
        while left != 0 {
            let socket = self.routes[left.trailingZeroBitCount]
            let group = self.slots(among: left, over: socket)
            left &= ~group
            sent += self.send(group, over: socket)
        }
        self.clear()
        return sent
    }

    /// Forgets what there is.
    public mutating func clear() {
        unsafe fairlead_batch_clear(self.batch, Int32(self.count))
        self.count = 0
    }

    private func slots(among slots: UInt64, over socket: Int32) -> UInt64 {
        var group: UInt64 = 0
        var rest = slots
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            if self.routes[slot] == socket { group |= 1 << UInt64(slot) }
            rest &= rest - 1
        }
        return group
    }

    private mutating func send(_ slots: UInt64, over socket: Int32) -> Int {
        var left = slots
        var sent = 0
        while left != 0 {
            let result = unsafe fairlead_batch_send(self.batch, socket, left, 1)
            // The socket's buffer is full: there is no room for the others either.
            if result == -11 { return sent }
            sent += Int(max(result, 0))
            // Who cannot be sent to is left out; the others are not his.
            for _ in 0..<max(result, 1) { left &= left - 1 }
        }
        return sent
    }

    private static func bits(_ slots: Range<Int>) -> UInt64 {
        (slots.count == 64 ? ~0 : (1 << UInt64(slots.count)) - 1) << UInt64(slots.lowerBound)
    }
}
