internal import Balancing
internal import Bytes
internal import HTTP1
package import Linux
internal import Reactor

/// What a token of the loop stands for; the upper byte of it.
enum TokenKind {
    static let mailbox: UInt8 = 1
    static let listener: UInt8 = 2
    static let client: UInt8 = 3
    static let upstream: UInt8 = 4
}

/// One thread of the request path, and everything it touches: a value on its stack. Nothing of it is shared; what it
/// needs to know comes by its mailbox as snapshots that do not change.
///
/// This file has what holds it together. The rest, by what happens:
/// `+Accepting` connections come, `+Heads` a request's head comes, `+Requests` it is routed and goes to an endpoint, `+Upstreams` connections
/// to endpoints, `+Answers` the answer goes back, `+Bodies` bodies pass through, `+Failures` what is answered or tried again when something
/// goes wrong, `+Tunnels`, `+Timeouts`, `+Control` letters from the mailbox.
struct Worker: ~Copyable {
    let number: Int
    let limits: ProxyLimits
    let mailbox: Mailbox<WorkerLetter>
    var loop: EventLoop
    var timers: TimerWheel
    var listeners: Listeners
    var clients = Slab<ClientConnection>()
    var upstreams = Slab<UpstreamConnection>()
    var backends = Slab<BackendPool>()
    /// Buffers for heads, and for bodies that fit; and for bodies that do not.
    var heads: BufferPool
    var bodies: BufferPool
    /// Where the field lines of the head that is being looked at are.
    var fields: FieldTable
    /// For a host in lower case, and for a path that had to be normalised.
    var scratch: ByteBuffer
    var view: SnapshotView
    var counters = WorkerCounters()
    var random: RandomNumbers
    var isDraining = false

    mutating func run() {
        while !self.isDone {
            self.loop.wait(milliseconds: self.timers.delay(now: self.loop.now, limit: Self.longestWait))
            for index in 0..<self.loop.count {
                let (token, readiness) = self.loop[index]
                switch UInt8(truncatingIfNeeded: token >> 56) {
                case TokenKind.client:
                    if let client = self.clients.handle(token: token) { self.clientReady(client, readiness) }
                case TokenKind.upstream:
                    if let upstream = self.upstreams.handle(token: token) { self.upstreamReady(upstream, readiness) }
                case TokenKind.listener: self.accept(Int(token & 0xff))
                default: self.readMail()
                }
            }
            while let owner = self.timers.next(now: self.loop.now) { self.timeout(owner) }
            self.endTurn()
        }
    }

    /// What is measured is told at least this often. Milliseconds.
    private static let longestWait: UInt64 = 250

    private var isDone: Bool { self.isDraining && self.clients.count == 0 }
}
