internal import Linux
internal import Networking
import Synchronization

/// One thread that serves any number of connections and datagrams of one host, until it is stopped.
final class ServerLoop: Sendable {
    enum Style: Sendable {
        /// A line that says who is talking to whom, then whatever the client sends.
        case echo
        /// One HTTP/1.1 response with about the same in words.
        case http
    }

    private final class Listener: Sendable {
        let socket: Socket
        let address: SocketAddress
        let kind: Socket.Kind

        init(_ kind: Socket.Kind, _ address: SocketAddress) throws(SystemError) {
            self.socket = try Socket(kind, address.address.family)
            try self.socket.bind(to: address)
            if case .stream = kind { try self.socket.listen() }
            self.address = address
            self.kind = kind
        }
    }

    private static let datagramsPerTurn = 64

    private let name: String
    private let style: Style
    private let listeners: Mutex<[Listener]>
    private let stopSignal: WakeUp
    private let thread = Mutex<OSThread?>(nil)
    private let accepted = Atomic<Int>(0)

    init(
        on host: Host, name: String, style: Style, kinds: [Socket.Kind], addresses: [SocketAddress]
    ) throws {
        self.name = name
        self.style = style
        self.stopSignal = try WakeUp()
        let listeners = try host.run {
            try addresses.flatMap { address in try kinds.map { try Listener($0, address) } }
        }
        self.listeners = Mutex(listeners)
        let thread = try OSThread { [weak self] in self?.serve() }
        self.thread.withLock { $0 = thread }
    }

    /// How many connections were accepted so far.
    var connections: Int { self.accepted.load(ordering: .relaxed) }

    /// Closes everything and waits for the thread.
    func stop() {
        self.stopSignal.signal()
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        self.listeners.withLock { $0 = [] }
    }

    // MARK: - The thread

    private func serve() {
        var connections: [Connection] = []
        let listeners = self.listeners.withLock { $0 }
        let fixed =
            [Readiness.Interest(number: self.stopSignal.number, writing: false)]
            + listeners.map { Readiness.Interest(number: $0.socket.number, writing: false) }
        while true {
            let interests =
                fixed
                + connections.map {
                    Readiness.Interest(number: $0.socket.number, writing: !$0.pending.isEmpty)
                }
            let ready = Readiness.wait(interests, timeout: .seconds(3600))
            if ready.first == 0 { return }
            for index in ready where index >= fixed.count { connections[index - fixed.count].advance() }
            for index in ready where index < fixed.count {
                connections += self.serve(listeners[index - 1])
            }
            connections.removeAll(where: \.isFinished)
        }
    }

    private func serve(_ listener: Listener) -> [Connection] {
        var new: [Connection] = []
        do throws(SystemError) {
            switch listener.kind {
            case .stream:
                while let accepted = try listener.socket.accept() {
                    self.accepted.add(1, ordering: .relaxed)
                    let peer = accepted.peer
                    let connection = Connection(accepted.take(), peer: peer, name: self.name, style: self.style)
                    connection.flush()
                    new.append(connection)
                }
            case .datagram, .echoRequest, .raw:
                // Who sends faster than this answers is not to keep everybody else waiting for good.
                for _ in 0..<Self.datagramsPerTurn {
                    guard let (_, peer) = try listener.socket.receiveFrom() else { break }
                    guard let peer else { continue }
                    let line = Answer.line(name: self.name, peer: peer, local: listener.address)
                    _ = try listener.socket.send(ArraySlice(line.utf8), to: peer)
                }
            }
        } catch {
            // Of one peer that went away, or no descriptors left for now. The rest is served on.
        }
        return new
    }
}

/// One client of a ``ServerLoop``. Belongs to its thread.
private final class Connection {
    let socket: Socket
    private(set) var pending: [UInt8]
    private(set) var isFinished = false
    private var request: [UInt8] = []
    private var finishesWhenSent = false
    private let style: ServerLoop.Style
    private let response: String

    init(_ socket: consuming Socket, peer: SocketAddress, name: String, style: ServerLoop.Style) {
        let local = socket.localAddress() ?? peer
        self.socket = socket
        self.style = style
        switch style {
        case .echo:
            self.response = ""
            self.pending = Array(Answer.line(name: name, peer: peer, local: local).utf8)
        case .http:
            let body = "Hello from \(name) (\(local.address)), you are \(peer.address)\n"
            self.response = """
                HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n\
                Connection: close\r\n\r\n\(body)
                """
            self.pending = []
        }
    }

    /// Reads or writes, whatever it was waiting for.
    func advance() {
        if self.pending.isEmpty { self.read() }
        self.flush()
    }

    private func read() {
        do throws(SystemError) {
            guard let bytes = try self.socket.receive() else { return }
            if bytes.isEmpty { return self.isFinished = true }
            switch self.style {
            case .echo:
                self.pending = bytes
            case .http:
                self.request += bytes
                if self.request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    self.pending = Array(self.response.utf8)
                    self.finishesWhenSent = true
                } else if self.request.count > 16 << 10 {
                    self.isFinished = true
                }
            }
        } catch {
            self.isFinished = true
        }
    }

    func flush() {
        do throws(SystemError) {
            while !self.pending.isEmpty, let sent = try self.socket.send(self.pending[...]) {
                self.pending.removeFirst(sent)
            }
            if self.pending.isEmpty, self.finishesWhenSent { self.isFinished = true }
        } catch {
            self.isFinished = true
        }
    }
}
