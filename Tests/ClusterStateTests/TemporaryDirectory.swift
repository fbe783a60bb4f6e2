import Glibc
import Linux

/// A directory that goes with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let name = "/tmp/fairlead-manifests-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        self.path = name
        try Self.make(name)
    }

    deinit { Self.removeTree(self.path) }

    subscript(name: String) -> String { "\(self.path)/\(name)" }

    static func make(_ path: String) throws {
        guard unsafe mkdir(path, 0o755) == 0 else { throw SystemError(number: errno, call: "mkdir", subject: path) }
    }

    static func removeTree(_ path: String) {
        for name in (try? FileStatus.names(inDirectory: path)) ?? [] { self.removeTree("\(path)/\(name)") }
        _ = unsafe remove(path)
    }

    func write(_ name: String, _ text: String) throws {
        try Descriptor.open(self[name], flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
    }

    /// Written elsewhere, then put in place at once.
    func place(_ name: String, _ text: String) throws {
        try self.write(".\(name).tmp", text)
        try self.rename(".\(name).tmp", name)
    }

    func rename(_ old: String, _ new: String) throws {
        guard unsafe Glibc.rename(self[old], self[new]) == 0 else { throw SystemError(number: errno, call: "rename") }
    }

    func link(_ name: String, to target: String) throws {
        guard unsafe symlink(target, self[name]) == 0 else { throw SystemError(number: errno, call: "symlink") }
    }

    func hardLink(_ name: String, to target: String) throws {
        guard unsafe Glibc.link(target, self[name]) == 0 else { throw SystemError(number: errno, call: "link") }
    }

    func delete(_ name: String) throws {
        guard unsafe unlink(self[name]) == 0 else { throw SystemError(number: errno, call: "unlink") }
    }
}
