import Glibc
import Lab
import Linux
import Testing

/// Sockets in the file system: whose they are, and what becomes of what others left.
@Suite struct UnixListenerTests {
    /// A folder that goes with the test.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/fairlead-socket-XXXXXX".utf8CString)
            try #require(unsafe mkdtemp(&template) != nil)
            self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit { _ = try? ChildProcess.run(["rm", "-rf", self.path]) }
    }

    private static func mode(_ path: String) throws -> String {
        try ChildProcess.run(["stat", "--format", "%a %F", path]).output.split(separator: "\n").joined()
    }

    /// A process that listens at a path until it is killed.
    private static func holder(_ path: String) throws -> ChildProcess {
        let script =
            "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('\(path)'); s.listen(1); print('on', flush=True); time.sleep(99)"
        let process = try ChildProcess(["python3", "-c", script])
        try #require(waitUntil(timeout: .seconds(20)) { process.output.contains("on") })
        return process
    }

    @Test func `it is for this user alone, and goes with its listener`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        do {
            let listener = try UnixListener.open(path)
            #expect(try Self.mode(path) == "600 socket")
            #expect(listener.path == path)
            withExtendedLifetime(listener) {}
        }
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func `the folder is made, but not the one above it`() throws {
        let folder = try Folder()
        let listener = try UnixListener.open("\(folder.path)/run/node.sock")
        #expect(try Self.mode("\(folder.path)/run") == "755 directory")
        withExtendedLifetime(listener) {}
        let error = #expect(throws: UnixListenerError.self) { try UnixListener.open("\(folder.path)/a/b/node.sock") }
        #expect(
            error?.description == "\(folder.path)/a/b/node.sock: mkdir \(folder.path)/a/b: No such file or directory")
    }

    @Test func `what a killed process left is replaced`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        let former = try Self.holder(path)
        former.kill()
        #expect(try Self.mode(path).hasSuffix(" socket"))
        let listener = try UnixListener.open(path)
        #expect(try Self.mode(path) == "600 socket")
        withExtendedLifetime(listener) {}
    }

    @Test func `what a living process listens on is not, and it is named`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        let holder = try Self.holder(path)
        defer { holder.kill() }
        let error = #expect(throws: UnixListenerError.self) { try UnixListener.open(path) }
        #expect(error?.reason == .inUse(process: holder.pid))
        #expect(error?.description == "\(path): process \(holder.pid) listens there")
        let own = try UnixListener.open("\(folder.path)/other.sock")
        #expect(throws: UnixListenerError.self) { try UnixListener.open(own.path) }
        #expect(unsafe access(own.path, F_OK) == 0)
    }

    @Test func `what is no socket stays`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        try Descriptor.open(path, flags: O_WRONLY | O_CREAT).write("precious".utf8)
        let error = #expect(throws: UnixListenerError.self) { try UnixListener.open(path) }
        #expect(error?.reason == .occupied)
        // A link could lead anywhere.
        let link = "\(folder.path)/link.sock"
        try #require(unsafe symlink("/nowhere", link) == 0)
        #expect(#expect(throws: UnixListenerError.self) { try UnixListener.open(link) }?.reason == .occupied)
        #expect(try Descriptor.open(path, flags: O_RDONLY).readToEnd(limit: 100) == Array("precious".utf8))
    }

    @Test func `a successor's socket is not taken away`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        let listener = try UnixListener.open(path)
        try #require(unsafe unlink(path) == 0)
        let successor = try UnixListener.open(path)
        listener.remove()
        #expect(unsafe access(path, F_OK) == 0)
        successor.remove()
        #expect(unsafe access(path, F_OK) != 0)
        successor.remove()
    }

    @Test(arguments: [0, 108, 5_000])
    func `paths that no socket can have`(length: Int) throws {
        let error = #expect(throws: UnixListenerError.self) {
            try UnixListener.open(String(repeating: "x", count: length))
        }
        #expect(error?.reason == .pathTooLong)
    }

    /// Of many that begin at once on what a dead one left, one gets it.
    @Test func `only one of several gets it`() async throws {
        let folder = try Folder()
        let path = "\(folder.path)/node.sock"
        try Self.holder(path).kill()
        let listeners = await withTaskGroup(of: UnixListener?.self) { group in
            for _ in 0..<16 { group.addTask { try? UnixListener.open(path) } }
            var listeners: [UnixListener] = []
            for await listener in group { if let listener { listeners.append(listener) } }
            return listeners
        }
        #expect(listeners.count == 1)
        #expect(unsafe access(path, F_OK) == 0)
    }

    @Test func `answers of all who are asked, or none`() throws {
        let inquiry = try Inquiry<Int>(of: 2)
        #expect(inquiry.wait(.zero) == nil)
        inquiry.answer(3)
        #expect(inquiry.wait(.milliseconds(1)) == nil)
        inquiry.answer(4)
        #expect(inquiry.wait(.seconds(5)) == [3, 4])
    }

    @Test func `times of the wall clock as nanoseconds`() {
        for nanoseconds in [0, 1, 1_763_800_000_250_000_000, -1, -1_000_000_000, -1_500_000_000] as [Int64] {
            #expect(WallTime(unixNanoseconds: nanoseconds).unixNanoseconds == nanoseconds)
        }
        #expect(WallTime(unixNanoseconds: -1) == WallTime(seconds: -1, nanoseconds: 999_999_999))
        #expect(WallTime(seconds: .max).unixNanoseconds == .max)
    }
}
