import Lab
import Linux
import Logging
import Observability
import ServiceLifecycle
import Synchronization
import Testing

@Suite struct AccessLogTests {
    private static let silent = Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Runs `body` while a writer runs, and ends that in good order.
    private static func with(
        _ path: String, room: Int = AccessLogSink.defaultRoom, _ body: (AccessLogWriter) async throws -> Void
    ) async throws {
        let writer = try AccessLogWriter(.file(path), sink: try AccessLogSink(room: room), logger: Self.silent)
        let group = ServiceGroup(services: [writer], logger: Self.silent)
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(writer)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    private static func text(_ path: String) throws -> String {
        let file = try Descriptor.open(path, flags: 0)
        return String(decoding: try file.readToEnd(limit: 1 << 24), as: UTF8.self)
    }

    private static func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try !condition() {
            try #require(ContinuousClock.now < deadline, "\(what)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func `blocks are appended whole and in order, and written when it ends`() async throws {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        let path = "\(folder.path)/access.log"
        try await Self.with(path) { writer in
            for number in 0..<500 { writer.sink.write(Array("line \(number)\n".utf8)) }
        }
        #expect(try Self.text(path) == (0..<500).map { "line \($0)\n" }.joined())
        // What was there stays.
        try await Self.with(path) { $0.sink.write(Array("more\n".utf8)) }
        #expect(try Self.text(path).hasSuffix("line 499\nmore\n"))
    }

    @Test func `many threads may leave lines at the same time`() async throws {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        let path = "\(folder.path)/access.log"
        try await Self.with(path) { writer in
            await withTaskGroup { group in
                for thread in 0..<4 {
                    group.addTask {
                        for number in 0..<200 { writer.sink.write(Array("\(thread) \(number)\n\(thread) end\n".utf8)) }
                    }
                }
            }
        }
        let lines = try Self.text(path).split(separator: "\n")
        #expect(lines.count == 1600)
        // The two lines of a block stay together.
        for (first, second) in stride(from: 0, to: lines.count, by: 2).map({ (lines[$0], lines[$0 + 1]) }) {
            #expect(second == "\(first.prefix(1)) end")
        }
    }

    @Test func `a file that was put away is made anew`() async throws {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        let path = "\(folder.path)/access.log"
        try await Self.with(path) { writer in
            writer.sink.write(Array("first\n".utf8))
            try await Self.eventually("the first line") { try Self.text(path) == "first\n" }
            #expect(try ChildProcess.run(["mv", path, "\(path).1"]).succeeded)
            var number = 0
            try await Self.eventually("a new file") {
                number += 1
                writer.sink.write(Array("later \(number)\n".utf8))
                return (try? Self.text(path))?.hasPrefix("later") ?? false
            }
        }
        // No line is lost on the way, and none is there twice.
        let all = try (Self.text("\(path).1") + Self.text(path)).split(separator: "\n").map(String.init)
        #expect(all.first == "first")
        #expect(Array(all.dropFirst()) == (1..<all.count).map { "later \($0)" })
    }

    @Test func `what there is no room for is dropped and counted`() throws {
        let sink = try AccessLogSink(room: 10)
        sink.write(Array("12345\n".utf8))
        sink.write(Array("a\nb\nc\n".utf8))
        sink.write(Array("x\n".utf8))
        #expect(sink.droppedLines == 3)
        sink.write([])
        #expect(sink.droppedLines == 3)
    }

    @Test func `lines that cannot be written are counted, and the next are tried again`() async throws {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        let path = "\(folder.path)/logs/access.log"
        #expect(try ChildProcess.run(["mkdir", "\(folder.path)/logs"]).succeeded)
        try await Self.with(path) { writer in
            writer.sink.write(Array("first\n".utf8))
            try await Self.eventually("the first line") { (try? Self.text(path)) == "first\n" }
            #expect(try ChildProcess.run(["rm", "-r", "\(folder.path)/logs"]).succeeded)
            var count = 0
            try await Self.eventually("it cannot be made anew") {
                count += 1
                writer.sink.write(Array("lost\n".utf8))
                return writer.sink.droppedLines > 0
            }
            #expect(try ChildProcess.run(["mkdir", "\(folder.path)/logs"]).succeeded)
            try await Self.eventually("the file is back") {
                writer.sink.write(Array("again\n".utf8))
                return (try? Self.text(path))?.contains("again\n") ?? false
            }
        }
    }

    @Test func `a file that cannot be opened is an error at once`() throws {
        let sink = try AccessLogSink()
        #expect(throws: SystemError.self) {
            _ = try AccessLogWriter(.file("/proc/none/access.log"), sink: sink, logger: Self.silent)
        }
    }
}
