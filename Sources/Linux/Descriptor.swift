internal import CLinux
internal import Glibc

/// A file descriptor with exactly one owner, closed when the owner goes.
public struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it. It is only valid while this value lives.
    public let number: Int32

    /// Takes over a descriptor that nobody else closes.
    public init(owning number: Int32) {
        precondition(number >= 0, "not a descriptor: \(number)")
        self.number = number
    }

    deinit {
        // EINTR on close still frees the number on Linux; EBADF means somebody else closed ours.
        if close(self.number) == -1, errno == EBADF {
            fatalError("descriptor \(self.number) was closed behind its owner's back")
        }
    }

    /// `open(2)`, always close-on-exec.
    public static func open(_ path: String, flags: Int32, mode: UInt32 = 0o644) throws(SystemError) -> Descriptor {
        let number = try systemCall("open", path) {
            unsafe path.withCString { unsafe fairlead_open($0, flags | O_CLOEXEC, mode) }
        }
        return Descriptor(owning: number)
    }

    /// A file in memory that holds `bytes`, to hand to a program by ``pathForChildren``.
    package static func memoryFile(_ name: String, _ bytes: some Sequence<UInt8>) throws(SystemError) -> Descriptor {
        let file = Descriptor(
            owning: try systemCall("memfd_create", name) { unsafe name.withCString { unsafe fairlead_memory_file($0) } }
        )
        try file.write(bytes)
        return file
    }

    /// The path by which another process of this user opens the same file, while this value lives.
    package var pathForChildren: String { "/proc/\(getpid())/fd/\(self.number)" }

    /// Reads at most `buffer.count` bytes; 0 at the end, nil where the call would block.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        try nonBlockingCall("read") { unsafe Glibc.read(self.number, buffer.baseAddress, buffer.count) }
    }

    /// Reads to the end, refusing more than `limit` bytes with `EFBIG`.
    public func readToEnd(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var capacity = 64 << 10
        while true {
            let start = bytes.count
            bytes.reserveCapacity(start + capacity)
            let chunk = try self.readChunk(capacity)
            if chunk.isEmpty { return bytes }
            guard start + chunk.count <= limit else {
                throw SystemError(number: EFBIG, call: "read")
            }
            bytes.append(contentsOf: chunk)
            capacity = min(capacity * 2, 8 << 20)
        }
    }

    private func readChunk(_ capacity: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            do throws(SystemError) {
                count = try systemCall("read") { unsafe Glibc.read(self.number, buffer.baseAddress, capacity) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return chunk
    }

    /// Writes all of `bytes`.
    public func write(_ bytes: some Sequence<UInt8>) throws(SystemError) {
        let bytes = Array(bytes)
        var offset = 0
        while offset < bytes.count {
            offset += try systemCall("write") {
                unsafe bytes.withUnsafeBytes { buffer in
                    unsafe Glibc.write(
                        self.number, buffer.baseAddress.map { unsafe $0 + offset }, buffer.count - offset)
                }
            }
        }
    }
}
