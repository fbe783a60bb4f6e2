internal import Linux
internal import Networking
import Synchronization

/// An HTTP/1.1 server that says what it was asked, does what a test tells it to for a path, and keeps what it
/// received byte by byte.
///
/// Without a script it waits for the whole request and answers 200 with `X-Backend` (its name), `X-Connection` and
/// `X-Request` (the how-manieth connection, and request on it), `X-Body-Length`, and the head as it came for a body.
package final class HTTPBackend: Sendable {
    /// One thing done after the other, once a head has come.
    package enum Step: Sendable {
        /// Until the whole request has come, or so many bytes of its body.
        case awaitBody
        case awaitBodyBytes(Int)
        case send([UInt8])
        /// The same bytes again and again, so many times.
        case flood([UInt8], Int)
        case wait(Duration)
        /// The usual answer.
        case answer
        /// The usual answer with another status and further field lines.
        case answerWith(Int, [String])
        /// Everything that comes from now on goes back.
        case tunnel
        /// Nothing is read any more.
        case stopReading
        case resumeReading
        case finishSending
        case close
        /// Closes if the connection has had a request before.
        case closeIfReused
        case reset
        /// Nothing more is done. What comes is read.
        case hang

        package static func text(_ text: String) -> Step { .send(Array(text.utf8)) }
    }

    /// What came on one connection.
    package struct Record: Sendable {
        package enum End: Sendable { case byClient, byClientReset, byUs }

        package let number: Int
        package let peer: SocketAddress
        /// The latest of it, at least as much as is kept.
        package internal(set) var received: [UInt8] = []
        /// All of it.
        package internal(set) var receivedCount = 0
        /// Requests that came whole.
        package internal(set) var completed = 0
        /// Targets of the requests whose heads came.
        package internal(set) var targets: [String] = []
        /// What was wrong with what came.
        package internal(set) var fault: String?
        package internal(set) var end: End?

        package var text: String { String(decoding: self.received, as: UTF8.self) }

        mutating func add(_ bytes: [UInt8], keeping limit: Int) {
            self.receivedCount += bytes.count
            if limit > 0 { self.received += bytes }
            if self.received.count > 2 * limit { self.received.removeFirst(self.received.count - limit) }
        }
    }

    package static let webSocketAnswer = Step.text(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")

    package let name: String
    package let address: SocketAddress
    private let shared: BackendState
    private let control: BackendControl
    private let thread = Mutex<OSThread?>(nil)

    /// `recordLimit` is how many bytes of each connection are kept for sure.
    package init(on host: Host, _ address: SocketAddress, name: String, recordLimit: Int = 1 << 20) throws {
        self.name = name
        self.address = address
        let shared = BackendState(name: name, recordLimit: recordLimit)
        self.shared = shared
        let control = try BackendControl()
        self.control = control
        let loop = try BackendLoop(on: host, control, address) { socket, peer in
            BackendConnection(socket, from: peer, shared)
        }
        let thread = try OSThread { loop.serve() }
        self.thread.withLock { $0 = thread }
    }

    deinit { self.stop() }

    /// Requests for `path`, whatever their query, are met with `steps`.
    package func script(_ path: String, _ steps: [Step]) {
        self.shared.update { $0.scripts[path] = steps }
    }

    /// All connections so far, oldest first.
    package var records: [Record] { self.shared.update { $0.records } }

    /// Requests that came whole, on all connections.
    package var requests: Int { self.shared.update { $0.records.reduce(0) { $0 + $1.completed } } }

    /// Targets of all requests, on all connections.
    package var targets: [String] { self.shared.update { $0.records.flatMap(\.targets) } }

    /// Bytes that came, on all connections.
    package var receivedBytes: Int { self.shared.update { $0.records.reduce(0) { $0 + $1.receivedCount } } }

    package var openConnections: Int { self.shared.update { $0.records.count { $0.end == nil } } }

    /// What came after `earlier`, an earlier value of ``records``, connection by connection, oldest first.
    package func received(since earlier: [Record]) -> [String] {
        self.records.compactMap { record in
            let start = record.number < earlier.count ? earlier[record.number].receivedCount : 0
            let new = record.received.suffix(record.receivedCount - start)
            return new.isEmpty ? nil : String(decoding: new, as: UTF8.self)
        }
    }

    /// Closes every connection on which nothing is going on.
    package func closeIdleConnections() { self.control.command(.closeIdle) }

    /// Closes every connection.
    package func closeConnections() { self.control.command(.closeAll) }

    /// Refuses new connections until ``listen()``; those there are stay.
    package func refuse() { self.control.command(.refuse) }

    package func listen() { self.control.command(.listen) }

    /// Closes everything and waits for the thread.
    package func stop() {
        self.control.order(.stop)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }
}

/// What the thread of a backend and its owner share.
final class BackendState: Sendable {
    struct Content: Sendable {
        var scripts: [String: [HTTPBackend.Step]] = [:]
        var records: [HTTPBackend.Record] = []
    }

    let name: String
    let recordLimit: Int
    private let content = Mutex(Content())

    init(name: String, recordLimit: Int) {
        self.name = name
        self.recordLimit = recordLimit
    }

    func update<Value>(_ body: (inout sending Content) -> sending Value) -> sending Value {
        self.content.withLock(body)
    }
}
