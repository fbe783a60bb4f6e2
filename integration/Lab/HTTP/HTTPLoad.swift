internal import Glibc
internal import Linux
internal import Networking
import Synchronization

/// What came of the requests of an ``HTTPLoad``.
package struct HTTPLoadReport: Sendable {
    package internal(set) var sent = 0
    package internal(set) var answered = 0
    /// Not sent, because every connection was busy.
    package internal(set) var skipped = 0
    package internal(set) var failed = 0
    /// Requests that met the close of a connection that had been used before, and went out again on a new one.
    package internal(set) var repeated = 0
    /// The first few failures in words.
    package internal(set) var failures: [String] = []
    /// Answers by `X-Backend`.
    package internal(set) var answeredBy: [String: Int] = [:]
    package internal(set) var connections = 0
    /// From the sending of each request, or from when it was due if that was earlier, to the end of its answer.
    var latencies: [Duration] = []

    /// The duration that this part of all answers took at most; zero without answers.
    package func latency(_ part: Double) -> Duration {
        let sorted = self.latencies.sorted()
        return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }

    mutating func fail(_ reason: String) {
        self.failed += 1
        if self.failures.count < 10 { self.failures.append(reason) }
    }
}

/// Requests at a steady rate over connections that are kept open, from a thread of its own. Each answer has to be 200 and
/// its own: the usual one of an ``HTTPBackend``, to a target that no other request had.
package final class HTTPLoad: Sendable {
    /// What is asked for, in turn.
    package struct Request: Sendable {
        package let host: String
        package let path: String
        /// Backends that may answer; nil for all.
        package let backends: Set<String>?

        package init(host: String, path: String, backends: Set<String>? = nil) {
            self.host = host
            self.path = path
            self.backends = backends
        }
    }

    private let host: Host
    private let target: SocketAddress
    private let requests: [Request]
    private let interval: Duration
    private let connectionLimit: Int
    /// Every so many requests get a new connection; 0 for never.
    private let freshEvery: Int
    private let repeats: Bool
    private let timeout: Duration
    private let state = Mutex(HTTPLoadReport())
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    /// Starts at once and goes on until ``stop()``. With `repeats` a request that crosses with the close of a connection that was
    /// kept, before any byte of an answer, is sent again, as clients do (RFC 9112 section 9.3.1); otherwise it has failed.
    package init(
        from host: Host, to target: SocketAddress, _ requests: [Request], rate: Int, connections: Int = 32,
        freshEvery: Int = 0, repeats: Bool = false, timeout: Duration = .seconds(10)
    ) throws {
        self.host = host
        self.target = target
        self.requests = requests
        self.interval = Duration.seconds(1) / max(1, rate)
        self.connectionLimit = connections
        self.freshEvery = freshEvery
        self.repeats = repeats
        self.timeout = timeout
        let thread = try OSThread { [weak self] in self?.generate() }
        self.thread.withLock { $0 = thread }
    }

    package var report: HTTPLoadReport { self.state.withLock { $0 } }

    /// Sends no more, waits for the answers under way, and returns the counts.
    @discardableResult
    package func stop() -> HTTPLoadReport {
        self.isStopped.store(true, ordering: .relaxed)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        return self.report
    }

    // MARK: - The thread

    private func generate() {
        guard (try? self.host.namespace.enter()) != nil else { return }
        var connections: [LoadConnection] = []
        var due = ContinuousClock.now
        var issued = 0
        while true {
            let isStopped = self.isStopped.load(ordering: .relaxed)
            while !isStopped, due <= .now {
                self.send(number: issued, due: due, &connections)
                issued += 1
                due += self.interval
            }
            if isStopped, !connections.contains(where: \.isBusy) { return }
            let interests = connections.map { Readiness.Interest(number: $0.socket.number, writing: false) }
            let ready = Readiness.wait(interests, timeout: isStopped ? .milliseconds(20) : due - .now)
            let awake = ready.map { connections[$0] }
            for connection in awake { self.advance(connection, &connections) }
            let overdue = ContinuousClock.now - self.timeout
            for connection in connections where connection.isOverdue(overdue) {
                self.state.withLock { $0.fail("no answer to \(connection.target) within \(self.timeout)") }
                connection.isFinished = true
            }
            connections.removeAll(where: \.isFinished)
        }
    }

    private func send(number: Int, due: ContinuousClock.Instant, _ connections: inout [LoadConnection]) {
        let request = self.requests[number % self.requests.count]
        let isFresh = self.freshEvery > 0 && number % self.freshEvery == 0
        if isFresh, let idle = connections.firstIndex(where: { !$0.isBusy }) { connections.remove(at: idle) }
        do throws(SystemError) {
            var connection = isFresh ? nil : connections.first { !$0.isBusy }
            if connection == nil { connection = try self.connect(&connections) }
            guard let connection else {
                return self.state.withLock { $0.skipped += 1 }
            }
            try connection.send(request, number: number, due: due)
            self.state.withLock { $0.sent += 1 }
        } catch {
            self.state.withLock { $0.fail("\(error)") }
        }
    }

    private func connect(_ connections: inout [LoadConnection]) throws(SystemError) -> LoadConnection? {
        // Those that have ended take no place: what crossed with the end of one has to go out again at once.
        guard connections.count(where: { !$0.isFinished }) < self.connectionLimit else { return nil }
        let socket = try Socket(.stream, self.target.address.family)
        try socket.resetOnClose()
        try socket.sendWithoutDelay()
        try socket.connect(to: self.target)
        let connection = LoadConnection(socket)
        // A connection over loopback is there, or refused, at once.
        guard Readiness.wait(connection.socket, writing: true, timeout: .seconds(5)) else {
            throw SystemError(number: ETIMEDOUT, call: "connect")
        }
        if let error = connection.socket.takeError() { throw SystemError(number: error, call: "connect") }
        connections.append(connection)
        self.state.withLock { $0.connections += 1 }
        return connection
    }

    private func advance(_ connection: LoadConnection, _ connections: inout [LoadConnection]) {
        switch connection.receive() {
        case .more: break
        case .closed: connection.isFinished = true
        case .crossed(let request, let number, let due, let reason):
            connection.isFinished = true
            guard self.repeats else { return self.state.withLock { $0.fail(reason) } }
            self.state.withLock { $0.repeated += 1 }
            do throws(SystemError) {
                guard let new = try self.connect(&connections) else { return self.state.withLock { $0.fail(reason) } }
                try new.send(request, number: number, due: due)
            } catch {
                self.state.withLock { $0.fail("\(error)") }
            }
        case .failed(let reason):
            connection.isFinished = true
            self.state.withLock { $0.fail(reason) }
        case .answered(let backend, let latency):
            self.state.withLock { report in
                report.answered += 1
                report.answeredBy[backend, default: 0] += 1
                report.latencies.append(latency)
            }
        }
    }
}

/// One connection of an ``HTTPLoad``.
private final class LoadConnection {
    enum Outcome {
        case more
        /// While nothing was asked.
        case closed
        /// Without a byte of an answer, on a connection that had one before.
        case crossed(HTTPLoad.Request, number: Int, due: ContinuousClock.Instant, reason: String)
        case failed(String)
        case answered(by: String, after: Duration)
    }

    let socket: Socket
    var isFinished = false
    private(set) var target = ""
    private var request: (HTTPLoad.Request, number: Int, due: ContinuousClock.Instant)?
    private var hasAnswered = false
    private var input: [UInt8] = []
    private var expected = 0

    init(_ socket: consuming Socket) { self.socket = socket }

    var isBusy: Bool { self.request != nil }

    func isOverdue(_ limit: ContinuousClock.Instant) -> Bool { self.request.map { $0.due < limit } ?? false }

    func send(_ request: HTTPLoad.Request, number: Int, due: ContinuousClock.Instant) throws(SystemError) {
        self.target = "\(request.path)?\(number)"
        self.request = (request, number, due)
        self.input = []
        self.expected = 0
        let text = "GET \(self.target) HTTP/1.1\r\nHost: \(request.host)\r\n\r\n"
        // Into an empty socket buffer it goes as a whole.
        _ = try self.socket.send(ArraySlice(text.utf8))
    }

    func receive() -> Outcome {
        do throws(SystemError) {
            guard let bytes = try self.socket.receive() else { return .more }
            if bytes.isEmpty { return self.lost("closed") }
            self.input += bytes
        } catch {
            return self.lost("\(error)")
        }
        guard let (request, _, due) = self.request else { return .failed("an answer that nobody asked for") }
        if self.expected == 0 {
            guard let end = HTTPLines.headEnd(self.input, from: 0) else { return .more }
            guard let response = try? HTTPResponse(head: self.input[..<(end - 4)]), response.status == 200,
                let length = response["Content-Length"].flatMap({ Int($0) })
            else { return .failed("to \(self.target)\(self.excerpt)") }
            self.expected = end + length
        }
        guard self.input.count >= self.expected else { return .more }
        return self.check(request, due)
    }

    private func check(_ request: HTTPLoad.Request, _ due: ContinuousClock.Instant) -> Outcome {
        guard self.input.count == self.expected, let end = HTTPLines.headEnd(self.input, from: 0),
            let response = try? HTTPResponse(head: self.input[..<(end - 4)]), let backend = response["X-Backend"]
        else { return .failed("to \(self.target)\(self.excerpt)") }
        // The body is the head as the backend received it.
        guard self.input[end...].starts(with: "GET \(self.target) HTTP/".utf8) else {
            return .failed("another's answer to \(self.target)\(self.excerpt)")
        }
        guard request.backends?.contains(backend) ?? true else {
            return .failed("\(backend) answered \(request.host)\(self.target)")
        }
        self.request = nil
        self.hasAnswered = true
        if response.closes { self.isFinished = true }
        return .answered(by: backend, after: .now - due)
    }

    private func lost(_ how: String) -> Outcome {
        guard let (request, number, due) = self.request else { return .closed }
        let reason = "\(how) instead of an answer to \(self.target)\(self.excerpt)"
        guard self.hasAnswered, self.input.isEmpty else { return .failed(reason) }
        return .crossed(request, number: number, due: due, reason: reason)
    }

    private var excerpt: String {
        self.input.isEmpty ? "" : ": \(String(decoding: self.input.prefix(300), as: UTF8.self))"
    }
}
