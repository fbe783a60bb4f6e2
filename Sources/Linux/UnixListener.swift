internal import CLinux
internal import Glibc

/// Why a unix socket cannot be listened on.
package struct UnixListenerError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// A living process listens there; nil: it does not say which.
        case inUse(process: Int32?)
        /// What is there is no socket, and stays.
        case occupied
        case pathTooLong
        case failed(SystemError)
    }

    package let path: String
    package let reason: Reason

    package var description: String {
        switch self.reason {
        case .inUse(let process?): "\(self.path): process \(process) listens there"
        case .inUse: "\(self.path): another process listens there"
        case .occupied: "\(self.path): something else is there, which is no socket"
        case .pathTooLong: "\(self.path): the path of a unix socket has 1 to 107 bytes"
        case .failed(let error): "\(self.path): \(error)"
        }
    }
}

/// A unix socket in the file system on which this process listens, for its own user alone (mode 0600). The file goes with
/// this value.
///
/// What a process left behind that was killed is replaced; what a living one listens on is not.
package final class UnixListener: Sendable {
    private enum Outcome {
        case made(UnixListener)
        case hindered(UnixListenerError.Reason)
    }

    package let path: String
    private let socket: Descriptor
    /// What was made at the path, so that nothing else is removed there.
    private let file: FileStatus

    private init(path: String, socket: consuming Descriptor, file: FileStatus) {
        self.path = path
        self.socket = socket
        self.file = file
    }

    deinit { self.remove() }

    /// Takes the file away, unless it is another's by now: nobody comes any more. Once is enough.
    package func remove() {
        _ = try? Self.alone(in: Self.folder(of: self.path)) { () throws(SystemError) in
            guard try FileStatus(self.path, followsLinks: false).isSameFile(as: self.file) else { return }
            _ = unsafe unlink(self.path)
        }
    }

    /// Makes the folder as well, if that is all that is missing.
    package static func open(_ path: String) throws(UnixListenerError) -> UnixListener {
        var address = sockaddr_un()
        let length = unsafe fairlead_unix_address(&address, path, path.utf8.count)
        guard length > 0 else { throw UnixListenerError(path: path, reason: .pathTooLong) }
        let outcome: Outcome
        do throws(SystemError) {
            let folder = self.folder(of: path)
            try self.makeFolder(folder)
            // Between the look at what is there and the first moment of listening nobody else may do the same.
            outcome = try self.alone(in: folder) { () throws(SystemError) in
                if let obstacle = try self.clear(path, &address, length) { return .hindered(obstacle) }
                return .made(try self.listen(path, &address, length))
            }
        } catch {
            throw UnixListenerError(path: path, reason: .failed(error))
        }
        switch outcome {
        case .made(let listener): return listener
        case .hindered(let reason): throw UnixListenerError(path: path, reason: reason)
        }
    }

    /// The same socket once more, to be closed by the caller: for whoever accepts.
    package func duplicate() throws(SystemError) -> Int32 {
        try systemCall("fcntl", self.path) { fcntl(self.socket.number, F_DUPFD_CLOEXEC, 0) }
    }

    // MARK: - What is there

    /// Removes what nobody listens on any more. Returns what stands in the way.
    private static func clear(
        _ path: String, _ address: inout sockaddr_un, _ length: socklen_t
    ) throws(SystemError) -> UnixListenerError.Reason? {
        do throws(SystemError) {
            guard try FileStatus(path, followsLinks: false).kind == .socket else { return .occupied }
        } catch  where error.number == ENOENT {
            return nil
        }
        let socket = try self.makeSocket()
        do throws(SystemError) {
            _ = try systemCall("connect", path) { unsafe self.call(connect, socket.number, &address, length) }
            let process = fairlead_peer_process(socket.number)
            return .inUse(process: process > 0 ? process : nil)
        } catch {
            switch error.number {
            case ECONNREFUSED:
                _ = try systemCall("unlink", path) { unsafe unlink(path) }
                return nil
            case ENOENT: return nil
            // Its queue is full; it is a socket of another kind.
            case EAGAIN, EPROTOTYPE: return .inUse(process: nil)
            default: throw error
            }
        }
    }

    private static func listen(
        _ path: String, _ address: inout sockaddr_un, _ length: socklen_t
    ) throws(SystemError) -> UnixListener {
        let socket = try self.makeSocket()
        // Before it has a name: the file gets this mode, and is nobody else's at any moment.
        _ = try systemCall("fchmod", path) { fchmod(socket.number, 0o600) }
        _ = try systemCall("bind", path) { unsafe self.call(bind, socket.number, &address, length) }
        _ = try systemCall("listen", path) { Glibc.listen(socket.number, 128) }
        return UnixListener(path: path, socket: socket, file: try FileStatus(path, followsLinks: false))
    }

    private static func makeSocket() throws(SystemError) -> Descriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        return Descriptor(
            owning: try systemCall("socket") { Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0) })
    }

    /// `bind` or `connect`.
    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ socket: Int32,
        _ address: inout sockaddr_un, _ length: socklen_t
    ) -> Int32 {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe function(socket, $0, length) }
        }
    }

    // MARK: - The folder

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func makeFolder(_ folder: String) throws(SystemError) {
        do throws(SystemError) {
            _ = try systemCall("mkdir", folder) { unsafe mkdir(folder, 0o755) }
        } catch  where error.number != EEXIST {
            // It may be there all the same, where nobody may make any.
            if unsafe access(folder, F_OK) != 0 { throw error }
        } catch {}
    }

    /// How long somebody else may take at most. Who holds the folder for longer does something else with it.
    private static let patience = 100
    private static let pause: UInt32 = 10_000

    /// Runs `body` while nobody else does so in that folder.
    private static func alone<Result>(
        in folder: String, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let gate = try Descriptor.open(folder, flags: O_RDONLY | O_DIRECTORY)
        for _ in 0..<self.patience {
            if flock(gate.number, LOCK_EX | LOCK_NB) == 0 { break }
            usleep(self.pause)
        }
        let result = try body()
        _ = flock(gate.number, LOCK_UN)
        return result
    }
}
