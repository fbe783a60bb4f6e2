import Glibc
import Linux

/// Two non-blocking stream sockets that are connected: one is the server's, on the other the test speaks.
///
/// Unsafe invariants of this file: buffers live through the call that they are lent to.
final class SocketPair {
    enum Kind {
        /// Takes what is sent at once.
        case local
        /// Over loopback, where connections can be reset.
        case tcp
    }

    let server: Int32
    private(set) var far: Int32

    init(_ kind: Kind = .local) throws {
        switch kind {
        case .local:
            var pair: [Int32] = [-1, -1]
            try require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair), "socketpair")
            (self.server, self.far) = (pair[0], pair[1])
        case .tcp:
            let listener = try Listener()
            self.far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            try listener.connect(self.far)
            self.server = accept(listener.number, nil, nil)
        }
        for number in [self.server, self.far] { try makeNonBlocking(number) }
    }

    deinit {
        Glibc.close(self.server)
        if self.far >= 0 { Glibc.close(self.far) }
    }

    /// Sends all of `bytes` from the far end; the sockets' buffers have to have room.
    func send(_ bytes: [UInt8]) throws {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(self.far, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == bytes.count else { throw SystemError(number: errno, call: "send") }
    }

    /// What has come to the far end, at most `limit` bytes; empty if nothing, nil after the end.
    func receive(limit: Int = 64 << 10) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(self.far, $0.baseAddress, $0.count, 0) }
        if count < 0 { return errno == EAGAIN ? [] : nil }
        return count == 0 ? nil : Array(buffer[..<count])
    }

    /// Ends the far direction and leaves the other open.
    func endSending() { Glibc.shutdown(self.far, Int32(SHUT_WR)) }

    func closeFarEnd() {
        Glibc.close(self.far)
        self.far = -1
    }

    /// Closes the far end such that the server's gets a reset. TCP only.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(self.far, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        self.closeFarEnd()
    }

    /// The smallest buffers that the kernel gives.
    func shrinkBuffers() {
        var size: Int32 = 4096
        for number in [self.server, self.far] {
            unsafe setsockopt(number, SOL_SOCKET, SO_SNDBUF, &size, 4)
            unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
    }
}

/// A TCP listener on a port of loopback that the kernel chooses.
final class Listener: Sendable {
    let number: Int32
    let port: UInt16

    init() throws {
        self.number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = self.number
        self.port = try unsafe withUnsafeMutablePointer(to: &address) { pointer throws in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer throws in
                try require(unsafe bind(number, pointer, length), "bind")
                try require(listen(number, 128), "listen")
                try require(unsafe getsockname(number, pointer, &length), "getsockname")
            }
            return UInt16(bigEndian: unsafe pointer.pointee.sin_port)
        }
    }

    deinit { Glibc.close(self.number) }

    func connect(_ number: Int32) throws { try Self.connect(number, port: self.port) }

    /// A new socket that is connected to a port of loopback.
    static func connect(port: UInt16) throws -> Int32 {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try self.connect(number, port: port)
        return number
    }

    private static func connect(_ number: Int32, port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try require(result, "connect")
    }
}

func makeNonBlocking(_ number: Int32) throws { try require(fcntl(number, F_SETFL, O_NONBLOCK), "fcntl") }

func require(_ result: Int32, _ call: String) throws {
    if result < 0 { throw SystemError(number: errno, call: call) }
}

/// Whether `body` raises SIGPIPE on this thread, whatever the process does with that signal: a blocked signal stays pending
/// even where it is ignored.
func raisesBrokenPipe(_ body: () -> Void) -> Bool {
    var pipe = sigset_t()
    var old = sigset_t()
    var pending = sigset_t()
    unsafe sigemptyset(&pipe)
    unsafe sigaddset(&pipe, SIGPIPE)
    unsafe pthread_sigmask(SIG_BLOCK, &pipe, &old)
    body()
    unsafe sigpending(&pending)
    let isRaised = unsafe sigismember(&pending, SIGPIPE) == 1
    var none = timespec()
    if isRaised { unsafe sigtimedwait(&pipe, nil, &none) }
    unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
    return isRaised
}
