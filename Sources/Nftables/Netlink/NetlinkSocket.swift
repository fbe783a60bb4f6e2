internal import CNetfilter
internal import Glibc

/// A netlink socket to nf_tables, owned through libmnl.
///
/// Unsafe invariants of this file: the `mnl_socket` lives from `init` to `deinit` and is closed
/// once; buffers handed to libmnl outlive the call; received bytes are only read within the closure
/// they are lent to, and only as far as `mnl_nlmsg_ok` says they reach.
@safe
struct NetlinkSocket: ~Copyable {
    private let raw: OpaquePointer
    /// The port number that the kernel knows this socket by.
    let port: UInt32

    /// - Parameter groups: multicast groups to join, `NFNLGRP_*`.
    init(groups: [UInt32] = []) throws(NftablesError) {
        guard
            let socket = unsafe mnl_socket_open2(
                NETLINK_NETFILTER, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
        else {
            throw .system(errno, "netlink socket")
        }
        guard unsafe mnl_socket_bind(socket, 0, 0) == 0 else {
            let number = errno
            unsafe mnl_socket_close(socket)
            throw .system(number, "netlink socket, bind")
        }
        for group in groups {
            var group = group
            guard
                unsafe mnl_socket_setsockopt(
                    socket, NETLINK_ADD_MEMBERSHIP, &group, socklen_t(MemoryLayout<UInt32>.size))
                    == 0
            else {
                let number = errno
                unsafe mnl_socket_close(socket)
                throw .system(number, "netlink socket, group \(group)")
            }
        }
        self.port = unsafe mnl_socket_get_portid(socket)
        unsafe self.raw = socket
        // Errors name the attribute at fault, and do not carry the request back.
        self.set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.reserveReceiveBuffer(4 << 20)
    }

    deinit {
        unsafe mnl_socket_close(self.raw)
    }

    var descriptor: Int32 { unsafe mnl_socket_get_fd(self.raw) }

    @discardableResult
    private borrowing func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(self.descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// The receive buffer holds what a commit of ours answers, or what others' commits announce.
    /// The forced size needs `CAP_NET_ADMIN`, which programming needs anyway.
    private borrowing func reserveReceiveBuffer(_ bytes: Int32) {
        if !self.set(SOL_SOCKET, SO_RCVBUFFORCE, bytes) { self.set(SOL_SOCKET, SO_RCVBUF, bytes) }
    }

    /// A batch goes out in one `sendmsg`, so the send buffer has to hold it.
    borrowing func reserveSendBuffer(_ bytes: Int) {
        let size = Int32(clamping: bytes + bytes / 4 + 65536)
        if !self.set(SOL_SOCKET, SO_SNDBUFFORCE, size) { self.set(SOL_SOCKET, SO_SNDBUF, size) }
    }

    /// Lets through only what other sockets caused: their commits, not the one at `port`.
    ///
    /// A classic BPF program on the receiving side; the kernel's announcements carry the port of
    /// the socket that caused them in `nlmsg_pid`, at offset 12.
    borrowing func ignoreAnnouncements(causedBy port: UInt32) throws(NftablesError) {
        var program = [
            sock_filter(code: UInt16(BPF_LD | BPF_W | BPF_ABS), jt: 0, jf: 0, k: 12),
            // Loads are in network order, the field is in host order.
            sock_filter(code: UInt16(BPF_JMP | BPF_JEQ | BPF_K), jt: 0, jf: 1, k: port.bigEndian),
            sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 0),
            sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: UInt32.max),
        ]
        let result = unsafe program.withUnsafeMutableBufferPointer { instructions in
            var filter = unsafe sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
            return unsafe setsockopt(
                self.descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<sock_fprog>.size)
            )
        }
        guard result == 0 else { throw .system(errno, "netlink socket, filter") }
    }

    /// Sends bytes as one datagram.
    borrowing func send(_ bytes: UnsafeRawBufferPointer) throws(NftablesError) {
        while true {
            if unsafe mnl_socket_sendto(self.raw, bytes.baseAddress, bytes.count) >= 0 { return }
            if errno != EINTR { throw .system(errno, "netlink send of \(bytes.count) bytes") }
        }
    }

    enum Received {
        case messages(Int)
        /// Nothing is queued.
        case empty
        /// The queue overflowed, or a datagram was cut: something was lost.
        case lost(Int32)
    }

    /// Receives one datagram into `buffer`.
    borrowing func receive(into buffer: UnsafeMutableRawBufferPointer) throws(NftablesError) -> Received {
        while true {
            let count = unsafe mnl_socket_recvfrom(self.raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return .messages(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .empty
            // libmnl reports a truncated datagram as ENOSPC.
            case ENOBUFS, ENOSPC: return .lost(errno)
            default: throw .system(errno, "netlink receive")
            }
        }
    }
}

extension NftablesError {
    static func system(_ number: Int32, _ subject: String) -> NftablesError {
        NftablesError(
            number == EPERM ? .notPermitted : .system,
            number: number,
            subject: subject,
            reason: number == EPERM ? "CAP_NET_ADMIN is needed in this network namespace" : Self.text(of: number)
        )
    }

    static func text(of number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "errno \(number)" }
        return unsafe String(cString: text)
    }
}
