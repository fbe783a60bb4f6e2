internal import Glibc
internal import Linux
internal import Networking

/// One client of a ``StreamServer``. Belongs to its thread.
final class StreamConnection: BackendSession {
    private let shared: StreamServerState
    private let number: Int
    private let peer: SocketAddress
    private var socket: Socket?
    private var steps: ArraySlice<StreamServer.Step>
    /// What came behind a PROXY header.
    private var input: [UInt8] = []
    /// What is to be sent before the pattern goes on.
    private var output: ArraySlice<UInt8> = []
    /// Of the step that is being done.
    private var received = 0
    private var sent = 0
    private var pace: (size: Int, pause: Duration)?
    private var clientHasFinished = false
    private var hangs = false
    private(set) var interest: Readiness.Interest?
    private(set) var resumeAt: ContinuousClock.Instant?

    private static let pieceSize = 64 << 10

    init(_ socket: consuming Socket, from peer: SocketAddress, _ shared: StreamServerState) {
        try? socket.sendWithoutDelay()
        self.socket = .some(socket)
        self.peer = peer
        self.shared = shared
        (self.number, self.steps) = shared.update { content in
            content.records.append(.init(number: content.records.count, peer: peer))
            return (content.records.count - 1, content.steps[...])
        }
    }

    var isFinished: Bool { self.socket == nil }
    var isIdle: Bool { self.steps.isEmpty }

    func drain() { self.end(.byUs) }

    func end(_ how: HTTPBackend.Record.End, reset: Bool = false) {
        guard self.socket != nil else { return }
        if reset { try? self.socket?.resetOnClose() }
        self.socket = nil
        (self.interest, self.resumeAt) = (nil, nil)
        self.record { $0.end = how == .byClientReset ? .byClientReset : .byUs }
    }

    func advance() {
        if let time = self.resumeAt {
            guard time <= .now else { return }
            self.resumeAt = nil
        }
        self.interest = nil
        do {
            while self.socket != nil, self.resumeAt == nil, try self.perform() { self.nextStep() }
            if self.resumeAt != nil { self.interest = nil }
        } catch let error as SystemError {
            self.record { $0.fault = error.description }
            self.end(.byClientReset)
        } catch {
            self.record { $0.fault = "\(error)" }
            self.end(.byUs)
        }
    }

    private func nextStep() {
        (self.received, self.sent) = (0, 0)
        if self.steps.popFirst() == nil { self.end(.byUs) }
    }

    /// Whether the step is done; otherwise ``interest`` or ``resumeAt`` says when it goes on.
    private func perform() throws -> Bool {
        guard let step = self.steps.first else { return try self.flush() }
        if case .exchange = step {} else if try !self.flush() { return false }
        switch step {
        case .proxyHeader: return try self.readProxyHeader()
        case .greet:
            let client = self.shared.update { $0.records[self.number].proxyHeader?.source } ?? self.peer
            let local = self.socket?.localAddress() ?? self.peer
            self.output = Array(Answer.line(name: self.shared.name, peer: client, local: local).utf8)[...]
            return true
        case .send(let count): return try self.sendPattern(count)
        case .receive(let count): return try self.receivePattern(count)
        case .receiveToEnd: return try self.receivePattern(.max)
        case .exchange(let count):
            let hasSent = try self.sendPattern(count)
            let hasReceived = try self.receivePattern(.max)
            if !hasSent, !hasReceived { self.wait(reading: self.resumeAt == nil, writing: true) }
            return hasSent && hasReceived
        case .echo: return try self.echo()
        case .readSlowly(let size, let pause): self.pace = (size, pause)
        case .wait(let duration):
            self.steps.removeFirst()
            self.resumeAt = .now + duration
            return false
        case .finishSending: try self.socket?.finishSending()
        case .close: self.end(.byUs)
        case .reset: self.end(.byUs, reset: true)
        case .hang:
            if let error = self.socket?.takeError() { throw SystemError(number: error, call: "hang") }
            // Woken without an error: it has ended both ways, which would be told of for ever.
            if !self.hangs { self.wait(reading: false, writing: false) }
            self.hangs = true
            return false
        }
        return true
    }

    private func readProxyHeader() throws -> Bool {
        while true {
            if let header = try ProxyHeader.take(from: &self.input) {
                self.record { $0.proxyHeader = header }
                return true
            }
            guard let bytes = try self.socket?.receive() else {
                self.wait(reading: true, writing: false)
                return false
            }
            if bytes.isEmpty { throw LabError("the connection ended in the PROXY header") }
            self.input += bytes
        }
    }

    /// What comes next, empty at the end; nil if nothing has come, or may be read now.
    private func take(atMost limit: Int) throws -> [UInt8]? {
        if self.clientHasFinished { return [] }
        guard self.resumeAt == nil else { return nil }
        var bytes: [UInt8]
        if !self.input.isEmpty {
            bytes = Array(self.input.prefix(limit))
            self.input.removeFirst(bytes.count)
        } else {
            bytes = [UInt8](repeating: 0, count: min(limit, self.pace?.size ?? Self.pieceSize))
            guard let count = try self.socket?.receive(into: &bytes) else {
                self.wait(reading: true, writing: false)
                return nil
            }
            bytes.removeLast(bytes.count - count)
        }
        if let pace = self.pace, !bytes.isEmpty { self.resumeAt = .now + pace.pause }
        self.clientHasFinished = bytes.isEmpty
        self.record { record in
            record.clientHasFinished = bytes.isEmpty
            let difference = self.shared.pattern.firstDifference(in: bytes[...], from: record.received)
            record.firstDifference = record.firstDifference ?? difference
            record.received += bytes.count
        }
        return bytes
    }

    private func receivePattern(_ count: Int) throws -> Bool {
        while self.received < count {
            guard let bytes = try self.take(atMost: min(count - self.received, Self.pieceSize)) else { return false }
            if bytes.isEmpty { return true }
            self.received += bytes.count
        }
        return true
    }

    private func echo() throws -> Bool {
        while try self.flush() {
            guard let bytes = try self.take(atMost: Self.pieceSize) else { return false }
            if bytes.isEmpty { return true }
            self.output = bytes[...]
        }
        return false
    }

    private func sendPattern(_ count: Int) throws -> Bool {
        while try self.flush() {
            guard self.sent < count else { return true }
            let start = self.shared.update { $0.records[self.number].sent }
            let piece = self.shared.pattern.bytes(from: start, count: min(count - self.sent, Self.pieceSize))
            self.sent += piece.count
            self.record { $0.sent += piece.count }
            self.output = piece[...]
        }
        return false
    }

    /// Whether everything has been taken by the kernel.
    private func flush() throws -> Bool {
        while !self.output.isEmpty {
            guard let count = try self.socket?.send(self.output) else {
                self.wait(reading: false, writing: true)
                return false
            }
            self.output = self.output.dropFirst(count)
        }
        return true
    }

    private func wait(reading: Bool, writing: Bool) {
        guard let number = self.socket?.number else { return }
        self.interest = .init(number: number, reading: reading, writing: writing)
    }

    private func record(_ change: (inout StreamServer.Record) -> Void) {
        self.shared.update { change(&$0.records[self.number]) }
    }
}
