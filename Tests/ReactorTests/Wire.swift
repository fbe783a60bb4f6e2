import Bytes
import Linux
import Networking
import Reactor
import Testing

extension SocketAddress {
    /// On loopback, where the kernel chooses the port.
    static let anyPort = SocketAddress(IPAddress(127, 0, 0, 1), 0)
}

/// A connection over loopback with both of its ends, and a loop that watches them.
struct Wire: ~Copyable {
    static let near: UInt64 = 1
    static let far: UInt64 = 2

    var loop: EventLoop
    /// The end that connected, and the one that was accepted.
    let near: StreamSocket
    let far: StreamSocket
    /// The test closes an end by itself.
    var closesNear = true
    var closesFar = true

    init() throws {
        var loop = try EventLoop()
        let (near, far) = try Self.connect(&loop)
        try loop.watch(near.number, token: Self.near)
        try loop.watch(far.number, token: Self.far)
        loop.wait(milliseconds: 5_000)
        #expect(loop.told == [Self.near: .writable, Self.far: .writable], "both can be written to")
        self.loop = loop
        self.near = near
        self.far = far
    }

    private static func connect(_ loop: inout EventLoop) throws -> (near: StreamSocket, far: StreamSocket) {
        let listener = try ListeningSocket(at: .anyPort, backlog: 8, isShared: false)
        guard case .begun(let near) = StreamSocket.connect(to: listener.address) else { throw Failure.noConnection }
        try loop.watchReading(listener.number, token: 0)
        loop.wait(milliseconds: 5_000)
        guard case .connection(let far, from: _) = listener.accept() else {
            near.close()
            throw Failure.noConnection
        }
        loop.unwatch(listener.number)
        return (near, far)
    }

    deinit {
        if self.closesNear { self.near.close() }
        if self.closesFar { self.far.close() }
    }

    enum Failure: Error { case noConnection }

    /// What the loop tells next, by token; nothing if that takes long.
    mutating func events(within milliseconds: UInt64 = 5_000) -> [UInt64: Readiness] {
        self.loop.wait(milliseconds: milliseconds)
        return self.loop.told
    }

    /// Waits until an end has been told all of `readiness`; what the loop told of it altogether.
    mutating func told(_ token: UInt64, _ readiness: Readiness) -> Readiness {
        var told = Readiness()
        for _ in 0..<100 where !told.isSuperset(of: readiness) {
            let events = self.events(within: 500)
            told.formUnion(events[token] ?? [])
        }
        return told
    }
}

extension EventLoop {
    /// The events of the last wait, by token.
    var told: [UInt64: Readiness] {
        var events: [UInt64: Readiness] = [:]
        for index in 0..<self.count {
            let event = self.event(index)
            events[event.token, default: []].formUnion(event.readiness)
        }
        return events
    }
}

extension ByteBuffer {
    init(_ text: String) {
        self.init(capacity: max(1, text.utf8.count))
        self.append(text: text)
    }

    var bytes: [UInt8] {
        let span = self.readable
        return span.indices.map { span[$0] }
    }

    var text: String { String(decoding: self.bytes, as: UTF8.self) }
}

extension Transfer {
    var count: Int? { if case .bytes(let count) = self { count } else { nil } }
    var isBlocked: Bool { if case .blocked = self { true } else { false } }
    var hasEnded: Bool { if case .ended = self { true } else { false } }
    var errno: Int32? { if case .failed(let number) = self { number } else { nil } }
}
