import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

extension SocketAddress {
    /// On loopback, where the kernel chooses the port.
    static func anyPort(_ family: AddressFamily = .ipv4) -> SocketAddress {
        SocketAddress(family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1), 0)
    }
}

/// Endpoints by frontend, in turn; written down what it was asked and told.
struct TurnPicker: ~Copyable, DatagramPicking {
    var endpoints: [UInt32: [SocketAddress]] = [:]
    /// Where there are no endpoints.
    var otherwise = DatagramVerdict.drop
    private(set) var picks = 0
    private(set) var failures: [UInt64] = []
    /// How many sessions a slot has.
    private(set) var open: [UInt64: Int] = [:]
    private var turn: [UInt32: Int] = [:]
    /// Slots are ports: addresses of the tests are all on loopback.
    private(set) var clients: [SocketAddress] = []

    mutating func pick(frontend: UInt32, client: SocketAddress, now: UInt64) -> DatagramVerdict {
        self.picks += 1
        self.clients.append(client)
        guard let endpoints = self.endpoints[frontend], !endpoints.isEmpty else { return self.otherwise }
        let turn = self.turn[frontend, default: 0]
        self.turn[frontend] = turn + 1
        let endpoint = endpoints[turn % endpoints.count]
        self.open[UInt64(endpoint.port), default: 0] += 1
        return .endpoint(endpoint, slot: UInt64(endpoint.port))
    }

    borrowing func isStillServed(_ slot: UInt64, frontend: UInt32) -> Bool {
        self.endpoints[frontend]?.contains { UInt64($0.port) == slot } ?? false
    }

    mutating func failed(_ slot: UInt64, frontend: UInt32, now: UInt64) { self.failures.append(slot) }

    mutating func ended(_ slot: UInt64, frontend: UInt32) { self.open[slot, default: 0] -= 1 }

    var openSessions: Int { self.open.values.reduce(0, +) }
}

/// A forwarder as a worker has it, on the thread of the test.
final class DatagramStage {
    static let kinds = DatagramForwarder.Kinds(listener: 1, session: 2)
    private static let endpoint: UInt8 = 3

    var loop: EventLoop
    var timers: TimerWheel
    var forwarder: DatagramForwarder
    var picker = TurnPicker()
    var endpoints: [EchoEndpoint] = []
    /// The clock that sessions are told, which only the test moves.
    var now: UInt64 = 1_000_000

    init(ports: SourcePorts = .ofThisHost(worker: 0, of: 1), _ change: (inout StreamLimits) -> Void = { _ in }) throws {
        var limits = StreamLimits()
        change(&limits)
        var timers = TimerWheel(now: 1_000_000)
        self.loop = try EventLoop()
        self.forwarder = try DatagramForwarder(limits, Self.kinds, ports, &timers, hash: SessionHash(1, 2))
        self.timers = timers
    }

    var counters: DatagramCounters { self.forwarder.counters }
    var sessionCount: Int { self.forwarder.sessionCount }
    var isDone: Bool { self.forwarder.isDone }
    func sessionCount(_ listener: Handle) -> Int { self.forwarder.sessionCount(listener) }
    func isOpen(_ listener: Handle) -> Bool { self.forwarder.isOpen(listener) }
    func update(_ listener: Handle, frontend: UInt32) { self.forwarder.update(listener, frontend: frontend) }
    func withdraw(_ listener: Handle) { self.forwarder.withdraw(listener, self.loop) }
    func close(_ listener: Handle) { self.forwarder.close(listener, &self.picker) }
    func drain() { self.forwarder.drain(now: self.now, &self.timers) }

    /// One more endpoint, which answers by itself; a frontend has it if that is given.
    @discardableResult
    func addEndpoint(_ family: AddressFamily = .ipv4, of frontend: UInt32? = 7) throws -> EchoEndpoint {
        let endpoint = try EchoEndpoint(at: .anyPort(family))
        try self.loop.watchReading(
            endpoint.socket.number, token: UInt64(Self.endpoint) << 56 | UInt64(self.endpoints.count))
        self.endpoints.append(endpoint)
        if let frontend { self.picker.endpoints[frontend, default: []].append(endpoint.address) }
        return endpoint
    }

    /// A listener: its handle and where it is.
    func serve(
        _ family: AddressFamily = .ipv4, frontend: UInt32 = 7
    ) throws -> (handle: Handle, address: SocketAddress) {
        let listener = try DatagramListener(at: .anyPort(family), isShared: true)
        return (try self.forwarder.serve(listener, frontend: frontend, self.loop), listener.address)
    }

    /// One turn of the loop.
    func turn(waiting: UInt64 = 0) {
        self.loop.wait(milliseconds: waiting)
        for index in 0..<self.loop.count {
            let token = self.loop.event(index).token
            switch UInt8(truncatingIfNeeded: token >> 56) {
            case Self.kinds.listener:
                self.forwarder.listenerReady(token, now: self.now, self.loop, &self.timers, &self.picker)
            case Self.kinds.session:
                self.forwarder.sessionReady(token, now: self.now, self.loop, &self.timers, &self.picker)
            default: self.endpoints[Int(token & 0xffff_ffff)].answer()
            }
        }
        while let owner = self.timers.next(now: self.now) {
            #expect(owner == Self.kinds.timerOwner)
            self.forwarder.timeout(now: self.now, &self.timers, &self.picker)
        }
        self.forwarder.flush()
    }

    /// Turns until that is so; false if it is not within some seconds.
    func turns(until isSo: (DatagramStage) -> Bool) -> Bool {
        let deadline = MonotonicClock.milliseconds + 10_000
        while !isSo(self) {
            guard MonotonicClock.milliseconds < deadline else { return false }
            self.turn(waiting: 20)
        }
        return true
    }

    /// Turns until nothing happens for a moment: everything here is on loopback, where what is sent is there, or nearly so.
    func settle() {
        var quiet = 0
        while quiet < 3 {
            self.turn(waiting: 20)
            quiet = self.loop.count > 0 ? 0 : quiet + 1
        }
    }

    /// Only what has come to a listener, until so many datagrams have; and nothing that has come to sessions.
    func listen(_ listener: Handle, until count: UInt64) {
        let deadline = MonotonicClock.milliseconds + 10_000
        while self.counters.datagramsFromClients < count, MonotonicClock.milliseconds < deadline {
            self.forwarder.listenerReady(
                listener.token(kind: Self.kinds.listener), now: self.now, self.loop, &self.timers, &self.picker)
        }
    }

    /// Goes on in time, a tick or more at once.
    func pass(_ milliseconds: UInt64) {
        let end = self.now + milliseconds
        while self.now < end {
            self.now = min(end, self.now + TimerWheel.tickMilliseconds)
            self.turn()
        }
    }
}

/// A server that sends back what it gets.
final class EchoEndpoint {
    let socket: DatagramListener
    private(set) var peers: [SocketAddress] = []

    init(at address: SocketAddress) throws {
        self.socket = try DatagramListener(at: address, isShared: false)
    }

    var address: SocketAddress { self.socket.address }

    func answer() {
        guard var batch = try? DatagramBatch(capacity: 16, keepsPeers: true) else { return }
        while case .datagrams(let count) = batch.receive(from: self.socket.number) {
            for slot in 0..<count {
                self.peers.append(batch.peer(slot).socketAddress)
                batch.address(slot, to: batch.peer(slot), over: self.socket.number)
            }
            #expect(batch.flush() == count)
        }
    }

    /// Sends out of its turn.
    func send(_ bytes: [UInt8], to peer: SocketAddress) {
        guard var batch = try? DatagramBatch(capacity: 1, keepsPeers: true) else { return }
        batch.append(bytes.span)
        batch.address(0, to: PeerAddress(peer), over: self.socket.number)
        #expect(batch.flush() == 1)
    }
}

/// A client with a port of its own.
final class DatagramClient {
    private let socket: DatagramSocket
    private var isOpen = true

    init(of frontend: SocketAddress) throws {
        guard case .done(let socket) = DatagramSocket.connect(to: frontend) else { throw Failure.noSocket }
        self.socket = socket
    }

    deinit { self.close() }

    enum Failure: Error { case noSocket }

    func close() {
        if self.isOpen { self.socket.close() }
        self.isOpen = false
    }

    var address: SocketAddress? { self.socket.localAddress }

    /// 0, or the errno.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int32 {
        guard var batch = try? DatagramBatch(capacity: 1, keepsPeers: false) else { return -1 }
        batch.append(bytes.span)
        return batch.send(0..<1, over: self.socket.number).error
    }

    @discardableResult
    func send(_ text: String) -> Int32 { self.send(Array(text.utf8)) }

    enum Answer: Equatable { case bytes([UInt8]), nothing, error(Int32) }

    /// What has come.
    func receive() -> Answer {
        guard var batch = try? DatagramBatch(capacity: 1, keepsPeers: false) else { return .nothing }
        switch batch.receive(from: self.socket.number) {
        case .datagrams: return .bytes(batch.bytes(0))
        case .none: return .nothing
        case .failed(let number): return .error(number)
        }
    }

    var text: String? {
        if case .bytes(let bytes) = self.receive() { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    /// Everything that has come.
    var texts: [String] {
        var texts: [String] = []
        while let text = self.text { texts.append(text) }
        return texts
    }
}
