internal import Balancing
internal import Bytes
internal import Linux
internal import Logging
internal import Networking
internal import Reactor
internal import ServiceModel

/// What a token of the loop stands for; the upper byte of it.
enum TokenKind {
    static let mailbox: UInt8 = 1
    static let listener: UInt8 = 2
    static let client: UInt8 = 3
    static let upstream: UInt8 = 4
    /// Owners of timers only: accepting goes on; shares are weighed.
    static let pause: UInt8 = 5
    static let weighing: UInt8 = 6
    /// Of UDP.
    static let datagrams: UInt8 = 7
    static let session: UInt8 = 8
}

/// One thread of the balancer, and everything it touches: a value on its stack. What it needs to know comes by its mailbox.
///
/// This file has what holds it together. The rest, by what happens: `+Accepting` connections come, `+Hello` TLS that is passed through,
/// `+Connecting` connections to endpoints, `+Relaying` bytes pass through, `+Control` letters from the mailbox.
struct StreamWorker: ~Copyable {
    let limits: StreamLimits
    let mailbox: Mailbox<StreamLetter>
    let counterBoard: StreamCounterBoard
    let book: ClientBook
    var log: StreamLog
    var loop: EventLoop
    var timers: TimerWheel
    var listeners = Slab<StreamListener>()
    var listenersByAddress: [StreamAddress: Handle] = [:]
    var relays = Slab<Relay>()
    var chooser: EndpointChooser
    var tools: RelayTools
    var datagrams: DatagramForwarder
    var datagramListeners: [StreamAddress: (handle: Handle, frontend: Int)] = [:]
    var counters = StreamCounters()
    /// Had used up their turn.
    var postponed: [Handle] = []
    var resumed: [Handle] = []
    /// Listeners that are not looked at for a moment, and until when.
    var paused: [Handle] = []
    /// Descriptors were, when it was looked last.
    var areDescriptorsShort = false
    let pauseTimer: Int32
    let weighingTimer: Int32
    var isDraining = false
    var drainDeadline = UInt64.max
    private var publishAt: UInt64 = 0

    init(_ start: StreamWorkerStart) throws(SystemError) {
        let loop = try EventLoop()
        var timers = TimerWheel(now: loop.now)
        try loop.watchReading(start.mailbox.number, token: UInt64(TokenKind.mailbox) << 56)
        let datagrams = try DatagramForwarder(
            start.limits, .init(listener: TokenKind.datagrams, session: TokenKind.session),
            SourcePorts.ofThisHost(worker: start.index, of: start.workers), &timers)
        self.limits = start.limits
        self.mailbox = start.mailbox
        self.counterBoard = start.counterBoard
        self.book = start.book
        self.log = StreamLog(start.logger)
        self.pauseTimer = timers.make(owner: UInt64(TokenKind.pause) << 56)
        self.weighingTimer = timers.make(owner: UInt64(TokenKind.weighing) << 56)
        self.loop = loop
        self.timers = timers
        self.tools = RelayTools(start.limits)
        self.chooser = EndpointChooser(start.book, seed: start.seed)
        self.datagrams = datagrams
    }

    mutating func run() {
        while !self.isDone {
            let limit = self.postponed.isEmpty ? Self.longestWait : 0
            self.loop.wait(milliseconds: self.timers.delay(now: self.loop.now, limit: limit))
            for index in 0..<self.loop.count {
                let (token, readiness) = self.loop.event(index)
                switch UInt8(truncatingIfNeeded: token >> 56) {
                case TokenKind.client:
                    if let relay = self.relays.handle(token: token) { self.clientReady(relay, readiness) }
                case TokenKind.upstream:
                    if let relay = self.relays.handle(token: token) { self.upstreamReady(relay, readiness) }
                case TokenKind.listener:
                    if let listener = self.listeners.handle(token: token) { self.accept(listener) }
                case TokenKind.session:
                    self.datagrams.sessionReady(
                        token, now: self.loop.now, self.loop, &self.timers, &self.chooser)
                case TokenKind.datagrams:
                    self.datagrams.listenerReady(
                        token, now: self.loop.now, self.loop, &self.timers, &self.chooser)
                default: self.readMail()
                }
            }
            self.datagrams.flush()
            self.resumePostponed()
            for _ in 0..<Self.timeoutsPerTurn {
                guard let owner = self.timers.next(now: self.loop.now) else { break }
                self.timeout(owner)
            }
            if self.isDraining, self.loop.now >= self.drainDeadline { self.cutAll() }
            if self.loop.now >= self.publishAt { self.publish() }
        }
        self.publish()
        // Others may still drain, and are asked with this one, which has nothing any more.
        self.mailbox.close { letter in
            switch letter {
            case .census(_, let inquiry): inquiry.answer(0)
            case .tally(let inquiry): inquiry.answer([])
            case .change, .health, .drain: break
            }
        }
    }

    private mutating func timeout(_ token: UInt64) {
        switch UInt8(truncatingIfNeeded: token >> 56) {
        case TokenKind.client: if let relay = self.relays.handle(token: token) { self.relayTimedOut(relay) }
        case TokenKind.weighing: self.weighGroups()
        case TokenKind.datagrams: self.datagrams.timeout(now: self.loop.now, &self.timers, &self.chooser)
        default: self.resumeAccepting()
        }
    }

    mutating func publish() {
        self.publishAt = self.loop.now + Self.longestWait
        self.counters.open = UInt64(self.relays.count)
        self.counters.datagrams = self.datagrams.counters
        self.counters.sessions = UInt64(self.datagrams.sessionCount)
        self.counters.pipes = UInt64(self.tools.pipes.used + self.tools.pipes.kept)
        self.counterBoard.publish(self.counters)
    }

    /// What is measured is told at least this often. Milliseconds.
    private static let longestWait: UInt64 = 250

    /// Connections that came together time out together: some, then all that is ready, then some more.
    private static let timeoutsPerTurn = 64

    private var isDone: Bool { self.isDraining && self.relays.count == 0 && self.datagrams.isDone }
}

/// What a worker is made of, which comes from outside of its thread.
struct StreamWorkerStart: Sendable {
    let limits: StreamLimits
    let mailbox: Mailbox<StreamLetter>
    let counterBoard: StreamCounterBoard
    let book: ClientBook
    /// Of how many this is which.
    let index: Int
    let workers: Int
    let seed: UInt64
    let logger: Logger
}

extension StreamWorker {
    /// Lives on the calling thread until it has drained. What it could not start with, if so.
    static func serve(_ start: StreamWorkerStart) -> SystemError? {
        do throws(SystemError) {
            var worker = try StreamWorker(start)
            worker.run()
            return nil
        } catch {
            return error
        }
    }
}
