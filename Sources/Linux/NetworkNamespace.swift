internal import CLinux
internal import Glibc
import Synchronization

/// A network namespace with a name, kept the way `ip netns` keeps them: a bind mount in
/// `/run/netns`. One made by ``init(creating:)`` is deleted with its last reference.
///
/// Which namespace a thread is in decides where the sockets it opens and the programs it starts
/// belong. `setns(2)` moves one thread only, so everything here happens on a thread of its own
/// and the caller never changes place.
package final class NetworkNamespace: Sendable {
    package static let directory = "/run/netns"

    package let name: String
    private let descriptor: Descriptor
    private let owned: Mutex<Bool>

    /// Opens a namespace that somebody else made and will delete.
    package init(existing name: String) throws(SystemError) {
        self.name = name
        self.descriptor = try Descriptor.open(Self.path(of: name), flags: O_RDONLY)
        self.owned = Mutex(false)
    }

    /// Makes a namespace; `EEXIST` if there is one of this name.
    package init(creating name: String) throws {
        try Self.prepareDirectory()
        let path = Self.path(of: name)
        // Closed at once: the file is only the place to mount on.
        _ = try Descriptor.open(path, flags: O_RDONLY | O_CREAT | O_EXCL, mode: 0)
        do {
            try OSThread.runToEnd {
                _ = try systemCall("unshare", name) { fairlead_unshare_network() }
                _ = try systemCall("mount", path) {
                    unsafe mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil)
                }
            }
            self.descriptor = try Descriptor.open(path, flags: O_RDONLY)
        } catch {
            Self.delete(named: name)
            throw error
        }
        self.name = name
        self.owned = Mutex(true)
    }

    deinit { self.delete() }

    /// Takes the name away, if this value made it. The kernel ends the namespace itself, devices and
    /// all, once no process and no socket is left inside.
    package func delete() {
        let owned = self.owned.withLock { owned in
            defer { owned = false }
            return owned
        }
        if owned { Self.delete(named: self.name) }
    }

    /// Runs `body` on a new thread inside the namespace and waits for it.
    package func run<Value: ~Copyable>(_ body: () throws -> Value) throws -> Value {
        try OSThread.runToEnd {
            try self.enter()
            return try body()
        }
    }

    /// Opens a socket that belongs to the namespace, whichever thread uses it later.
    package func socket(family: Int32, type: Int32, protocol number: Int32 = 0) throws -> Descriptor {
        try self.run {
            let type = type | Int32(SOCK_CLOEXEC.rawValue)
            return Descriptor(owning: try systemCall("socket", self.name) { Glibc.socket(family, type, number) })
        }
    }

    /// Moves the calling thread into the namespace. For threads that stay there.
    package func enter() throws(SystemError) {
        _ = try systemCall("setns", self.name) { fairlead_setns(self.descriptor.number) }
    }

    // MARK: - All namespaces

    /// The names in `/run/netns`, sorted.
    package static func names() -> [String] {
        guard let listing = unsafe opendir(Self.directory) else { return [] }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// Takes a name away, whoever made it; nothing happens where there is none.
    package static func delete(named name: String) {
        let path = Self.path(of: name)
        // EINVAL: not mounted, as after a creation that failed half way.
        _ = unsafe umount2(path, Int32(MNT_DETACH))
        _ = unsafe unlink(path)
    }

    private static func path(of name: String) -> String { "\(Self.directory)/\(name)" }

    /// As `ip netns add` does: a shared mount point, so that a deletion is seen in every mount namespace.
    private static func prepareDirectory() throws(SystemError) {
        if unsafe mkdir(Self.directory, 0o755) == -1, errno != EEXIST {
            throw SystemError(number: errno, call: "mkdir", subject: Self.directory)
        }
        let shared = UInt(MS_SHARED | MS_REC)
        if unsafe mount("", Self.directory, "none", shared, nil) == 0 { return }
        // EINVAL: a plain directory so far; bind it to itself to make it a mount point.
        _ = try systemCall("mount", Self.directory) {
            unsafe mount(Self.directory, Self.directory, "none", UInt(MS_BIND | MS_REC), nil)
        }
        _ = try systemCall("mount", Self.directory) { unsafe mount("", Self.directory, "none", shared, nil) }
    }
}

/// A thread of the operating system: for what blocks, and for what is per thread in the kernel.
package final class OSThread: Sendable {
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let handle: Mutex<pthread_t?>

    /// Starts the thread. Without a ``join()`` it runs on by itself.
    package init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var handle = pthread_t()
        // The new thread takes over this reference; if there is no new thread, we take it back.
        let start = unsafe Unmanaged.passRetained(Start(body))
        let failure = unsafe pthread_create(&handle, nil, OSThread.main, start.toOpaque())
        guard failure == 0 else {
            unsafe start.release()
            throw SystemError(number: failure, call: "pthread_create")
        }
        self.handle = Mutex(handle)
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { start in
        if let start = unsafe start { unsafe Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body() }
        return nil
    }

    deinit {
        if let handle = self.takeHandle() { pthread_detach(handle) }
    }

    /// Waits for the end of the thread; at once if that was waited for already.
    package func join() {
        if let handle = self.takeHandle() { pthread_join(handle, nil) }
    }

    private func takeHandle() -> pthread_t? {
        self.handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
    }

    /// Runs `body` on a new thread and waits for it.
    ///
    /// `body` need not be `Sendable`: the caller stands still meanwhile, and both the start and the
    /// join of a thread order memory. Nothing of `body` is left when this returns, so it need not
    /// escape either.
    package static func runToEnd<Value: ~Copyable>(_ body: () throws -> Value) throws -> Value {
        let slot = UnsafeMutablePointer<Result<Value, any Error>>.allocate(capacity: 1)
        defer { unsafe slot.deallocate() }
        try withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            nonisolated(unsafe) let slot = unsafe slot
            let thread = try OSThread {
                do {
                    unsafe slot.initialize(to: .success(try body()))
                } catch {
                    unsafe slot.initialize(to: .failure(error))
                }
            }
            thread.join()
        }
        return try unsafe slot.move().get()
    }
}
