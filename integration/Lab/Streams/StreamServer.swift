internal import Linux
internal import Networking
import Synchronization

/// A TCP server that does to each connection what a test tells it to, step by step, and keeps what became of it: one that
/// refuses, says nothing, reads slowly, ends one direction, resets in the middle, or dies.
///
/// What a step sends or receives is the ``BytePattern`` of the server, in each direction from its first byte on.
package final class StreamServer: Sendable {
    package enum Step: Sendable, Hashable {
        /// A header of the PROXY protocol, which has to come first. What is none ends the connection with a fault.
        case proxyHeader
        /// The line of an ``EchoServer``. The client is what the PROXY header says, if there was one.
        case greet
        /// So many bytes of the pattern.
        case send(Int)
        /// Until so many bytes have come since the last such step, or the client's end.
        case receive(Int)
        /// Until the client's end.
        case receiveToEnd
        /// So many bytes of the pattern are sent, and at the same time everything is received up to the client's end.
        case exchange(Int)
        /// What comes goes back, until the client's end.
        case echo
        /// From now on at most so many bytes are read at a time, with a pause after each.
        case readSlowly(Int, every: Duration)
        case wait(Duration)
        /// Ends our direction; the other stays.
        case finishSending
        /// With bytes unread the client gets a reset, as from any server.
        case close
        case reset
        /// Nothing is read or sent any more, and nothing closed.
        case hang
    }

    /// One connection.
    package struct Record: Sendable {
        package let number: Int
        package let peer: SocketAddress
        package internal(set) var proxyHeader: ProxyHeader?
        /// Without the PROXY header.
        package internal(set) var received = 0
        /// Where what came was first not the pattern.
        package internal(set) var firstDifference: Int?
        package internal(set) var sent = 0
        /// Whether the client has ended its direction.
        package internal(set) var clientHasFinished = false
        /// What went wrong.
        package internal(set) var fault: String?
        /// nil while it is open. The client's proper end is ``clientHasFinished``.
        package internal(set) var end: End?
    }

    package enum End: Sendable { case byClientReset, byUs }

    package let name: String
    package let address: SocketAddress
    private let shared: StreamServerState
    private let control: BackendControl
    private let thread = Mutex<OSThread?>(nil)

    /// Whoever connects meets `steps`; after the last of them the connection is closed.
    package init(
        on host: Host, _ address: SocketAddress, name: String? = nil, pattern: BytePattern = BytePattern(),
        _ steps: [Step]
    ) throws {
        self.name = name ?? host.name
        self.address = address
        let shared = StreamServerState(name: self.name, pattern: pattern, steps)
        self.shared = shared
        let control = try BackendControl()
        self.control = control
        let loop = try BackendLoop(on: host, control, address) { socket, peer in
            StreamConnection(socket, from: peer, shared)
        }
        let thread = try OSThread { loop.serve() }
        self.thread.withLock { $0 = thread }
    }

    deinit { self.stop() }

    /// What connections meet from now on.
    package func script(_ steps: [Step]) { self.shared.update { $0.steps = steps } }

    /// All connections so far, oldest first.
    package var records: [Record] { self.shared.update { $0.records } }

    package var openConnections: Int { self.shared.update { $0.records.count { $0.end == nil } } }

    /// Whether `condition` holds for the records, now or soon.
    package func records(
        within timeout: Duration = .seconds(5), satisfy condition: ([Record]) -> Bool
    ) -> Bool {
        waitUntil(timeout: timeout) { condition(self.records) }
    }

    /// Refuses new connections until ``listen()``; those there are stay.
    package func refuse() { self.control.command(.refuse) }

    package func listen() { self.control.command(.listen) }

    /// Closes every connection.
    package func closeConnections() { self.control.command(.closeAll) }

    /// Resets every connection.
    package func resetConnections() { self.control.command(.resetAll) }

    /// As a process that is killed: nobody listens any more, every connection is reset.
    package func die() {
        self.refuse()
        self.resetConnections()
    }

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

/// What the thread of a server and its owner share.
final class StreamServerState: Sendable {
    struct Content: Sendable {
        var steps: [StreamServer.Step]
        var records: [StreamServer.Record] = []
    }

    let name: String
    let pattern: BytePattern
    private let content: Mutex<Content>

    init(name: String, pattern: BytePattern, _ steps: [StreamServer.Step]) {
        self.name = name
        self.pattern = pattern
        self.content = Mutex(Content(steps: steps))
    }

    func update<Value>(_ body: (inout sending Content) -> sending Value) -> sending Value {
        self.content.withLock(body)
    }
}
