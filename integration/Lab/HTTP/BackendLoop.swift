internal import Linux
internal import Networking
import Synchronization

/// One client of a backend, on the backend's thread.
protocol BackendSession: AnyObject {
    var isFinished: Bool { get }
    /// Whether nothing is going on.
    var isIdle: Bool { get }
    /// What it waits for; nil if that is only time.
    var interest: Readiness.Interest? { get }
    /// When it goes on by itself.
    var resumeAt: ContinuousClock.Instant? { get }
    /// Reads what there is, does what can be done, writes what fits.
    func advance()
    /// Ends it when what has begun is done.
    func drain()
    func end(_ how: HTTPBackend.Record.End, reset: Bool)
}

/// How the owner of a backend tells its thread what to do.
final class BackendControl: Sendable {
    enum Command: Sendable { case closeIdle, closeAll, resetAll, drain, refuse, listen, stop }

    let wakeUp: WakeUp
    private let done: WakeUp
    private let commands = Mutex<[Command]>([])

    init() throws {
        self.wakeUp = try WakeUp()
        self.done = try WakeUp()
    }

    func order(_ command: Command) {
        self.commands.withLock { $0.append(command) }
        self.wakeUp.signal()
    }

    /// Returns when it has been carried out.
    func command(_ command: Command) {
        self.order(command)
        _ = try? Poller.wait(readable: [self.done.number], timeout: .seconds(10))
        self.done.clear()
    }

    func take() -> [Command] {
        self.wakeUp.clear()
        return self.commands.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }

    func carriedOut() { self.done.signal() }
}

/// The thread of a backend: all its sockets, waited for together.
final class BackendLoop: Sendable {
    private final class Listener: Sendable {
        let socket: Socket

        init(_ address: SocketAddress) throws(SystemError) {
            self.socket = try Socket(.stream, address.address.family)
            try self.socket.bind(to: address)
            try self.socket.listen()
        }
    }

    typealias Begin = @Sendable (consuming Socket, SocketAddress) -> any BackendSession

    private let control: BackendControl
    private let begin: Begin
    private let address: SocketAddress
    /// Until the thread has it.
    private let firstListener: Mutex<Listener?>
    private let host: Host

    init(on host: Host, _ control: BackendControl, _ address: SocketAddress, begin: @escaping Begin) throws {
        self.control = control
        self.begin = begin
        self.address = address
        self.host = host
        self.firstListener = Mutex(try host.run { try Listener(address) })
    }

    func serve() {
        // For listeners that come later.
        guard (try? self.host.namespace.enter()) != nil else { return }
        var listener = self.firstListener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        var connections: [any BackendSession] = []
        while true {
            var interests = [Readiness.Interest(number: self.control.wakeUp.number, writing: false)]
            if let listener { interests.append(.init(number: listener.socket.number, writing: false)) }
            let first = interests.count
            let waiting = connections.filter { $0.interest != nil }
            interests += waiting.compactMap(\.interest)
            let now = ContinuousClock.now
            let due = connections.compactMap(\.resumeAt).min().map { $0 - now } ?? .seconds(3600)
            let ready = Readiness.wait(interests, timeout: due)
            if ready.first == 0 {
                let commands = self.control.take()
                for command in commands {
                    switch command {
                    case .stop: return
                    case .closeAll: for connection in connections { connection.end(.byUs, reset: false) }
                    case .resetAll: for connection in connections { connection.end(.byUs, reset: true) }
                    case .closeIdle:
                        for connection in connections where connection.isIdle { connection.end(.byUs, reset: false) }
                    case .drain: for connection in connections { connection.drain() }
                    case .refuse: listener = nil
                    case .listen: listener = listener ?? (try? Listener(self.address))
                    }
                }
                connections.removeAll(where: \.isFinished)
                for _ in commands { self.control.carriedOut() }
                continue
            }
            for index in ready where index >= first { waiting[index - first].advance() }
            for connection in connections where connection.resumeAt.map({ $0 <= .now }) ?? false {
                connection.advance()
            }
            connections.removeAll(where: \.isFinished)
            if first == 2, ready.first == 1, let listener { connections += self.accept(listener) }
        }
    }

    private func accept(_ listener: Listener) -> [any BackendSession] {
        var new: [any BackendSession] = []
        while let accepted = try? listener.socket.accept() {
            let peer = accepted.peer
            let connection = self.begin(accepted.take(), peer)
            connection.advance()
            if !connection.isFinished { new.append(connection) }
        }
        return new
    }
}
