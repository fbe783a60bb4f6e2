internal import HTTP1
internal import Linux
internal import Reactor

/// Where a worker's connections come from.
struct Listeners: ~Copyable {
    /// How connections of one listener begin.
    struct Settings: BitwiseCopyable {
        let isSecure: Bool
        /// How the requests of peers are forwarded that are not trusted, and of those that are.
        let forwarding: Forwarding
        let trustedForwarding: Forwarding

        init(isSecure: Bool, port: UInt16, _ fields: ForwardedFields) {
            self.isSecure = isSecure
            self.forwarding = Forwarding(fields: fields, isTrusted: false, isSecure: isSecure, port: port)
            self.trustedForwarding = Forwarding(fields: fields, isTrusted: true, isSecure: isSecure, port: port)
        }
    }

    private var sockets: [ListeningSocket]
    private let settings: [Settings]
    let timer: Int32
    private(set) var isPaused = false

    /// - Parameters:
    ///   - fields: which fields tell backends about clients.
    ///   - timer: ends a pause.
    init(_ listeners: [WorkerStart.Listener], fields: ForwardedFields, timer: Int32) {
        self.sockets = listeners.map(\.socket)
        self.settings = listeners.map { Settings(isSecure: $0.isSecure, port: $0.socket.address.port, fields) }
        self.timer = timer
    }

    var count: Int { self.sockets.count }

    func settings(_ index: Int) -> Settings { self.settings[index] }

    func accept(_ index: Int) -> ListeningSocket.Accepting {
        self.sockets.indices.contains(index) ? self.sockets[index].accept() : .none
    }

    func watch(_ loop: borrowing EventLoop) throws(SystemError) {
        for index in self.sockets.indices {
            try loop.watchReading(self.sockets[index].number, token: UInt64(TokenKind.listener) << 56 | UInt64(index))
        }
    }

    mutating func pause(_ loop: borrowing EventLoop) {
        self.isPaused = true
        for index in self.sockets.indices { loop.unwatch(self.sockets[index].number) }
    }

    mutating func resume(_ loop: borrowing EventLoop) {
        // One that cannot be watched for want of memory will be tried again.
        guard (try? self.watch(loop)) != nil else { return self.pause(loop) }
        self.isPaused = false
    }

    /// The kernel refuses new connections from now on; those that wait in its queue it resets.
    mutating func close(_ loop: borrowing EventLoop) {
        if !self.isPaused { self.pause(loop) }
        for socket in self.sockets { socket.stop() }
        self.sockets = []
    }
}
