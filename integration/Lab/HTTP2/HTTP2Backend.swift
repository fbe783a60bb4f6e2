internal import Linux
internal import Networking
import Synchronization

/// An h2c server (prior knowledge) that says what it was asked, does what a test tells it to for a path, and keeps what
/// it received: ``HTTPBackend``'s sister.
///
/// Without a script it waits for the whole request and answers 200 with `x-backend` (its name), `x-connection` and
/// `x-request` (the how-manieth connection, and request on it), `x-body-length`, and the request in the words of
/// HTTP/1.1 for a body.
package final class HTTP2Backend: Sendable {
    /// One thing done after the other, once a head has come.
    package enum Step: Sendable {
        /// Until the whole request has come, or so many bytes of its body.
        case awaitBody
        case awaitBodyBytes(Int)
        /// HEADERS with a status, interim ones too.
        case head(Int, [HTTPField] = [], ends: Bool = false)
        /// DATA, as the windows open.
        case data([UInt8], ends: Bool = false)
        /// The same bytes again and again, so many times; the stream ends with the last.
        case flood([UInt8], Int)
        /// HEADERS that end the stream.
        case trailers([HTTPField])
        /// Frames as they are, for the number of the stream.
        case frames(@Sendable (UInt32) -> [HTTP2Frame])
        case wait(Duration)
        /// The usual answer, perhaps with another status, further fields, trailers.
        case answer
        case answerWith(Int, [HTTPField], trailers: [HTTPField] = [])
        /// Every byte of the body goes back, and then the end.
        case echo
        case reset(HTTP2ErrorCode)
        /// For the first so many requests for this path; later ones are past it.
        case resetFirst(Int, HTTP2ErrorCode)
        /// Closes at the first so many requests for this path; later ones are past it.
        case closeFirst(Int)
        /// GOAWAY that counts this stream among those that are served, or not. New connections are accepted as ever.
        case goAway(includingThis: Bool, HTTP2ErrorCode = .noError)
        /// Gives windows back from now on, where the backend does not by itself.
        case openWindows
        case close
        /// Nothing more is done. What comes is read.
        case hang

        package static func text(_ text: String, ends: Bool = false) -> Step { .data(Array(text.utf8), ends: ends) }
    }

    /// A request that came.
    package struct Request: Sendable {
        package let stream: UInt32
        /// Pseudo-fields first.
        package let fields: [HTTPField]
        package internal(set) var body: [UInt8] = []
        package internal(set) var bodyLength = 0
        package internal(set) var trailers: [HTTPField] = []
        /// Whether it came whole.
        package internal(set) var isWhole = false
        /// The client has given it up.
        package internal(set) var resetCode: HTTP2ErrorCode?

        package var method: String { self.fields.values(":method").first ?? "" }
        package var path: String { self.fields.values(":path").first ?? "" }

        package subscript(name: String) -> String? {
            let values = self.fields.values(name)
            return values.isEmpty ? nil : values.joined(separator: " | ")
        }
    }

    /// What came on one connection.
    package struct Record: Sendable {
        package let number: Int
        package let peer: SocketAddress
        package internal(set) var settings: [HTTP2Setting] = []
        package internal(set) var requests: [Request] = []
        /// Streams beyond SETTINGS_MAX_CONCURRENT_STREAMS, which are no requests.
        package internal(set) var refused = 0
        /// The most that were open at once.
        package internal(set) var mostStreams = 0
        /// What was wrong with what came.
        package internal(set) var fault: String?
        package internal(set) var goAway: HTTP2ErrorCode?
        package internal(set) var end: HTTPBackend.Record.End?
    }

    package let name: String
    package let address: SocketAddress
    private let shared: HTTP2BackendState
    private let control: BackendControl
    private let thread = Mutex<OSThread?>(nil)

    /// What a backend may leave undone.
    package struct Manners: Sendable {
        /// Gives windows back; otherwise it takes what the first ones allow.
        package var opensWindows = true
        /// Says SETTINGS: at once, or when something has come from the client.
        package var greets = true
        package var waitsForClient = false
        /// Acknowledges those of the client, and PING.
        package var acknowledges = true

        package init() {}
    }

    /// `settings` are said on each connection.
    package init(
        on host: Host, _ address: SocketAddress, name: String, _ settings: [HTTP2Setting] = [],
        _ manners: Manners = Manners()
    ) throws {
        self.name = name
        self.address = address
        let shared = HTTP2BackendState(name: name, settings, manners)
        self.shared = shared
        let control = try BackendControl()
        self.control = control
        let loop = try BackendLoop(on: host, control, address) { socket, peer in
            HTTP2BackendConnection(socket, from: peer, shared)
        }
        let thread = try OSThread { loop.serve() }
        self.thread.withLock { $0 = thread }
    }

    deinit { self.stop() }

    /// Requests for `path`, whatever their query, are met with `steps`.
    package func script(_ path: String, _ steps: [Step]) {
        self.shared.update {
            $0.scripts[path] = steps
            $0.attempts[path] = 0
        }
    }

    /// All connections so far, oldest first.
    package var records: [Record] { self.shared.update { $0.records } }

    /// All requests whose heads came, connection by connection.
    package var requests: [Request] { self.records.flatMap(\.requests) }

    /// Requests that came whole, on all connections.
    package var completed: Int { self.requests.count { $0.isWhole } }

    package var openConnections: Int { self.records.count { $0.end == nil } }

    /// What was wrong with what came, on all connections.
    package var faults: [String] { self.records.compactMap(\.fault) }

    /// Says GOAWAY on every connection: what has begun is finished, and then they are closed.
    package func drain() { self.control.command(.drain) }

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
final class HTTP2BackendState: Sendable {
    struct Content: Sendable {
        var scripts: [String: [HTTP2Backend.Step]] = [:]
        /// How many requests each path of a script has had.
        var attempts: [String: Int] = [:]
        var records: [HTTP2Backend.Record] = []
    }

    let name: String
    let settings: [HTTP2Setting]
    let manners: HTTP2Backend.Manners
    private let content = Mutex(Content())

    init(name: String, _ settings: [HTTP2Setting], _ manners: HTTP2Backend.Manners) {
        self.name = name
        self.settings = settings
        self.manners = manners
    }

    func update<Value>(_ body: (inout sending Content) -> sending Value) -> sending Value {
        self.content.withLock(body)
    }
}
