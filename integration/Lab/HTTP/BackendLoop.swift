internal import Linux
internal import Networking
import Synchronization

/// The thread of an ``HTTPBackend``: all its sockets, waited for together.
final class BackendLoop: Sendable {
    private final class Listener: Sendable {
        let socket: Socket

        init(_ address: SocketAddress) throws(SystemError) {
            self.socket = try Socket(.stream, address.address.family)
            try self.socket.bind(to: address)
            try self.socket.listen()
        }
    }

    private let shared: BackendState
    private let address: SocketAddress
    /// Until the thread has it.
    private let firstListener: Mutex<Listener?>
    private let host: Host

    init(on host: Host, _ shared: BackendState, _ address: SocketAddress) throws {
        self.shared = shared
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
        var connections: [BackendConnection] = []
        while true {
            var interests = [Readiness.Interest(number: self.shared.wakeUp.number, writing: false)]
            if let listener { interests.append(.init(number: listener.socket.number, writing: false)) }
            let first = interests.count
            let waiting = connections.filter { $0.interest != nil }
            interests += waiting.compactMap(\.interest)
            let now = ContinuousClock.now
            let due = connections.compactMap(\.resumeAt).min().map { $0 - now } ?? .seconds(3600)
            let ready = Readiness.wait(interests, timeout: due)
            if ready.first == 0 {
                let commands = self.shared.takeCommands()
                for command in commands {
                    switch command {
                    case .stop: return
                    case .closeAll: for connection in connections { connection.end(.byUs) }
                    case .closeIdle: for connection in connections where connection.isIdle { connection.end(.byUs) }
                    case .refuse: listener = nil
                    case .listen: listener = listener ?? (try? Listener(self.address))
                    }
                }
                connections.removeAll(where: \.isFinished)
                for _ in commands { self.shared.carriedOut() }
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

    private func accept(_ listener: Listener) -> [BackendConnection] {
        var new: [BackendConnection] = []
        while let accepted = try? listener.socket.accept() {
            let peer = accepted.peer
            let number = self.shared.update { content in
                content.records.append(.init(number: content.records.count, peer: peer))
                return content.records.count - 1
            }
            let connection = BackendConnection(accepted.take(), number: number, self.shared)
            connection.advance()
            if !connection.isFinished { new.append(connection) }
        }
        return new
    }
}
