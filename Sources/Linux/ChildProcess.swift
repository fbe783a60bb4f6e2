internal import CLinux
internal import Glibc
import Synchronization

/// A program that was started by us and does not outlive us.
///
/// It runs in a process group of its own, so a Ctrl-C meant for us is ours to handle, and the
/// kernel kills it when this process dies in any way. What still runs when the last reference goes
/// is killed and reaped.
package final class ChildProcess: Sendable {
    /// Where one of the child's output streams goes.
    package enum Output: Sendable {
        /// To where ours goes.
        case inherited
        /// To `/dev/null`.
        case discarded
        /// Into ``ChildProcess/output`` or ``ChildProcess/errorOutput``.
        case captured
        /// Appended to a file.
        case file(String)
    }

    package enum Status: Sendable, Hashable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signalled(let signal): "signal \(signal)"
            }
        }
    }

    package let arguments: [String]
    package let pid: Int32
    private let life: ChildLife

    /// Starts `arguments[0]`, looked up in `PATH` unless it has a slash, inside `namespace`.
    /// `environment`, as `NAME=value`, is our own unless given.
    package init(
        _ arguments: [String],
        environment: [String]? = nil,
        workingDirectory: String? = nil,
        namespace: NetworkNamespace? = nil,
        output: Output = .captured,
        errorOutput: Output = .captured
    ) throws {
        guard let name = arguments.first, let program = Self.find(name) else {
            throw SystemError(number: ENOENT, call: "posix_spawn", subject: arguments.first ?? "")
        }
        var first = try StreamEnds(output)
        var second = try StreamEnds(errorOutput)
        let plan = SpawnPlan(
            arguments: [program] + arguments.dropFirst(),
            environment: environment,
            workingDirectory: workingDirectory,
            output: first.childNumber,
            errorOutput: second.childNumber
        )
        let pid = try Spawner.shared.get().spawn(plan, in: namespace)
        // Without this the pipes would never end: our copy of the child's ends would keep them open.
        first.closeChildEnd()
        second.closeChildEnd()
        self.arguments = arguments
        self.pid = pid
        self.life = try ChildLife(pid: pid, output: first.takeOurEnd(), errorOutput: second.takeOurEnd())
    }

    deinit {
        self.life.signal(SIGKILL)
        self.life.waitForExit(timeout: nil)
    }

    package var isRunning: Bool { self.status == nil }

    /// How it ended; nil while it runs.
    package var status: Status? { self.life.status }

    /// What was captured of its standard output so far.
    package var output: String { self.life.outputText }

    /// The same, for output that need not be text.
    package var outputBytes: [UInt8] { self.life.outputBytes }

    /// What was captured of its standard error so far.
    package var errorOutput: String { self.life.errorText }

    /// Sends a signal; nothing happens once it has ended (its number may be somebody else's by then).
    package func signal(_ signal: Int32) { self.life.signal(signal) }

    /// SIGTERM, and SIGKILL if it is still there after `timeout`.
    @discardableResult
    package func terminate(timeout: Duration = .seconds(5)) -> Status? {
        self.signal(SIGTERM)
        if let status = self.waitForExit(timeout: timeout) { return status }
        self.signal(SIGKILL)
        return self.waitForExit(timeout: .seconds(5))
    }

    /// SIGKILL, and waits for the end.
    @discardableResult
    package func kill() -> Status? {
        self.signal(SIGKILL)
        return self.waitForExit(timeout: .seconds(5))
    }

    /// Waits for the end, and for the rest of the captured output. nil after `timeout`.
    @discardableResult
    package func waitForExit(timeout: Duration?) -> Status? {
        self.life.waitForExit(timeout: timeout)
        return self.status
    }

    /// The file that `name` would run.
    package static func find(_ name: String) -> String? {
        if name.contains("/") { return unsafe access(name, X_OK) == 0 ? name : nil }
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }
}

// MARK: - Running to the end

extension ChildProcess {
    /// What a program that ran to its end left behind.
    package struct Completion: Sendable {
        package let status: Status
        package let output: String
        package let errorOutput: String

        package var succeeded: Bool { self.status == .exited(0) }
    }

    /// Runs a program to its end; kills it and throws `ETIMEDOUT` after `timeout`.
    package static func run(
        _ arguments: [String],
        namespace: NetworkNamespace? = nil,
        timeout: Duration = .seconds(30)
    ) throws -> Completion {
        let child = try ChildProcess(arguments, namespace: namespace)
        guard let status = child.waitForExit(timeout: timeout) else {
            throw SystemError(number: ETIMEDOUT, call: "wait", subject: arguments.joined(separator: " "))
        }
        return Completion(status: status, output: child.output, errorOutput: child.errorOutput)
    }
}

// MARK: - Its streams and its end

/// Both ends of one output stream. Those that do not exist are nil.
private struct StreamEnds: ~Copyable {
    private var child: Descriptor?
    private var ours: Descriptor?

    init(_ output: ChildProcess.Output) throws(SystemError) {
        switch output {
        case .inherited:
            break
        case .discarded:
            self.child = try Descriptor.open("/dev/null", flags: O_WRONLY)
        case .file(let path):
            self.child = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_APPEND)
        case .captured:
            let ends = try Self.pipe()
            self.ours = Descriptor(owning: ends[0])
            self.child = Descriptor(owning: ends[1])
        }
    }

    /// pipe2(2) is a GNU extension that does not import, so no child may start between the two calls:
    /// it would keep the writing end open, and the stream would not end with its own child.
    private static func pipe() throws(SystemError) -> [Int32] {
        try Spawner.gate.withLock { _ throws(SystemError) in
            var ends: [Int32] = [-1, -1]
            _ = try systemCall("pipe") { unsafe Glibc.pipe(&ends) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return ends
        }
    }

    /// Valid until ``closeChildEnd()``.
    var childNumber: Int32? {
        switch self.child {
        case .some(let descriptor): descriptor.number
        case nil: nil
        }
    }

    mutating func closeChildEnd() { self.child = nil }

    mutating func takeOurEnd() -> Descriptor? { self.ours.take() }
}

/// What outlives the handle of a child: the threads that collect its output and its status.
private final class ChildLife: Sendable {
    private let pid: Int32
    private let reaped = Mutex<ChildProcess.Status?>(nil)
    private let output = Mutex<[UInt8]>([])
    private let errorOutput = Mutex<[UInt8]>([])
    private let threads = Mutex<[OSThread]>([])
    /// Never cleared, so everybody who waits sees it.
    private let ended: WakeUp

    init(pid: Int32, output: consuming Descriptor?, errorOutput: consuming Descriptor?) throws {
        self.pid = pid
        self.ended = try WakeUp()
        try self.collect(output) { chunk in self.output.withLock { $0 += chunk } }
        try self.collect(errorOutput) { chunk in self.errorOutput.withLock { $0 += chunk } }
        _ = try OSThread { self.awaitEnd() }
    }

    var status: ChildProcess.Status? { self.reaped.withLock { $0 } }
    var outputText: String { String(decoding: self.outputBytes, as: UTF8.self) }
    var outputBytes: [UInt8] { self.output.withLock { $0 } }
    var errorText: String { self.errorOutput.withLock { String(decoding: $0, as: UTF8.self) } }

    func signal(_ signal: Int32) {
        // Under the lock the number is still this child's: nobody else reaps it.
        self.reaped.withLock { status in
            if status == nil { _ = Glibc.kill(self.pid, signal) }
        }
    }

    func waitForExit(timeout: Duration?) {
        guard (try? Poller.wait(readable: [self.ended.number], timeout: timeout))?.isEmpty == false else { return }
        let threads = self.threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
    }

    private func awaitEnd() {
        // Looks first and reaps under the lock, so that a signal cannot hit the next user of the number.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(self.pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        self.reaped.withLock { status in
            var raw: Int32 = 0
            while unsafe waitpid(self.pid, &raw, 0) == -1, errno == EINTR {}
            status =
                fairlead_wifexited(raw) != 0
                ? .exited(fairlead_wexitstatus(raw)) : .signalled(fairlead_wtermsig(raw))
        }
        self.ended.signal()
    }

    /// Reads a stream to its end. A grandchild may hold it open for longer than the child lives;
    /// one second after the end of the child is enough of that.
    private func collect(
        _ stream: consuming Descriptor?,
        into sink: @escaping @Sendable ([UInt8]) -> Void
    ) throws(SystemError) {
        guard let stream = stream.take() else { return }
        let shared = SharedDescriptor(stream)
        let thread = try OSThread {
            var waited = Duration.zero
            while waited < .seconds(1) {
                let step = Duration.milliseconds(100)
                guard let ready = try? Poller.wait(readable: [shared.descriptor.number], timeout: step) else { return }
                if ready.isEmpty {
                    if self.status != nil { waited += step }
                    continue
                }
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe (try? shared.descriptor.read(into: $0)) ?? 0 }
                guard count > 0 else { return }
                sink(Array(buffer[..<count]))
            }
        }
        self.threads.withLock { $0.append(thread) }
    }
}

/// Carries a descriptor into the closure of a thread.
private final class SharedDescriptor: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
