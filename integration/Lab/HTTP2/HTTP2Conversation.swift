internal import Linux
package import Networking
import Synchronization

/// A client's HTTP/2 connection, on which the test says each frame, or has requests sent and reads answers strictly.
///
/// What is wrong with what comes throws ``LabError``; a request that is given up throws ``HTTP2Failure``.
package final class HTTP2Conversation: Sendable {
    package static let patience = HTTPConversation.patience

    struct State: Sendable {
        var endpoint: HTTP2Endpoint
        var nextStream: UInt32 = 1
        var hasEnded = false
    }

    private let stream: any ByteStream
    let state: Mutex<State>

    /// `acknowledges`: SETTINGS and PING are answered by themselves. `opensWindows`: so is DATA, by WINDOW_UPDATE.
    init(_ stream: any ByteStream, acknowledges: Bool, opensWindows: Bool) {
        self.stream = stream
        let habits = HTTP2Endpoint.Habits(acknowledges: acknowledges, opensWindows: opensWindows)
        self.state = Mutex(State(endpoint: HTTP2Endpoint(isServer: false, habits: habits)))
    }

    deinit { self.stream.close(reset: false) }

    /// Ends the connection, with an RST if `reset` says so.
    package func close(reset: Bool = false) { self.stream.close(reset: reset) }

    // MARK: - Frames

    /// Sends them as they are. What they mean for windows and streams is kept in mind.
    package func send(_ frames: HTTP2Frame..., timeout: Duration = patience) throws {
        try self.send(frames, timeout: timeout)
    }

    package func send(_ frames: [HTTP2Frame], timeout: Duration = patience) throws {
        try self.state.withLock { state in
            for frame in frames { state.endpoint.send(frame) }
            try self.flush(&state, .now + timeout)
        }
    }

    /// Bytes that are no frame, or many at once.
    package func send(bytes: [UInt8], timeout: Duration = patience) throws {
        try self.state.withLock { state in
            state.endpoint.output += bytes
            try self.flush(&state, .now + timeout)
        }
    }

    /// Sends as much as goes within `timeout`, reads nothing, and says how much that was. Fewer than all if the other
    /// end does not read, or has closed.
    package func offer(bytes: [UInt8], for timeout: Duration) -> Int {
        let deadline = ContinuousClock.now + timeout
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = try? self.stream.send(rest, until: deadline) else { break }
            rest = rest.dropFirst(count)
        }
        return bytes.count - rest.count
    }

    /// The first frame of those that came, and come, that is as wanted; it is taken away with all before it. DATA is
    /// not among them. nil if none comes within `timeout`, or the connection ends before.
    package func frame(
        timeout: Duration = patience, where isWanted: (HTTP2Frame) -> Bool = { _ in true }
    ) throws -> HTTP2Frame? {
        let deadline = ContinuousClock.now + timeout
        return try self.state.withLock { state in
            while true {
                if let index = state.endpoint.frames.firstIndex(where: isWanted) {
                    defer { state.endpoint.frames.removeFirst(index + 1) }
                    return state.endpoint.frames[index]
                }
                state.endpoint.frames = []
                guard try self.fill(&state, deadline) == .more else { return nil }
            }
        }
    }

    /// The preface, SETTINGS and what is to follow, all at once or in pieces of so many bytes.
    package func greet(_ settings: [HTTP2Setting] = [], then frames: HTTP2Frame..., pieces: Int = .max) throws {
        try self.state.withLock { state in
            state.endpoint.output += HTTP2Frame.preface
            for frame in [.settings(settings)] + frames { state.endpoint.send(frame) }
            var rest = state.endpoint.output[...]
            state.endpoint.output = []
            while !rest.isEmpty {
                let count = try self.stream.send(rest.prefix(pieces), until: .now + Self.patience)
                rest = rest.dropFirst(count)
            }
        }
    }

    /// The SETTINGS of the other end, waited for.
    package func peerSettings(timeout: Duration = patience) throws -> [HTTP2Setting] {
        try self.wait(for: "SETTINGS", timeout) { $0.endpoint.peerSettings }
    }

    /// Whether a PING is answered: all that was sent before has then been read.
    package func isAlive(within timeout: Duration = patience) -> Bool {
        let number = UInt64.random(in: 1...UInt64.max)
        do {
            try self.send(.ping(number))
            let payload = HTTP2Frame.ping(number).payload
            _ = try self.wait(for: "an answer to PING", timeout) { $0.endpoint.pings.contains(payload) ? true : nil }
            return true
        } catch {
            return false
        }
    }

    // MARK: - Ends

    /// What the connection ended with.
    package struct Ending: Sendable, CustomStringConvertible {
        /// The last GOAWAY; nil without one.
        package let goAway: HTTP2ErrorCode?
        package let lastStream: UInt32?
        /// Whether the connection was closed as well.
        package let isClosed: Bool

        package var description: String {
            "\(self.goAway.map { "GOAWAY \($0)" } ?? "no GOAWAY"), \(self.isClosed ? "closed" : "open")"
        }
    }

    /// Waits until the other end closes, and says what came before. What is wrong with that is passed over.
    package func ending(within timeout: Duration = patience) -> Ending {
        let deadline = ContinuousClock.now + timeout
        return self.state.withLock { state in
            state.endpoint.habits.passesOver = true
            defer { state.endpoint.habits.passesOver = false }
            var isClosed = state.hasEnded
            while !isClosed {
                switch Result(catching: { try self.fill(&state, deadline) }) {
                case .success(.more): continue
                case .success(.nothing): break
                case .success(.end), .failure: isClosed = true
                }
                break
            }
            let frame = state.endpoint.goAway
            return Ending(goAway: frame?.errorCode, lastStream: frame?.lastStream, isClosed: isClosed)
        }
    }

    /// The last GOAWAY that came; waits for one.
    package func goAway(within timeout: Duration = patience) throws -> HTTP2Frame {
        try self.wait(for: "GOAWAY", timeout) { $0.endpoint.goAway }
    }

    /// What became of a stream, or of the connection.
    package enum Verdict: Sendable, CustomStringConvertible {
        case answered(HTTPResponse)
        case reset(HTTP2ErrorCode)
        case ended(Ending)
        case nothing

        package var description: String {
            switch self {
            case .answered(let response): "answered \(response.status)"
            case .reset(let code): "reset by \(code)"
            case .ended(let ending): "\(ending)"
            case .nothing: "nothing"
            }
        }
    }

    /// What becomes of `stream` first: answered whole, reset, or the connection has ended.
    package func verdict(on stream: UInt32, within timeout: Duration = patience) throws -> Verdict {
        let deadline = ContinuousClock.now + timeout
        return try self.state.withLock { state in
            while true {
                if let known = state.endpoint.streams[stream] {
                    if known.hasEnded { return .answered(try known.response()) }
                    if let code = known.resetCode { return .reset(code) }
                }
                let frame = state.endpoint.goAway
                if let code = frame?.errorCode, code != .noError {
                    return .ended(Ending(goAway: code, lastStream: frame?.lastStream, isClosed: state.hasEnded))
                }
                switch Result(catching: { try self.fill(&state, deadline) }) {
                case .success(.more): continue
                case .success(.nothing): return .nothing
                case .failure(let error as LabError): throw error
                case .success(.end), .failure:
                    return .ended(
                        Ending(goAway: frame?.errorCode, lastStream: frame?.lastStream, isClosed: true))
                }
            }
        }
    }

    // MARK: - Waiting

    enum Filling { case more, nothing, end }

    func flush(_ state: inout State, _ deadline: ContinuousClock.Instant) throws {
        var rest = state.endpoint.output[...]
        defer { state.endpoint.output = Array(rest) }
        while !rest.isEmpty { rest = rest.dropFirst(try self.stream.send(rest, until: deadline)) }
    }

    func fill(_ state: inout State, _ deadline: ContinuousClock.Instant) throws -> Filling {
        guard !state.hasEnded, let bytes = try self.stream.receive(until: deadline) else {
            return state.hasEnded ? .end : .nothing
        }
        guard !bytes.isEmpty else {
            state.hasEnded = true
            return .end
        }
        try state.endpoint.receive(bytes)
        // Who is gone need not be answered; what came before is still read.
        if (try? self.flush(&state, .now + Self.patience)) == nil { state.endpoint.output = [] }
        return .more
    }

    func wait<Value: Sendable>(
        for what: String, _ timeout: Duration, _ value: (State) throws -> Value?
    ) throws -> Value {
        let deadline = ContinuousClock.now + timeout
        return try self.state.withLock { state in
            while true {
                if let value = try value(state) { return value }
                switch try self.fill(&state, deadline) {
                case .more: continue
                case .nothing: throw HTTP2Failure.timeout(what)
                case .end: throw HTTP2Failure.closed
                }
            }
        }
    }

    /// The same for a stream, which may be reset, or left out by GOAWAY.
    func wait<Value: Sendable>(
        for what: String, _ stream: UInt32, _ timeout: Duration, _ value: (HTTP2Stream) throws -> Value?
    ) throws -> Value {
        try self.wait(for: what, timeout) { state in
            guard let known = state.endpoint.streams[stream] else { throw LabError("no stream \(stream)") }
            if let value = try value(known) { return value }
            if let code = known.resetCode { throw HTTP2Failure.reset(code) }
            if let frame = state.endpoint.goAway, let code = frame.errorCode, let last = frame.lastStream,
                last < stream
            {
                throw HTTP2Failure.goAway(code, lastStream: last)
            }
            return nil
        }
    }
}

extension Host {
    /// Connects, and says the preface and `settings` unless `greets` says otherwise.
    package func converseByHTTP2(
        with target: SocketAddress, from source: IPAddress? = nil, _ settings: [HTTP2Setting] = [],
        greets: Bool = true, acknowledges: Bool = true, opensWindows: Bool = true, receiveBuffer: Int? = nil
    ) throws -> HTTP2Conversation {
        let stream = try self.connectByTCP(
            to: target, from: source, receiveBuffer: receiveBuffer, timeout: HTTP2Conversation.patience)
        let conversation = HTTP2Conversation(stream, acknowledges: acknowledges, opensWindows: opensWindows)
        if greets { try conversation.greet(settings) }
        return conversation
    }

    /// The same over TLS, with the name for SNI, and h2 by ALPN.
    package func converseByHTTP2OverTLS(
        with target: SocketAddress, name: String?, _ settings: [HTTP2Setting] = [], options: [String] = [],
        greets: Bool = true, acknowledges: Bool = true, opensWindows: Bool = true
    ) throws -> HTTP2Conversation {
        let stream = try TLSStream(
            on: self, to: target, options: TLSHandshake.nameOptions(name) + ["-alpn", "h2"] + options)
        let conversation = HTTP2Conversation(stream, acknowledges: acknowledges, opensWindows: opensWindows)
        if greets { try conversation.greet(settings) }
        return conversation
    }
}
