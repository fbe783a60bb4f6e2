internal import CLab
internal import Glibc
internal import Linux
package import Networking

// Sockets as the lab needs them. The one file of the lab with unsafe code: each pointer made here
// points into an array that lives for the whole call, and is not kept by the kernel.

/// A transport endpoint: address and port.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    package let address: IPAddress
    package let port: UInt16

    package init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    package var description: String {
        self.address.family == .ipv4 ? "\(self.address):\(self.port)" : "[\(self.address)]:\(self.port)"
    }

    /// As `struct sockaddr_in` or `sockaddr_in6`: the family in host order, everything else in network order.
    fileprivate var bytes: [UInt8] {
        let family = self.address.family.number
        let head = [UInt8(family & 255), UInt8(family >> 8), UInt8(self.port >> 8), UInt8(self.port & 255)]
        switch self.address.family {
        case .ipv4: return head + self.address.bytes + [UInt8](repeating: 0, count: 8)
        case .ipv6: return head + [0, 0, 0, 0] + self.address.bytes + [0, 0, 0, 0]
        }
    }

    fileprivate init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        let start = bytes.startIndex
        let isIPv6 = Int32(bytes[start]) == AF_INET6
        let field = isIPv6 ? bytes.dropFirst(8).prefix(16) : bytes.dropFirst(4).prefix(4)
        guard let address = IPAddress(bytes: field) else { return nil }
        self.init(address, UInt16(bytes[start + 2]) << 8 | UInt16(bytes[start + 3]))
    }
}

extension AddressFamily {
    fileprivate var number: Int32 { self == .ipv4 ? AF_INET : AF_INET6 }
}

/// A non-blocking socket of one namespace.
struct Socket: ~Copyable, Sendable {
    enum Kind: Sendable {
        case stream, datagram, echoRequest
        /// Whole packets of a protocol that the kernel then leaves to us.
        case raw(TransportProtocol)
    }

    private let descriptor: Descriptor

    var number: Int32 { self.descriptor.number }

    /// Opens a socket in the namespace of the calling thread.
    init(_ kind: Kind, _ family: AddressFamily) throws(SystemError) {
        let (type, number): (__socket_type, Int32) =
            switch kind {
            case .stream: (SOCK_STREAM, 0)
            case .datagram: (SOCK_DGRAM, 0)
            case .echoRequest: (SOCK_DGRAM, Int32(family == .ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
            case .raw(let transport): (SOCK_RAW, Int32(transport.rawValue))
            }
        let flags = Int32(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        self.descriptor = Descriptor(
            owning: try systemCall("socket") { Glibc.socket(family.number, flags, number) })
    }

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Binds with `SO_REUSEADDR`, and to IPv6 only where it is that.
    func bind(to address: SocketAddress) throws(SystemError) {
        try self.set(SOL_SOCKET, SO_REUSEADDR, 1)
        if address.address.family == .ipv6 { try self.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        let bytes = address.bytes
        _ = try systemCall("bind", address.description) {
            unsafe bytes.withUnsafeBytes {
                let local = unsafe $0.assumingMemoryBound(to: sockaddr.self).baseAddress
                return unsafe Glibc.bind(self.number, local, socklen_t($0.count))
            }
        }
    }

    func listen(backlog: Int32 = 4096) throws(SystemError) {
        _ = try systemCall("listen") { Glibc.listen(self.number, backlog) }
    }

    /// Starts to connect; the outcome is in ``takeError()`` once the socket is writable.
    func connect(to address: SocketAddress) throws(SystemError) {
        let bytes = address.bytes
        do throws(SystemError) {
            _ = try systemCall("connect", address.description) {
                unsafe bytes.withUnsafeBytes {
                    let target = unsafe $0.assumingMemoryBound(to: sockaddr.self).baseAddress
                    return unsafe Glibc.connect(self.number, target, socklen_t($0.count))
                }
            }
        } catch  where error.number == EINPROGRESS {}
    }

    /// The next connection and who it is from; nil if there is none.
    func accept() throws(SystemError) -> AcceptedSocket? {
        var bytes = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(bytes.count)
        let number: Int32? = try nonBlockingCall("accept") {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe fairlead_lab_accept(
                    self.number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
            }
        }
        guard let number else { return nil }
        let socket = Socket(Descriptor(owning: number))
        guard let peer = SocketAddress(bytes: bytes[..<Int(length)]) else { return nil }
        return AcceptedSocket(socket: socket, peer: peer)
    }

    /// Sends what fits; nil where it would block.
    func send(_ bytes: ArraySlice<UInt8>, to address: SocketAddress? = nil) throws(SystemError) -> Int? {
        let target = address?.bytes ?? []
        return try nonBlockingCall("send") {
            unsafe bytes.withUnsafeBytes { buffer in
                unsafe target.withUnsafeBytes {
                    unsafe Glibc.sendto(
                        self.number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL),
                        $0.isEmpty ? nil : $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count)
                    )
                }
            }
        }
    }

    /// What has arrived, at most 64 KiB: nil if nothing, empty at the end of a stream.
    func receive() throws(SystemError) -> [UInt8]? { try self.receiveFrom()?.bytes }

    func receiveFrom() throws(SystemError) -> (bytes: [UInt8], from: SocketAddress?)? {
        var source = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(source.count)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count: Int? = try nonBlockingCall("recv") {
            unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe source.withUnsafeMutableBytes {
                    let source = unsafe $0.assumingMemoryBound(to: sockaddr.self).baseAddress
                    return unsafe Glibc.recvfrom(self.number, buffer.baseAddress, buffer.count, 0, source, &length)
                }
            }
        }
        guard let count else { return nil }
        return (Array(buffer[..<count]), SocketAddress(bytes: source[..<Int(length)]))
    }

    /// What has arrived and fits into `buffer` from `start` on, put there: how much, 0 at the end of a stream, nil if
    /// nothing.
    func receive(into buffer: inout [UInt8], from start: Int = 0) throws(SystemError) -> Int? {
        precondition(start < buffer.count, "no room to receive into")
        return try nonBlockingCall("recv") {
            unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.recv(self.number, $0.baseAddress.map { unsafe $0 + start }, $0.count - start, 0)
            }
        }
    }

    /// Takes at most `limit` bytes of what has arrived on a stream and forgets them where they are (`MSG_TRUNC`, tcp(7)): how
    /// many, 0 at the end, nil if nothing has.
    func discard(atMost limit: Int) throws(SystemError) -> Int? {
        try nonBlockingCall("recv") { Glibc.recv(self.number, nil, limit, Int32(MSG_TRUNC)) }
    }

    /// Sends `count` bytes of a file from its beginning, without a copy: how many, nil where it would block.
    func send(_ file: borrowing Descriptor, _ count: Int) throws(SystemError) -> Int? {
        var offset: off_t = 0
        return try nonBlockingCall("sendfile") { unsafe sendfile(self.number, file.number, &offset, count) }
    }

    /// Sends each write at once.
    func setNoDelay() throws(SystemError) { try self.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// How much has to have come before the socket counts as readable.
    func setReceiveThreshold(_ bytes: Int) throws(SystemError) {
        try self.set(SOL_SOCKET, SO_RCVLOWAT, Int32(clamping: bytes))
    }

    /// As ``setReceiveBuffer(_:)`` without the host's limit (`net.core.rmem_max`). Needs CAP_NET_ADMIN.
    func forceReceiveBuffer(_ bytes: Int) throws(SystemError) {
        try self.set(SOL_SOCKET, SO_RCVBUFFORCE, Int32(clamping: bytes))
    }

    /// How much of ours the kernel takes before it has gone; it takes twice as much as it is told.
    func setSendBuffer(_ bytes: Int) throws(SystemError) {
        try self.set(SOL_SOCKET, SO_SNDBUF, Int32(clamping: bytes))
    }

    /// The error that waits on the socket, if any, which takes it away.
    func takeError() -> Int32? {
        var error: Int32 = 0
        var length = socklen_t(4)
        guard unsafe getsockopt(self.number, SOL_SOCKET, SO_ERROR, &error, &length) == 0, error != 0 else { return nil }
        return error
    }

    /// Our end.
    func localAddress() -> SocketAddress? {
        var bytes = [UInt8](repeating: 0, count: 28)
        var length = socklen_t(bytes.count)
        let result = unsafe bytes.withUnsafeMutableBytes {
            unsafe getsockname(self.number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        return result == 0 ? SocketAddress(bytes: bytes[..<Int(length)]) : nil
    }

    /// Ends the connection with a reset, which leaves nobody in `TIME_WAIT`: a generator of load
    /// would otherwise run out of ports within half a minute.
    func resetOnClose() throws(SystemError) {
        var option = linger(l_onoff: 1, l_linger: 0)
        let length = socklen_t(MemoryLayout<linger>.size)
        _ = try systemCall("setsockopt") { unsafe setsockopt(self.number, SOL_SOCKET, SO_LINGER, &option, length) }
    }

    /// The end of what we send; the other direction stays.
    func finishSending() throws(SystemError) {
        _ = try systemCall("shutdown") { shutdown(self.number, Int32(SHUT_WR)) }
    }

    /// How much the kernel takes for us before the sender has to wait. Only before connecting is it sure to count.
    func setReceiveBuffer(_ bytes: Int) throws(SystemError) {
        try self.set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: bytes))
    }

    /// Small pieces go out at once, each as a segment of its own.
    func sendWithoutDelay() throws(SystemError) { try self.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        _ = try systemCall("setsockopt") { unsafe setsockopt(self.number, level, name, &value, 4) }
    }
}

/// A pipe whose reading end a child opens by ``Descriptor/pathForChildren``.
struct BytePipe: ~Copyable {
    let reading: Descriptor
    let writing: Descriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        _ = try systemCall("pipe") { unsafe pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.reading = Descriptor(owning: ends[0])
        self.writing = Descriptor(owning: ends[1])
    }
}

/// A connection that was just accepted.
struct AcceptedSocket: ~Copyable {
    let socket: Socket
    let peer: SocketAddress

    consuming func take() -> Socket { self.socket }
}

/// `poll(2)` for reading and writing, with timeouts below a millisecond rounded up.
enum Readiness {
    struct Interest {
        let number: Int32
        let reading: Bool
        let writing: Bool

        /// In the one or the other. That the connection has broken is told in any case.
        init(number: Int32, writing: Bool) { self.init(number: number, reading: !writing, writing: writing) }

        init(number: Int32, reading: Bool, writing: Bool) {
            self.number = number
            self.reading = reading
            self.writing = writing
        }

        fileprivate var events: Int16 { Int16((self.reading ? POLLIN : 0) | (self.writing ? POLLOUT : 0)) }
    }

    /// The indices of those that are ready or broken; empty after `timeout`.
    static func wait(_ interests: [Interest], timeout: Duration) -> [Int] {
        var entries = interests.map { pollfd(fd: $0.number, events: $0.events, revents: 0) }
        let count = nfds_t(entries.count)
        let milliseconds = Int32(clamping: (max(timeout, .zero) + .microseconds(999)).milliseconds)
        guard unsafe poll(&entries, count, milliseconds) > 0 else { return [] }
        return entries.indices.filter { entries[$0].revents != 0 }
    }

    static func wait(_ socket: borrowing Socket, writing: Bool, timeout: Duration) -> Bool {
        !self.wait([Interest(number: socket.number, writing: writing)], timeout: timeout).isEmpty
    }
}
