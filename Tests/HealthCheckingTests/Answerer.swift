import Bytes
import Linux
import Networking
import Reactor
import Synchronization

/// A server on loopback that does one thing with every connection, from a thread of its own: checks have deadlines, and the pool may
/// be busy with other tests.
final class Answerer: Sendable {
    enum Manner: Sendable {
        /// Says this once the client has said something, and closes.
        case answer(String)
        /// Says nothing.
        case hang
        /// Closes once the client has said something.
        case close
    }

    private struct State {
        var manner: Manner
        var accepted = 0
        var open = 0
        var mostOpen = 0
        var received: [String] = []
        var isStopped = false
    }

    private let listener: ListeningSocket
    private let state: Mutex<State>

    /// At 127.0.0.1, or at all addresses of this host.
    init(_ manner: Manner, isEverywhere: Bool = false) throws {
        let address = isEverywhere ? IPAddress(ipv4: 0) : IPAddress(127, 0, 0, 1)
        self.listener = try ListeningSocket(at: SocketAddress(address, 0), backlog: 1_024, isShared: false)
        self.state = Mutex(State(manner: manner))
    }

    var address: SocketAddress { self.listener.address }
    /// Connections so far; and how many there were at most at once.
    var accepted: Int { self.state.withLock { $0.accepted } }
    var mostOpen: Int { self.state.withLock { $0.mostOpen } }
    /// What clients said first.
    var received: [String] { self.state.withLock { $0.received } }

    func behave(_ manner: Manner) { self.state.withLock { $0.manner = manner } }

    /// Serves while `body` runs.
    static func run<Result: Sendable>(
        _ servers: [Answerer], _ body: () async throws -> Result
    ) async throws -> Result {
        let tasks = servers.map { server in
            Task { try await WorkerThread.run(name: "answerer") { server.serve() } }
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        for server in servers { server.state.withLock { $0.isStopped = true } }
        for task in tasks { try await task.value }
        return try outcome.get()
    }

    private func serve() {
        var connections: [StreamSocket] = []
        while !self.state.withLock({ $0.isStopped }) {
            while case .connection(let socket, from: _) = self.listener.accept() {
                connections.append(socket)
                self.state.withLock { $0.accepted += 1 }
            }
            connections.removeAll { self.isDone($0) }
            let open = connections.count
            self.state.withLock { $0.mostOpen = max($0.mostOpen, open) }
            let watched = [self.listener.number] + connections.map(\.number)
            _ = try? Poller.wait(readable: watched, timeout: .milliseconds(5))
        }
        for connection in connections { connection.close() }
    }

    private func isDone(_ socket: StreamSocket) -> Bool {
        var text = ""
        receiving: while true {
            var buffer = ByteBuffer(capacity: 4_096)
            switch socket.receive(into: &buffer) {
            case .bytes: text += String(decoding: buffer.copy, as: UTF8.self)
            case .blocked: break receiving
            case .ended, .failed:
                socket.close()
                return true
            }
        }
        guard !text.isEmpty else { return false }
        let manner = self.state.withLock { state in
            state.received.append(text)
            return state.manner
        }
        switch manner {
        case .hang: return false
        case .close: break
        case .answer(let answer):
            var out = ByteBuffer(capacity: max(1, answer.utf8.count))
            out.append(text: answer)
            _ = socket.send(out)
        }
        socket.close()
        return true
    }
}
