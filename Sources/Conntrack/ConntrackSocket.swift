internal import CNetfilter
internal import Glibc

/// A netlink socket to the connection table of the namespace it was made in, and the buffer that its
/// answers are received into.
///
/// Unsafe invariants of this file: the `mnl_socket` lives from `init` to `deinit` and is closed once;
/// so does the buffer; lent messages are only read within the closure they are lent to, and
/// `mnl_nlmsg_ok` bounds every step from one to the next.
@safe
struct ConntrackSocket: ~Copyable {
    private let raw: OpaquePointer
    private let buffer: UnsafeMutableRawBufferPointer

    /// The kernel fills dumps into pieces of at most 32 KiB; a piece must not be cut.
    private static let receiveSize = 64 << 10

    init() throws(ConntrackError) {
        let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard let socket = unsafe mnl_socket_open2(NETLINK_NETFILTER, flags) else {
            throw .system(errno, "netlink socket")
        }
        guard unsafe mnl_socket_bind(socket, 0, 0) == 0 else {
            let number = errno
            unsafe mnl_socket_close(socket)
            throw .system(number, "netlink socket, bind")
        }
        unsafe self.raw = socket
        unsafe self.buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.receiveSize, alignment: 16)
        // Errors do not carry the request back.
        self.set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        // Room for the answers of a batch of deletions, which are all queued before the first is read.
        // The forced size needs CAP_NET_ADMIN, as does everything that is asked for.
        let size: Int32 = 4 << 20
        if !self.set(SOL_SOCKET, SO_RCVBUFFORCE, size) { self.set(SOL_SOCKET, SO_RCVBUF, size) }
    }

    deinit {
        unsafe mnl_socket_close(self.raw)
        unsafe self.buffer.deallocate()
    }

    @discardableResult
    private borrowing func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        let length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe setsockopt(mnl_socket_get_fd(self.raw), level, option, &value, length) == 0
    }

    /// Sends messages as one datagram.
    borrowing func send(_ bytes: UnsafeRawBufferPointer, _ subject: String) throws(ConntrackError) {
        while unsafe mnl_socket_sendto(self.raw, bytes.baseAddress, bytes.count) < 0 {
            if errno != EINTR { throw .system(errno, subject) }
        }
    }

    enum Received {
        case messages
        /// Nothing is queued.
        case empty
        /// The queue overflowed, or a datagram was cut: something was lost.
        case lost(Int32)
    }

    /// Receives one datagram and calls `body` with each of its messages. While a dump is under way the
    /// kernel queues its next piece within this call, so `empty` means that nothing will come.
    borrowing func receive(
        _ subject: String, _ body: (UnsafePointer<nlmsghdr>) -> Void
    ) throws(ConntrackError) -> Received {
        while true {
            let count = unsafe mnl_socket_recvfrom(self.raw, self.buffer.baseAddress, self.buffer.count)
            if count >= 0 {
                unsafe self.forEachMessage(count, body)
                return .messages
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .empty
            // libmnl reports a truncated datagram as ENOSPC.
            case ENOBUFS, ENOSPC: return .lost(errno)
            default: throw .system(errno, subject)
            }
        }
    }

    /// Throws away what an earlier request left in the queue, and what is left of its dump.
    borrowing func drain() throws(ConntrackError) {
        while true {
            if case .empty = try unsafe self.receive("netlink receive", { _ in }) { return }
        }
    }

    private borrowing func forEachMessage(_ count: Int, _ body: (UnsafePointer<nlmsghdr>) -> Void) {
        guard let base = unsafe self.buffer.baseAddress else { return }
        var header = unsafe UnsafePointer(base.assumingMemoryBound(to: nlmsghdr.self))
        var left = Int32(clamping: count)
        while unsafe mnl_nlmsg_ok(header, left) {
            unsafe body(header)
            guard let next = unsafe mnl_nlmsg_next(header, &left) else { return }
            unsafe header = UnsafePointer(next)
        }
    }
}
