internal import Glibc
internal import Linux
internal import Networking

/// Load on a TCP proxy to measure it with: its clients and its backend, on one thread, so that there is nothing to switch
/// between and as little as can be to do. Bytes that arrive in bulk are counted and forgotten in the kernel.
package struct MeasuredStreams: ~Copyable {
    package enum Kind: Sendable, Hashable {
        /// The backend sends as fast as it can, so many bytes in each write.
        case download(write: Int)
        /// The clients do.
        case upload(write: Int)
        /// So many bytes, and as many back, again and again on each connection.
        case exchange(Int)
        /// The same once, on a connection of its own that the backend closes.
        case connection(Int)
    }

    package struct Report: Sendable {
        /// Bytes that arrived, exchanges, or connections that came to their proper end.
        package var count = 0
        /// Connections that failed or ended too early.
        package var failed = 0
        package var seconds = 0.0
        /// Of exchanges and connections, from their beginning.
        package var latency = LatencyHistogram()
    }

    private final class End {
        let socket: Socket
        let isClient: Bool
        /// Of the message that is under way.
        var received = 0
        var began: Int64 = 0
        var waitsToWrite = false
        /// Whether the answer has come, and only the end is missing.
        var isAnswered = false

        init(_ socket: consuming Socket, isClient: Bool) {
            self.socket = socket
            self.isClient = isClient
        }
    }

    private static let listenerToken = 0
    private static let firstToken = 1
    /// Bytes that one end moves before it is another's turn.
    private static let turn = 1 << 20
    /// Bytes of bulk that are waited for, so that the load has little to do for each.
    private static let threshold = 256 << 10
    /// A run that has lost so many connections ends.
    private static let failureLimit = 10_000

    private let target: SocketAddress
    private let kind: Kind
    private let connections: Int
    private let listener: Socket
    /// What is sent in bulk, in memory.
    private let file: Descriptor
    private let writeSize: Int
    private let message: [UInt8]
    private var buffer: [UInt8]
    private var queue: EventQueue
    private var ends: [End?] = []
    private var free: [Int] = []
    private var report = Report()
    /// Clients that have not exchanged anything yet, where each is to do so once.
    private var unstarted: ArraySlice<Int> = []
    private var isOnce = false

    /// With so many connections to `target`, a proxy of `backend` or that itself, in the network namespace of the calling thread.
    package init(to target: SocketAddress, backend: SocketAddress, _ kind: Kind, connections: Int) throws {
        let listener = try Socket(.stream, backend.address.family)
        try listener.bind(to: backend)
        try listener.listen()
        let queue = try EventQueue()
        try queue.add(listener.number, as: Self.listenerToken)
        let (writeSize, message): (Int, Int) =
            switch kind {
            case .download(let size), .upload(let size): (size, 0)
            case .exchange(let size), .connection(let size): (0, size)
            }
        let file = try Descriptor.memoryFile("bulk", [UInt8](repeating: 0x61, count: max(1, writeSize)))
        self.target = target
        self.kind = kind
        self.listener = listener
        self.queue = queue
        self.file = file
        self.writeSize = writeSize
        self.message = [UInt8](repeating: 0x61, count: message)
        self.buffer = [UInt8](repeating: 0, count: max(16 << 10, message))
        self.connections = connections
    }

    /// Opens the connections, and makes load for some seconds.
    package mutating func run(seconds: Int) throws -> Report {
        try self.openAll()
        let began = MonotonicClock.nanoseconds()
        let deadline = began + Int64(seconds) * 1_000_000_000
        if !self.message.isEmpty, case .exchange = self.kind {
            for place in self.ends.indices where self.ends[place]?.isClient == true { try self.start(place) }
        }
        while MonotonicClock.nanoseconds() < deadline, self.report.failed < Self.failureLimit {
            try self.turn(until: deadline)
        }
        self.report.seconds = Double(MonotonicClock.nanoseconds() - began) / 1e9
        return self.report
    }

    /// Opens the connections and exchanges once on each, `concurrency` at a time; after that they stay open as long as this
    /// value lives.
    package mutating func exchangeOnce(concurrency: Int = 50, timeout: Duration = .seconds(60)) throws -> Report {
        try self.openAll()
        let clients = self.ends.indices.filter { self.ends[$0]?.isClient == true }
        let deadline = MonotonicClock.nanoseconds() + Int64(timeout / .nanoseconds(1))
        self.isOnce = true
        self.unstarted = clients.dropFirst(concurrency)
        for place in clients.prefix(concurrency) { try self.start(place) }
        while self.report.count + self.report.failed < clients.count, MonotonicClock.nanoseconds() < deadline {
            try self.turn(until: deadline)
        }
        return self.report
    }

    private mutating func turn(until deadline: Int64) throws {
        for index in 0..<(try self.queue.wait(until: deadline)) {
            let event = self.queue[index]
            if event.token == Self.listenerToken {
                try self.accept()
            } else {
                try self.advance(event.token - Self.firstToken, event.isWritable)
            }
        }
    }

    // MARK: - Connections

    private mutating func openAll() throws {
        for _ in 0..<self.connections {
            if case .connection = self.kind { try self.openAndSend() } else { try self.open() }
        }
    }

    private mutating func add(_ end: End, writing: Bool) throws(SystemError) -> Int {
        let place = self.free.popLast() ?? self.ends.count
        if place == self.ends.count { self.ends.append(end) } else { self.ends[place] = end }
        end.waitsToWrite = writing
        try self.queue.add(end.socket.number, as: place + Self.firstToken, writing: writing)
        return place
    }

    /// Closes it; the queue forgets what is closed.
    private mutating func remove(_ place: Int) {
        self.ends[place] = nil
        self.free.append(place)
    }

    private mutating func fail(_ place: Int) throws {
        guard let end = self.ends[place] else { return }
        self.remove(place)
        guard end.isClient else { return }
        self.report.failed += 1
        if case .connection = self.kind, self.report.failed < Self.failureLimit { try self.openAndSend() }
        if self.isOnce, let next = self.unstarted.popFirst() { try self.start(next) }
    }

    /// Connects, and accepts what comes to the backend, so that its queue does not run over.
    private mutating func open() throws {
        let socket = try Socket(.stream, self.target.address.family)
        try socket.setNoDelay()
        try socket.connect(to: self.target)
        guard Readiness.wait(socket, writing: true, timeout: .seconds(5)), socket.takeError() == nil else {
            throw LabError("no connection to \(self.target)")
        }
        let isSender = if case .upload = self.kind { true } else { false }
        if case .download = self.kind { try socket.setReceiveThreshold(Self.threshold) }
        _ = try self.add(End(socket, isClient: true), writing: isSender)
        try self.accept()
    }

    /// Connects and sends the one request.
    private mutating func openAndSend() throws(SystemError) {
        let socket = try Socket(.stream, self.target.address.family)
        try socket.setNoDelay()
        let end = End(socket, isClient: true)
        end.began = MonotonicClock.nanoseconds()
        do throws(SystemError) {
            try end.socket.connect(to: self.target)
            // Over loopback the connection is there by now.
            let sent = try end.socket.send(self.message[...])
            _ = try self.add(end, writing: sent == nil)
        } catch {
            self.report.failed += 1
            if self.report.failed >= Self.failureLimit { throw error }
        }
    }

    private mutating func accept() throws {
        while let accepted = try self.listener.accept() {
            let end = End(accepted.take(), isClient: false)
            try end.socket.setNoDelay()
            switch self.kind {
            case .download: _ = try self.add(end, writing: true)
            case .upload:
                try end.socket.setReceiveThreshold(Self.threshold)
                _ = try self.add(end, writing: false)
            case .exchange: _ = try self.add(end, writing: false)
            case .connection:
                // The request is mostly there, and then the connection is never waited for.
                if (try? self.answerOnce(end)) != true { _ = try self.add(end, writing: false) }
            }
        }
    }

    // MARK: - Events

    private mutating func advance(_ place: Int, _ isWritable: Bool) throws {
        guard let end = self.ends[place] else { return }
        do throws(SystemError) {
            switch self.kind {
            case .download, .upload: if isWritable { try self.sendBulk(end) } else { try self.receiveBulk(end) }
            case .exchange: if try self.exchange(end) { try self.continueLoad(place) }
            case .connection:
                if end.isClient {
                    guard try self.advanceOnce(end, place, isWritable) else { return }
                    self.report.count += 1
                    self.report.latency.record(MonotonicClock.nanoseconds() - end.began)
                    self.remove(place)
                    try self.openAndSend()
                } else if try self.answerOnce(end) {
                    self.remove(place)
                }
            }
        } catch {
            try self.fail(place)
        }
    }

    private mutating func sendBulk(_ end: End) throws(SystemError) {
        var sent = 0
        while sent < Self.turn {
            guard let count = try end.socket.send(self.file, self.writeSize) else { return }
            sent += count
        }
    }

    private mutating func receiveBulk(_ end: End) throws(SystemError) {
        guard let count = try end.socket.discard(atMost: Self.turn) else { return }
        if count == 0 { throw Self.ended }
        self.report.count += count
    }

    private static let ended = SystemError(number: ECONNRESET, call: "recv")

    /// What has come, of a message that is under way: true once it is whole.
    private mutating func receiveMessage(_ end: End) throws(SystemError) -> Bool {
        guard let count = try end.socket.receive(into: &self.buffer) else { return false }
        if count == 0 { throw Self.ended }
        end.received += count
        if end.received < self.message.count { return false }
        if end.received > self.message.count { throw Self.ended }
        end.received = 0
        return true
    }

    /// True if a client has its answer.
    private mutating func exchange(_ end: End) throws(SystemError) -> Bool {
        guard try self.receiveMessage(end) else { return false }
        if end.isClient { return true }
        guard try end.socket.send(self.message[...]) == self.message.count else { throw Self.ended }
        return false
    }

    /// Counts an answer; what comes next is sent.
    private mutating func continueLoad(_ place: Int) throws(SystemError) {
        guard let end = self.ends[place] else { return }
        let now = MonotonicClock.nanoseconds()
        self.report.count += 1
        self.report.latency.record(now - end.began)
        guard self.isOnce else { return try self.start(place) }
        if let next = self.unstarted.popFirst() { try self.start(next) }
    }

    private mutating func start(_ place: Int) throws(SystemError) {
        guard let end = self.ends[place] else { return }
        end.began = MonotonicClock.nanoseconds()
        guard try end.socket.send(self.message[...]) == self.message.count else { throw Self.ended }
    }

    /// The backend's side of a connection of one exchange: true once it may be closed.
    private mutating func answerOnce(_ end: End) throws(SystemError) -> Bool {
        guard try self.receiveMessage(end) else { return false }
        return try end.socket.send(self.message[...]) == self.message.count
    }

    /// The client's: true at its end.
    private mutating func advanceOnce(_ end: End, _ place: Int, _ isWritable: Bool) throws(SystemError) -> Bool {
        if isWritable, end.waitsToWrite {
            guard try end.socket.send(self.message[...]) == self.message.count else { throw Self.ended }
            end.waitsToWrite = false
            try self.queue.change(end.socket.number, as: place + Self.firstToken, writing: false)
            return false
        }
        if !end.isAnswered {
            guard try self.receiveMessage(end) else { return false }
            end.isAnswered = true
        }
        guard let count = try end.socket.receive(into: &self.buffer) else { return false }
        if count > 0 { throw Self.ended }
        return true
    }
}
