internal import CLab
internal import Glibc
internal import Linux

// recvmmsg(2) and sendmmsg(2). Unsafe code: the memory is allocated once and freed with the batch; each message points at its
// own vector, name and bytes in it, which are as long as it says; the kernel keeps none of these pointers.

/// Datagrams that are received in one system call and sent back in another.
@safe struct DatagramBatch: ~Copyable {
    private let capacity: Int
    private let size: Int
    private let messages: UnsafeMutablePointer<fairlead_lab_message>
    private let vectors: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutableRawPointer
    private let bytes: UnsafeMutableRawPointer
    private var count = 0

    private static let nameSize = 28

    /// Up to `capacity` datagrams of at most `size` bytes; what is longer is cut off.
    init(capacity: Int, size: Int) {
        self.capacity = capacity
        self.size = size
        unsafe self.messages = .allocate(capacity: capacity)
        unsafe self.vectors = .allocate(capacity: capacity)
        unsafe self.names = .allocate(byteCount: capacity * Self.nameSize, alignment: 8)
        unsafe self.bytes = .allocate(byteCount: capacity * size, alignment: 64)
        unsafe self.messages.initialize(repeating: fairlead_lab_message(), count: capacity)
        unsafe self.vectors.initialize(repeating: iovec(), count: capacity)
        for index in 0..<capacity {
            unsafe self.vectors[index].iov_base = self.bytes + index * size
            unsafe self.messages[index].header.msg_name = self.names + index * Self.nameSize
            unsafe self.messages[index].header.msg_iov = self.vectors + index
            unsafe self.messages[index].header.msg_iovlen = 1
        }
        self.clear(capacity)
    }

    deinit {
        unsafe self.messages.deallocate()
        unsafe self.vectors.deallocate()
        unsafe self.names.deallocate()
        unsafe self.bytes.deallocate()
    }

    /// How many datagrams have come, 0 if none; they replace the former ones.
    mutating func receive(_ socket: borrowing Socket) throws(SystemError) -> Int {
        self.clear(self.count)
        self.count = 0
        let (number, capacity) = (socket.number, UInt32(self.capacity))
        let count: Int32? = try nonBlockingCall("recvmmsg") {
            unsafe fairlead_lab_receive(number, self.messages, capacity)
        }
        self.count = Int(count ?? 0)
        return self.count
    }

    /// Sends every datagram to whom it came from: how many the kernel took.
    mutating func sendBack(_ socket: borrowing Socket) throws(SystemError) -> Int {
        for index in 0..<self.count { unsafe self.vectors[index].iov_len = Int(self.messages[index].length) }
        let (number, all) = (socket.number, self.count)
        var sent = 0
        while sent < all {
            let count: Int32? = try nonBlockingCall("sendmmsg") {
                unsafe fairlead_lab_send(number, self.messages + sent, UInt32(all - sent))
            }
            guard let count, count > 0 else { break }
            sent += Int(count)
        }
        return sent
    }

    /// Makes room in the first `count` messages for whatever comes.
    private func clear(_ count: Int) {
        for index in 0..<count {
            unsafe self.vectors[index].iov_len = self.size
            unsafe self.messages[index].header.msg_namelen = socklen_t(Self.nameSize)
        }
    }
}
