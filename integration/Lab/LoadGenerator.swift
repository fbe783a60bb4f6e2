internal import Glibc
internal import Linux
package import Networking
import Synchronization

/// What became of the connections of a ``LoadGenerator``.
package struct LoadReport: Sendable {
    package internal(set) var started = 0
    package internal(set) var refused = 0
    package internal(set) var reset = 0
    package internal(set) var timedOut = 0
    package internal(set) var unreachable = 0
    /// Not started, because too many were waiting.
    package internal(set) var skipped = 0
    /// Answered connections by the name of the server.
    package internal(set) var answeredBy: [String: Int] = [:]
    /// When the latest connection that reached each server was started.
    package internal(set) var lastStart: [String: ContinuousClock.Instant] = [:]
    /// The first of those that failed: when they were started, and how long it took.
    package internal(set) var failures: [Failure] = []
    /// The longest time from start to answer.
    package internal(set) var slowest: Duration = .zero

    private static let keptFailures = 8

    package struct Failure: Sendable {
        package let result: ProbeResult
        package let start: ContinuousClock.Instant
        package let duration: Duration
    }

    package var answered: Int { self.answeredBy.values.reduce(0, +) }
    package var failed: Int { self.refused + self.reset + self.timedOut + self.unreachable }

    mutating func record(_ result: ProbeResult, startedAt start: ContinuousClock.Instant) {
        if !result.isAnswered, self.failures.count < Self.keptFailures {
            self.failures.append(Failure(result: result, start: start, duration: ContinuousClock.now - start))
        }
        switch result {
        case .answered(let name, _, let duration):
            self.answeredBy[name, default: 0] += 1
            self.lastStart[name] = max(self.lastStart[name] ?? start, start)
            self.slowest = max(self.slowest, duration)
        case .refused: self.refused += 1
        case .reset: self.reset += 1
        case .timedOut: self.timedOut += 1
        case .unreachable: self.unreachable += 1
        }
    }
}

/// Opens new TCP connections to an ``EchoServer`` at a steady rate, each from start to answer.
package final class LoadGenerator: Sendable {
    /// More than this many waiting connections are not started.
    private static let limit = 4000

    private final class Pending {
        let socket: Socket
        let attempt: Attempt
        var isConnected = false

        init(_ socket: consuming Socket, _ attempt: Attempt) {
            self.socket = socket
            self.attempt = attempt
        }

        /// nil while it is under way.
        func advance() -> ProbeResult? {
            if !self.isConnected {
                if let number = self.socket.takeError() { return self.attempt.meaning(of: number) }
                self.isConnected = true
                return nil
            }
            // The line fits one segment, so what is ready is all of it.
            return self.attempt.answer(self.socket)
        }
    }

    private let host: Host
    private let target: SocketAddress
    private let timeout: Duration
    private let state = Mutex(LoadReport())
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    /// Starts at once: `rate` connections per second for `duration`, or until ``stop()``.
    package init(
        from host: Host,
        to address: IPAddress,
        port: UInt16,
        rate: Int,
        duration: Duration = .seconds(60),
        timeout: Duration = .seconds(2)
    ) throws {
        self.host = host
        self.target = SocketAddress(address, port)
        self.timeout = Sanitizer.bound(timeout)
        let total = max(1, Int((duration / .seconds(1)) * Double(rate)))
        let interval = Duration.seconds(1) / max(1, rate)
        let thread = try OSThread { [weak self] in self?.generate(total: total, interval: interval) }
        self.thread.withLock { $0 = thread }
    }

    /// The counts so far.
    package var report: LoadReport { self.state.withLock { $0 } }

    /// Starts no more, waits for those under way, and returns the counts.
    @discardableResult
    package func stop() -> LoadReport {
        self.isStopped.store(true, ordering: .relaxed)
        return self.finish()
    }

    /// Waits for the end of the duration and returns the counts.
    package func finish() -> LoadReport {
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        return self.report
    }

    // MARK: - The thread

    private func generate(total: Int, interval: Duration) {
        guard (try? self.host.namespace.enter()) != nil else { return }
        var pending: [Pending] = []
        var due = ContinuousClock.now
        var issued = 0
        while true {
            let now = ContinuousClock.now
            let isStopped = self.isStopped.load(ordering: .relaxed)
            while !isStopped, issued < total, due <= now {
                if let attempt = self.start(waiting: pending.count) { pending.append(attempt) }
                issued += 1
                due += interval
            }
            let isDone = isStopped || issued == total
            if isDone, pending.isEmpty { return }
            // Attempts are in order of their starts, so the first one's deadline is the next.
            let deadline = pending.first.map { $0.attempt.start + self.timeout } ?? due
            self.advance(&pending, until: isDone ? deadline : min(due, deadline))
        }
    }

    private func start(waiting: Int) -> Pending? {
        let attempt = Attempt(timeout: self.timeout)
        do throws(SystemError) {
            guard waiting < Self.limit else {
                self.state.withLock { $0.skipped += 1 }
                return nil
            }
            let socket = try Socket(.stream, self.target.address.family)
            try socket.resetOnClose()
            self.state.withLock { $0.started += 1 }
            try socket.connect(to: self.target)
            return Pending(socket, attempt)
        } catch {
            let result = attempt.meaning(of: error.number)
            self.state.withLock { $0.record(result, startedAt: attempt.start) }
            return nil
        }
    }

    private func advance(_ pending: inout [Pending], until instant: ContinuousClock.Instant) {
        let interests = pending.map { Readiness.Interest(number: $0.socket.number, writing: !$0.isConnected) }
        let ready = Readiness.wait(interests, timeout: min(instant - .now, .milliseconds(20)))
        var results: [Int: ProbeResult] = [:]
        for index in ready { results[index] = pending[index].advance() }
        let overdue = ContinuousClock.now - self.timeout
        for index in pending.indices where results[index] == nil {
            guard pending[index].attempt.start <= overdue else { break }
            results[index] = .timedOut
        }
        if results.isEmpty { return }
        self.state.withLock { report in
            for (index, result) in results { report.record(result, startedAt: pending[index].attempt.start) }
        }
        pending = pending.indices.filter { results[$0] == nil }.map { pending[$0] }
    }
}
