internal import CLinux
internal import Glibc

/// Makes sure that only one process of a role runs in a network namespace.
///
/// An abstract unix socket: its name belongs to the network namespace, as the kernel's rulesets do;
/// it is gone the moment its process is, however that ended; and whoever finds it taken can ask who
/// has it.
public struct InstanceLock: ~Copyable, Sendable {
    /// The name is taken.
    public struct Taken: Error, Sendable {
        /// nil if the holder ended while it was asked for.
        public let process: Int32?
        /// Its command line.
        public let command: String
    }

    private let socket: Descriptor

    private init(socket: consuming Descriptor) {
        self.socket = socket
    }

    /// Takes the lock `name`, or throws ``Taken``.
    public static func take(_ name: String) throws -> InstanceLock {
        let socket = Descriptor(
            owning: try systemCall("socket") {
                Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | self.closeOnExec, 0)
            })
        if let taken = try self.bind(socket.number, to: name) { throw taken }
        // Listening lets others connect, which is how they learn who this is. Nobody is ever accepted.
        _ = try systemCall("listen") { listen(socket.number, 1) }
        return InstanceLock(socket: socket)
    }

    /// Who has the lock `name`; nil if nobody has, or it cannot be told. It is not taken for that, so nobody who wants it is refused.
    package static func holder(of name: String) -> Taken? {
        var address = sockaddr_un()
        let length = unsafe fairlead_abstract_address(&address, name, name.utf8.count)
        return self.holder(of: &address, length).map { Taken(process: $0, command: self.command(of: $0)) }
    }

    /// nil if the name was free.
    private static func bind(_ socket: Int32, to name: String) throws(SystemError) -> Taken? {
        var address = sockaddr_un()
        let length = unsafe fairlead_abstract_address(&address, name, name.utf8.count)
        do throws(SystemError) {
            _ = try systemCall("bind", name) {
                unsafe withUnsafePointer(to: &address) { pointer in
                    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe Glibc.bind(socket, $0, length)
                    }
                }
            }
            return nil
        } catch  where error.number == EADDRINUSE {
            let holder = self.holder(of: &address, length)
            return Taken(process: holder, command: holder.map(self.command) ?? "")
        }
    }

    private static var closeOnExec: Int32 { Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue) }

    private static func holder(of address: inout sockaddr_un, _ length: socklen_t) -> Int32? {
        guard
            let number = try? systemCall(
                "socket", "", { Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0) })
        else { return nil }
        let client = Descriptor(owning: number)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(client.number, $0, length)
            }
        }
        // A full queue (EAGAIN) still names the peer on Linux only once connected: then it is not known.
        guard result == 0 else { return nil }
        let process = fairlead_peer_process(client.number)
        return process > 0 ? process : nil
    }

    private static func command(of process: Int32) -> String {
        guard let file = try? Descriptor.open("/proc/\(process)/cmdline", flags: O_RDONLY),
            let bytes = try? file.readToEnd(limit: 1 << 20)
        else { return "" }
        return String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
            .trimmingSuffix { $0 == " " }
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
