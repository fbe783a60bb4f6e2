internal import Linux
internal import Networking

/// What a client sends and expects on one TCP connection, in both directions at once, each byte known by its place.
package struct TransferPlan: Sendable {
    /// Bytes that are sent.
    package var sends: Int
    /// Bytes that are expected before the server's end; nil for as many as are sent.
    package var receives: Int?
    /// Whether our direction ends when everything has been sent; otherwise when everything has come.
    package var halfCloses = true
    /// Whether the server begins with the line of an ``EchoServer``.
    package var isGreeted = false
    package var pattern = BytePattern()
    package var writeSize = 64 << 10
    package var readSize = 64 << 10
    /// After each read.
    package var readPause = Duration.zero
    /// SO_RCVBUF; nil leaves the kernel's own.
    package var receiveBuffer: Int?
    /// Our end; nil leaves it to the kernel.
    package var source: SocketAddress?

    package init(sends: Int, receives: Int? = nil) {
        self.sends = sends
        self.receives = receives
    }
}

/// What became of a transfer.
package struct TransferReport: Sendable {
    package enum Ending: Sendable, Hashable {
        /// The server's end, at the right place or elsewhere.
        case end
        case reset
        case timedOut
        case notConnected(ProbeResult)
    }

    package internal(set) var ending = Ending.timedOut
    package internal(set) var sent = 0
    /// Without the greeting.
    package internal(set) var received = 0
    /// The place of the first byte that came and is not what it has to be.
    package internal(set) var firstDifference: Int?
    package internal(set) var greeting: Answer?
    package internal(set) var took = Duration.zero
    fileprivate var expected = 0
    fileprivate var planned = 0

    /// Whether each byte has come, in its place, and the proper end.
    package var isWhole: Bool {
        self.ending == .end && self.firstDifference == nil && self.received == self.expected
            && self.sent == self.planned
    }
}

extension Host {
    /// Carries out a transfer on the calling thread, within `timeout`.
    package func transfer(
        with target: SocketAddress, _ plan: TransferPlan, timeout: Duration = .seconds(10)
    ) throws -> TransferReport {
        let socket = try self.run {
            let socket = try Socket(.stream, target.address.family)
            if let size = plan.receiveBuffer { try socket.setReceiveBuffer(size) }
            if let source = plan.source { try socket.bind(to: source) }
            return socket
        }
        var transfer = Transfer(socket, plan)
        return try transfer.run(to: target, timeout: timeout)
    }
}

private struct Transfer: ~Copyable {
    private let socket: Socket
    private let plan: TransferPlan
    private var report = TransferReport()
    private var greeting: [UInt8] = []
    private var unsent: ArraySlice<UInt8> = []
    private var readAt = ContinuousClock.now
    private var hasFinishedSending = false

    init(_ socket: consuming Socket, _ plan: TransferPlan) {
        self.socket = socket
        self.plan = plan
        self.report.planned = plan.sends
        self.report.expected = plan.receives ?? plan.sends
    }

    mutating func run(to target: SocketAddress, timeout: Duration) throws -> TransferReport {
        let began = ContinuousClock.now
        let deadline = began + timeout
        if let failure = Attempt(timeout: timeout).connect(self.socket, to: target) {
            self.report.ending = .notConnected(failure)
            return self.report
        }
        do throws(SystemError) {
            while ContinuousClock.now < deadline {
                try self.send()
                if self.readAt <= .now, try self.receive() {
                    self.report.ending = .end
                    break
                }
                self.wait(until: deadline)
            }
        } catch {
            self.report.ending = .reset
        }
        self.report.took = ContinuousClock.now - began
        return self.report
    }

    private mutating func send() throws(SystemError) {
        while !self.hasFinishedSending {
            if self.unsent.isEmpty {
                let left = self.plan.sends - self.report.sent
                if left == 0 {
                    if self.plan.halfCloses || self.report.received >= self.report.expected {
                        try self.socket.finishSending()
                        self.hasFinishedSending = true
                    }
                    return
                }
                self.unsent =
                    self.plan.pattern.bytes(from: self.report.sent, count: min(left, self.plan.writeSize))[...]
            }
            guard let count = try self.socket.send(self.unsent) else { return }
            self.unsent = self.unsent.dropFirst(count)
            self.report.sent += count
        }
    }

    /// One read; true at the end.
    private mutating func receive() throws(SystemError) -> Bool {
        var buffer = [UInt8](repeating: 0, count: self.plan.readSize)
        guard let count = try self.socket.receive(into: &buffer) else { return false }
        var bytes = buffer[..<count]
        if self.plan.readPause > .zero { self.readAt = .now + self.plan.readPause }
        if bytes.isEmpty { return true }
        if self.plan.isGreeted, self.report.greeting == nil {
            self.greeting += bytes
            guard let end = self.greeting.firstIndex(of: UInt8(ascii: "\n")) else { return false }
            self.report.greeting = Answer(line: String(decoding: self.greeting[...end], as: UTF8.self))
            bytes = self.greeting[(end + 1)...]
        }
        let difference = self.plan.pattern.firstDifference(in: bytes, from: self.report.received)
        self.report.firstDifference = self.report.firstDifference ?? difference
        self.report.received += bytes.count
        return false
    }

    private func wait(until deadline: ContinuousClock.Instant) {
        let reads = self.readAt <= .now
        let writes = !self.unsent.isEmpty
        let end = reads ? deadline : min(deadline, self.readAt)
        let interest = Readiness.Interest(number: self.socket.number, reading: reads, writing: writes)
        _ = Readiness.wait([interest], timeout: end - .now)
    }
}
