internal import Linux
internal import Networking

/// Load on a UDP proxy to measure it with: clients with a socket each, and a backend that sends everything back, on one
/// thread. A client has one datagram under way at a time; so many clients at a time have.
package struct MeasuredDatagrams: ~Copyable {
    package struct Report: Sendable {
        /// Datagrams that came back.
        package var count = 0
        /// Those that did not, or later than ``patience``.
        package var lost = 0
        package var seconds = 0.0
        package var latency = LatencyHistogram()
    }

    /// What has not come back by then is lost.
    package static let patience = Duration.milliseconds(250)
    /// How often that is looked at.
    private static let checkInterval: Int64 = 50_000_000
    private static let batch = 64
    private static let backendToken = 0
    private static let firstToken = 1

    private final class Client {
        let socket: Socket
        var began: Int64 = 0
        var isUnderWay = false
        /// Tells a datagram that came late from the one that is waited for.
        var round: UInt8 = 0

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    private let backend: Socket
    private let clients: [Client]
    private var message: [UInt8]
    private var buffer = [UInt8](repeating: 0, count: 2048)
    private var echoes: DatagramBatch
    private var queue: EventQueue
    /// The client whose turn is next.
    private var next = 0
    private var underWay = 0
    private var report = Report()

    /// Datagrams of `size` bytes from `clients` sockets to `target`, a proxy of `backend` or that itself.
    package init(to target: SocketAddress, backend: SocketAddress, clients: Int, size: Int) throws {
        precondition((1...1472).contains(size) && clients > 0, "no datagram of Ethernet")
        let server = try Socket(.datagram, backend.address.family)
        try server.bind(to: backend)
        try server.forceReceiveBuffer(4 << 20)
        let queue = try EventQueue()
        try queue.add(server.number, as: Self.backendToken)
        self.clients = try (0..<clients).map { token in
            let socket = try Socket(.datagram, target.address.family)
            try socket.connect(to: target)
            try queue.add(socket.number, as: token + Self.firstToken)
            return Client(socket)
        }
        self.backend = server
        self.queue = queue
        self.message = [UInt8](repeating: 0x61, count: size)
        self.echoes = DatagramBatch(capacity: Self.batch, size: 2048)
    }

    /// Makes load for some seconds, from `concurrency` clients at a time, which take turns.
    package mutating func run(concurrency: Int, seconds: Int) throws -> Report {
        let began = MonotonicClock.nanoseconds()
        let deadline = began + Int64(seconds) * 1_000_000_000
        var checkAt = began + Self.checkInterval
        var now = began
        while now < deadline {
            while self.underWay < concurrency { self.start(now) }
            for index in 0..<(try self.queue.wait(until: min(deadline, checkAt))) {
                let token = self.queue[index].token
                if token == Self.backendToken {
                    while try self.echoes.receive(self.backend) > 0 {
                        let count = try self.echoes.sendBack(self.backend)
                        if count < Self.batch { break }
                    }
                } else {
                    self.receive(self.clients[token - Self.firstToken])
                }
            }
            now = MonotonicClock.nanoseconds()
            if now >= checkAt {
                self.giveUp(now)
                checkAt = now + Self.checkInterval
            }
        }
        self.report.seconds = Double(now - began) / 1e9
        return self.report
    }

    private mutating func start(_ now: Int64) {
        // Fewer are under way than there are.
        while self.clients[self.next].isUnderWay { self.next = (self.next + 1) % self.clients.count }
        let client = self.clients[self.next]
        self.next = (self.next + 1) % self.clients.count
        client.round &+= 1
        client.began = now
        client.isUnderWay = true
        self.underWay += 1
        self.message[0] = client.round
        // What is refused is lost, too.
        _ = try? client.socket.send(self.message[...])
    }

    private mutating func receive(_ client: Client) {
        guard let count = (try? client.socket.receive(into: &self.buffer)) ?? nil, count == self.message.count,
            client.isUnderWay, self.buffer[0] == client.round
        else { return }
        client.isUnderWay = false
        self.underWay -= 1
        self.report.count += 1
        self.report.latency.record(MonotonicClock.nanoseconds() - client.began)
    }

    private mutating func giveUp(_ now: Int64) {
        let limit = now - Int64(Self.patience / .nanoseconds(1))
        for client in self.clients where client.isUnderWay && client.began < limit {
            client.isUnderWay = false
            self.underWay -= 1
            self.report.lost += 1
        }
    }
}
