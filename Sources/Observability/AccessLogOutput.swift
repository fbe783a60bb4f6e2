internal import Glibc
internal import Linux

/// The file or stream that the access log goes to. Lives on the writer's thread.
struct AccessLogOutput: ~Copyable {
    /// Why a block could not be written, and how much of it was.
    struct Failure: Error {
        let cause: String
        let written: Int
    }

    /// What a pipe or socket takes without waiting once poll(2) has said that it takes anything (`PIPE_BUF`, pipe(7)).
    private static let piece = 4096
    /// How long a reader may take nothing while this waits to end.
    private static let patience = Duration.seconds(1)
    /// How often it is looked whether a file is where it was.
    private static let checkInterval = Duration.seconds(1)

    private let target: AccessLogWriter.Target
    private var file: Descriptor?
    private var checkedAt: ContinuousClock.Instant?

    init(_ target: AccessLogWriter.Target) {
        self.target = target
    }

    /// Writes all of a block. A stream whose reader takes nothing is waited for until `stop` is readable; with no `stop`
    /// a second.
    mutating func write(_ block: [UInt8], stop: Int32?) throws(Failure) {
        switch self.target {
        case .standardOutput: try self.writeStream(block, stop: stop)
        case .file(let path): try self.writeFile(block, path)
        }
    }

    private mutating func writeFile(_ block: [UInt8], _ path: String) throws(Failure) {
        do throws(SystemError) {
            try self.reopenIfMoved(path)
            if self.file == nil { self.file = try AccessLogFile.open(path) }
            try self.file?.write(block)
        } catch {
            self.file = nil
            throw Failure(cause: "\(error)", written: 0)
        }
    }

    private mutating func reopenIfMoved(_ path: String) throws(SystemError) {
        let now = ContinuousClock.now
        guard self.checkedAt.map({ now - $0 >= Self.checkInterval }) ?? true else { return }
        self.checkedAt = now
        guard let file = self.file.take() else { return }
        let isThere = try FileStatus(of: file)
        // Nothing there, or another one: both mean that this one was put away.
        if let named = try? FileStatus(path), named.isSameFile(as: isThere) { self.file = consume file }
    }

    private func writeStream(_ block: [UInt8], stop: Int32?) throws(Failure) {
        var written = 0
        do throws(SystemError) {
            while written < block.count {
                guard try Poller.wait(writable: STDOUT_FILENO, unless: stop, timeout: stop == nil ? Self.patience : nil)
                else { throw SystemError(number: EAGAIN, call: "write", subject: "standard output") }
                let end = min(block.count, written + Self.piece)
                written += try StandardOutput.write(block[written..<end])
            }
        } catch {
            throw Failure(cause: "\(error)", written: written)
        }
    }
}

/// How its file is opened. A pipe that nobody reads from is an error at once and not a wait for ever.
enum AccessLogFile {
    static func open(_ path: String) throws(SystemError) -> Descriptor {
        try Descriptor.open(path, flags: O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode: 0o640)
    }
}
