package import Linux
package import Reactor

/// UDP of a worker: a session for each client of each frontend, with a socket that is connected to its endpoint.
///
/// A value on the worker's stack, which tells it of events and of time. A datagram costs no allocation, lock or reference count: one call
/// receives many of a listener's, each goes out by one call, and so do all answers of a turn.
///
/// This file has what holds it together. `+Requests` datagrams of clients, `+Answers` those of endpoints, `+Sessions` how sessions begin
/// and end, `+Sockets` with what, `+Idling` when.
package struct DatagramForwarder: ~Copyable {
    /// What its tokens begin with (``Handle/token(kind:)``), and the owner of its timer: ``kind`` of the listener and nothing else.
    package struct Kinds: BitwiseCopyable, Sendable {
        package let listener: UInt8
        package let session: UInt8

        package init(listener: UInt8, session: UInt8) {
            self.listener = listener
            self.session = session
        }

        package var timerOwner: UInt64 { UInt64(self.listener) << 56 }
    }

    /// Datagrams that are received at once.
    static let batchSize = 32
    /// Batches that a listener, or an endpoint, is served in a turn. Then others get theirs.
    static let batchesPerTurn = 4

    let kinds: Kinds
    let maximumSessions: Int
    let descriptorCeiling: Int
    var listeners = Slab<DatagramEntrance>()
    var sessions = Slab<DatagramSession>()
    /// By client and listener; and by endpoint and our own port.
    var table = SessionTable()
    var sources = SessionTable()
    let ports: SourcePorts
    var portsDrawn: UInt64 = 0
    let hash: SessionHash
    /// What came from clients, and is on its way at once.
    var requests: DatagramBatch
    /// What came from endpoints, and leaves with the end of the turn.
    var answers: DatagramBatch
    var idle: IdleLists
    let timer: Int32
    /// For when the timer is set.
    var wakeAt = UInt64.max
    let unreachable: UnreachableSocket
    var allowance = ErrorAllowance()
    package internal(set) var isDraining = false
    package internal(set) var counters = DatagramCounters()

    /// - Parameters:
    ///   - ports: those of this worker.
    ///   - hash: with a key that nobody knows.
    package init(
        _ limits: StreamLimits, _ kinds: Kinds, _ ports: SourcePorts, _ timers: inout TimerWheel,
        hash: SessionHash = .random()
    ) throws(SystemError) {
        let requests = try DatagramBatch(capacity: Self.batchSize, keepsPeers: true)
        let answers = try DatagramBatch(capacity: Self.batchSize, keepsPeers: false)
        self.kinds = kinds
        self.maximumSessions = max(1, limits.maximumSessions)
        self.descriptorCeiling = limits.descriptorCeiling
        self.hash = hash
        self.ports = ports
        self.requests = requests
        self.answers = answers
        self.idle = IdleLists(limits)
        self.timer = timers.make(owner: kinds.timerOwner)
        self.unreachable = UnreachableSocket()
    }

    deinit {
        for position in 0..<self.sessions.positions {
            guard let session = self.sessions.handle(at: position) else { continue }
            self.sessions[session].socket.close()
        }
    }

    // MARK: - Frontends

    /// Takes datagrams from now on.
    ///
    /// - Parameter frontend: what the picker knows it by. Several listeners may have the same.
    package mutating func serve(
        _ listener: DatagramListener, frontend: UInt32, _ loop: borrowing EventLoop
    ) throws(SystemError) -> Handle {
        let handle = self.listeners.insert(DatagramEntrance(listener, frontend: frontend))
        do throws(SystemError) {
            try loop.watchReading(listener.number, token: handle.token(kind: self.kinds.listener))
        } catch {
            _ = self.listeners.remove(handle)
            throw error
        }
        return handle
    }

    /// The frontend of a listener is another one now, or its endpoints changed: each session finds out with its next datagram whether it may
    /// stay. A listener that was withdrawn is served again.
    package mutating func update(_ listener: Handle, frontend: UInt32) {
        guard self.listeners.contains(listener) else { return }
        self.listeners[listener].frontend = frontend
        self.listeners[listener].revision &+= 1
        self.listeners[listener].isWithdrawn = false
    }

    /// Nobody new is taken. Those who have a session go on until it ends, and with the last one the listener is closed.
    package mutating func withdraw(_ listener: Handle, _ loop: borrowing EventLoop) {
        guard self.listeners.contains(listener) else { return }
        self.listeners[listener].isWithdrawn = true
        self.closeIfUnused(listener)
    }

    /// Ends a listener at once, with all of its sessions.
    package mutating func close(_ listener: Handle, _ picker: inout some DatagramPicking & ~Copyable) {
        guard self.listeners.contains(listener) else { return }
        for position in 0..<self.sessions.positions {
            guard let session = self.sessions.handle(at: position), self.sessions[session].listener == listener
            else { continue }
            self.end(session, &picker)
        }
        self.listeners[listener].isWithdrawn = true
        self.closeIfUnused(listener)
    }

    /// False once it is closed.
    package func isOpen(_ listener: Handle) -> Bool { self.listeners.contains(listener) }

    package func sessionCount(_ listener: Handle) -> Int {
        self.listeners.contains(listener) ? self.listeners[listener].sessions : 0
    }

    package var sessionCount: Int { self.sessions.count }

    mutating func closeIfUnused(_ listener: Handle) {
        guard self.listeners[listener].isWithdrawn, self.listeners[listener].sessions == 0 else { return }
        self.flush()
        // Nobody else has the socket, so that epoll forgets it as well.
        _ = self.listeners.remove(listener)
    }

    // MARK: - Turns

    /// At the end of each turn of the loop: what has come from endpoints goes to clients.
    package mutating func flush() {
        let count = self.answers.count
        guard count > 0 else { return }
        let sent = self.answers.flush()
        self.counters.datagramsToClients &+= UInt64(sent)
        self.counters.answersDropped &+= UInt64(count - sent)
    }

    /// Drained to the end.
    package var isDone: Bool { self.isDraining && self.sessions.count == 0 }
}
