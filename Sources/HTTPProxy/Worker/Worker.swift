internal import Balancing
internal import Bytes
internal import HTTP1
internal import Linux
internal import Logging
internal import Networking
internal import Reactor

/// What a token of the loop stands for; the upper byte of it.
enum TokenKind {
    static let mailbox: UInt8 = 1
    static let listener: UInt8 = 2
    static let client: UInt8 = 3
    static let upstream: UInt8 = 4
    /// Of HTTP/2.
    static let connection: UInt8 = 5
}

/// One thread of the request path, and everything it touches: a value on its stack. Nothing of it is shared; what it
/// needs to know comes by its mailbox as snapshots that do not change.
///
/// This file has what holds it together. The rest, by what happens:
/// `+Accepting` connections come, `+Heads` a request's head comes, `+Requests` it is routed and goes to an endpoint, `+Upstreams` connections
/// to endpoints, `+Connecting` new ones, `+Answers` the answer goes back, `+Bodies` bodies pass through, `+Failures` what is answered or
/// tried again when something goes wrong, `+Tunnels`, `+Timeouts`, `+Control` letters from the mailbox. HTTP/2: `+Multiplexing` a client's
/// connection, `+Streams` its streams, `+UpstreamMultiplexing` and `+UpstreamStreams` the same of endpoints, `+Settings` the time for what both ends
/// say at first.
struct Worker: ~Copyable {
    /// Of how many this is one.
    let workers: Int
    let limits: ProxyLimits
    let messages: MessageLimits
    let mailbox: Mailbox<WorkerLetter>
    let board: CounterBoard
    var log: WorkerLog
    var accessLog: AccessLogLines
    var loop: EventLoop
    var timers: TimerWheel
    var listeners: Listeners
    var clients = Slab<ClientConnection>()
    var upstreams = Slab<UpstreamConnection>()
    /// Of clients and endpoints that speak HTTP/2; and those that may have frames to write at the end of the turn.
    var connections = Slab<HTTP2Connection>()
    var dirtyConnections: [Handle] = []
    /// Of one connection, while its frames are being looked at: whose body has come in small pieces that are to be passed on together.
    var gatheringStreams: [Handle] = []
    /// How many of the clients are streams, and of the upstreams.
    var streams = 0
    var upstreamStreams = 0
    var backends = Slab<BackendPool>()
    /// Buffers for heads and what fits behind them; and for bodies that do not.
    var heads: BufferPool
    var bodies: BufferPool
    /// Where the field lines of the head that is being looked at are.
    var fields: FieldTable
    /// For what one head needs while it is being looked at: a normalised path, a field line to add.
    var scratch: ByteBuffer
    var view: SnapshotView
    var counters = WorkerCounters()
    var routeCounts = RouteCounts()
    var random: RandomNumbers
    var date: HTTPDate
    private var dateSecond: UInt64 = 0
    /// Connections by address, where that is limited. Counted by whom they come from, also where that is a proxy.
    var peers: [IPAddress: Int] = [:]
    /// Reads that are left in this turn to who is being served; and who had used up theirs.
    var readsLeft = 0
    /// The same of ``ProxyLimits/workPerTurn``, of a connection of HTTP/2.
    var workLeft = 0
    var postponed: [Handle] = []
    var isDraining = false
    var drainDeadline = UInt64.max
    /// When the counters are told next.
    var publishAt: UInt64 = 0

    init(_ start: WorkerStart) throws(SystemError) {
        let limits = start.configuration.limits
        let loop = try EventLoop()
        var timers = TimerWheel(now: loop.now)
        let listeners = Listeners(
            start.listeners, fields: start.configuration.addsForwarded ? [.default, .forwarded] : .default,
            timer: timers.make(owner: UInt64(TokenKind.listener) << 56))
        try loop.watchReading(start.mailbox.number, token: UInt64(TokenKind.mailbox) << 56)
        try listeners.watch(loop)

        self.workers = start.configuration.workers
        self.limits = limits
        self.messages = limits.messages
        self.mailbox = start.mailbox
        self.board = start.board
        self.log = WorkerLog(start.logger)
        self.accessLog = AccessLogLines(
            start.configuration.accessLog, start.configuration.accessLogFormat,
            interval: limits.accessLogFlushInterval)
        self.loop = loop
        self.timers = timers
        self.listeners = listeners
        // By their size buffers find the way back to their pool.
        let headSize = limits.bufferSize + ProxyLimits.headOverhead
        self.heads = BufferPool(
            size: headSize == ProxyLimits.bodyBufferSize ? headSize + 64 : headSize, limit: limits.pooledBuffers)
        self.bodies = BufferPool(
            size: ProxyLimits.bodyBufferSize,
            limit: max(1, limits.pooledBuffers * limits.bufferSize / ProxyLimits.bodyBufferSize))
        self.fields = FieldTable(capacity: limits.headFields)
        self.scratch = ByteBuffer(capacity: 3 * limits.startLineSize + ProxyLimits.headOverhead)
        self.view = SnapshotView(
            introducing: start.configuration.proxyProtocolSources, trusted: start.configuration.trustedProxies)
        self.random = RandomNumbers(seed: start.seed)
        self.date = HTTPDate(secondsSince1970: WallClock.now().seconds)
    }

    mutating func run() {
        self.keepDate()
        while !self.isDone {
            let limit = self.postponed.isEmpty && self.dirtyConnections.isEmpty ? Self.longestWait : 0
            self.loop.wait(milliseconds: self.timers.delay(now: self.loop.now, limit: limit))
            for index in 0..<self.loop.count {
                let (token, readiness) = self.loop.event(index)
                switch UInt8(truncatingIfNeeded: token >> 56) {
                case TokenKind.client:
                    if let client = self.clients.handle(token: token) { self.clientReady(client, readiness) }
                case TokenKind.upstream:
                    if let upstream = self.upstreams.handle(token: token) { self.upstreamReady(upstream, readiness) }
                case TokenKind.listener: self.accept(Int(token & 0xffff_ffff))
                default: self.readMail()
                }
            }
            self.resumePostponed()
            self.keepDate()
            for _ in 0..<Self.timeoutsPerTurn {
                guard let owner = self.timers.next(now: self.loop.now) else { break }
                self.timeout(owner)
            }
            self.flushConnections()
            self.endTurn()
        }
        self.accessLog.flush()
        self.publish()
        // Others may still drain, and are asked with this one.
        let counted = self.routeCounts.places
        self.mailbox.close { letter in
            if case .countRoutes(let inquiry) = letter { inquiry.answer(counted) }
        }
    }

    private mutating func keepDate() {
        let second = self.loop.now / 1_000
        guard second != self.dateSecond else { return }
        self.dateSecond = second
        let seconds = WallClock.now().seconds
        self.date = HTTPDate(secondsSince1970: seconds)
        self.accessLog.setTime(secondsSince1970: seconds)
    }

    /// What is measured is told at least this often. Milliseconds.
    private static let longestWait: UInt64 = 250

    /// Connections that came together time out together: some, then all that is ready, then some more.
    private static let timeoutsPerTurn = 64

    private var isDone: Bool { self.isDraining && self.clients.count == 0 }
}

/// What a worker is made of, which comes from outside of its thread.
struct WorkerStart: Sendable {
    struct Listener: Sendable {
        let socket: ListeningSocket
        let isSecure: Bool
    }

    let configuration: HTTPProxyConfiguration
    let listeners: [Listener]
    let mailbox: Mailbox<WorkerLetter>
    let board: CounterBoard
    let seed: UInt64
    let logger: Logger
}
