// LineSupport: connections on which a test says each byte.
internal import Bytes
internal import Networking
package import Reactor

internal import enum Lab.Sanitizer

extension SocketAddress {
    /// On loopback, where the kernel chooses the port.
    package static let anyPort = SocketAddress(IPAddress(127, 0, 0, 1), 0)
}

/// One end of a TCP connection, on which the test says each byte. It waits by looking again and again: a thread of the pool that
/// blocked would be one that others of the test wait for.
package final class Line {
    private let socket: StreamSocket
    private var input = ByteBuffer(capacity: 1 << 17)
    package private(set) var unread: [UInt8] = []
    private var ending: Ending?
    private var isClosed = false

    /// How the other end ended it.
    package enum Ending: Equatable {
        case closed
        /// An errno.
        case broken(Int32)
    }

    package struct Problem: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// Long: tests that block hold the threads of the pool, and on a small machine there are two.
    package static let patience = Sanitizer.bound(Duration.seconds(60))

    package init(_ socket: StreamSocket) { self.socket = socket }

    deinit { self.close() }

    package static func connect(to address: SocketAddress) throws -> Line {
        switch StreamSocket.connect(to: address) {
        case .begun(let socket): return Line(socket)
        case .failed(let number): throw Problem(description: "connect to \(address): errno \(number)")
        }
    }

    package func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.socket.close()
    }

    package func reset() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.socket.reset()
    }

    package func finishWriting() { self.socket.finishWriting() }

    // MARK: - Out

    package func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    /// - Parameters:
    ///   - reader: takes meanwhile what comes to it, for the rest to find room.
    ///   - pause: for which it takes nothing.
    ///   - patience: for the other end to read.
    package func send(
        _ bytes: [UInt8], while reader: Line? = nil, after pause: Duration = .zero, within patience: Duration = patience
    ) async throws {
        var buffer = ByteBuffer(capacity: max(1, bytes.count))
        buffer.append(bytes.span)
        let start = ContinuousClock.now
        while buffer.count > 0 {
            switch self.socket.send(buffer) {
            case .bytes(let count): buffer.consume(count)
            // ENOTCONN: it is on its way.
            case .blocked, .failed(107):
                if ContinuousClock.now - start >= pause { reader?.receive() }
                try await Self.wait(since: start, within: patience, "the other end does not read")
            case .ended, .failed: throw Problem(description: "the other end is gone, with \(buffer.count) to send")
            }
        }
    }

    // MARK: - In

    /// What has come, as far as it is here.
    private func receive() {
        while self.ending == nil {
            self.input.clear()
            switch self.socket.receive(into: &self.input) {
            case .bytes: self.unread += self.input.bytes
            case .blocked, .failed(107): return
            case .ended: self.ending = .closed
            case .failed(let number): self.ending = .broken(number)
            }
        }
    }

    /// The first `count` bytes that nobody took.
    package func read(_ count: Int) async throws -> [UInt8] {
        let start = ContinuousClock.now
        while self.unread.count < count {
            self.receive()
            if self.unread.count >= count { break }
            if let ending = self.ending {
                throw Problem(description: "\(ending) after \(self.unread.count) of \(count) bytes")
            }
            try await Self.wait(since: start, "\(self.unread.count) of \(count) bytes came")
        }
        defer { self.unread.removeFirst(count) }
        return Array(self.unread.prefix(count))
    }

    /// Up to and with the next `mark`.
    package func read(through mark: String) async throws -> String {
        let (start, mark) = (ContinuousClock.now, Array(mark.utf8))
        var looked = 0
        while true {
            while looked + mark.count <= self.unread.count {
                if self.unread[looked] == mark[0], self.unread[looked..<looked + mark.count].elementsEqual(mark) {
                    return String(decoding: try await self.read(looked + mark.count), as: UTF8.self)
                }
                looked += 1
            }
            let count = self.unread.count
            self.receive()
            guard self.unread.count == count else { continue }
            if let ending = self.ending {
                throw Problem(description: "\(ending) after \(String(decoding: self.unread, as: UTF8.self))")
            }
            try await Self.wait(since: start, "only \(String(decoding: self.unread.prefix(200), as: UTF8.self)) came")
        }
    }

    /// Everything up to the end, and how it ended.
    package func readToEnd() async throws -> (bytes: [UInt8], ending: Ending) {
        let start = ContinuousClock.now
        while true {
            self.receive()
            if let ending = self.ending {
                defer { self.unread = [] }
                return (self.unread, ending)
            }
            try await Self.wait(since: start, "it does not end; \(self.unread.count) bytes came")
        }
    }

    /// How the other end ends it, without another byte.
    package func end() async throws -> Ending {
        let (bytes, ending) = try await self.readToEnd()
        guard bytes.isEmpty else { throw Problem(description: "unasked: \(String(decoding: bytes, as: UTF8.self))") }
        return ending
    }

    package func hasBytes() -> Bool {
        self.receive()
        return !self.unread.isEmpty
    }

    package func hasEnded() -> Bool {
        self.receive()
        return self.unread.isEmpty && self.ending != nil
    }

    /// How the other end ended it, if it did within that time.
    package func ending(within duration: Duration) async throws -> Ending? {
        let start = ContinuousClock.now
        while self.ending == nil, ContinuousClock.now - start < duration {
            self.receive()
            try await Task.sleep(for: .milliseconds(1))
        }
        return self.ending
    }

    /// Whether nothing comes for so long, neither bytes nor an end.
    package func isSilent(for duration: Duration) async throws -> Bool {
        try await Task.sleep(for: duration)
        self.receive()
        return self.unread.isEmpty && self.ending == nil
    }

    package static func wait(
        since start: ContinuousClock.Instant, within patience: Duration = patience, _ problem: @autoclosure () -> String
    ) async throws {
        guard ContinuousClock.now - start < patience else { throw Problem(description: problem()) }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// An endpoint: the test accepts and answers.
package final class TestEndpoint {
    private let listener: ListeningSocket
    package var port: UInt16 { self.listener.address.port }

    package init() throws { self.listener = try ListeningSocket(at: .anyPort, backlog: 128, isShared: false) }

    /// The next connection.
    package func accept() async throws -> Line {
        let start = ContinuousClock.now
        while true {
            if let line = self.acceptWaiting() { return line }
            try await Line.wait(since: start, "nobody connects")
        }
    }

    /// One that waits already.
    package func acceptWaiting() -> Line? {
        if case .connection(let socket, from: _) = self.listener.accept() { Line(socket) } else { nil }
    }
}
