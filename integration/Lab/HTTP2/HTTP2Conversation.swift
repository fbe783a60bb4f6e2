internal import Linux
package import Networking
import Synchronization

/// A client's HTTP/2 connection, on which the test says each frame, or has requests sent and reads answers strictly.
///
/// What is wrong with what comes throws ``LabError``; a request that is given up throws ``HTTP2Failure``.
package final class HTTP2Conversation: Sendable {
    package static let patience = HTTPConversation.patience

    private struct State: Sendable {
        var endpoint: HTTP2Endpoint
        var nextStream: UInt32 = 1
        var hasEnded = false
    }

    private let stream: any ByteStream
    private let state: Mutex<State>

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

    // MARK: - Requests

    /// The next number for a stream of ours, which is taken.
    package func nextStream(method: String = "GET") -> UInt32 {
        self.state.withLock { state in
            defer { state.nextStream += 2 }
            state.endpoint.open(state.nextStream, method: method)
            return state.nextStream
        }
    }

    /// Sends the head of a request, and all of its body, for which it waits as the windows ask. Without `ends` nothing
    /// says that the request is over. The stream's number.
    @discardableResult
    package func open(_ request: HTTP2Request, ends: Bool = true, timeout: Duration = patience) throws -> UInt32 {
        let stream = self.nextStream(method: request.method)
        let endsHere = ends && request.body == nil && request.trailers.isEmpty
        try self.state.withLock { state in
            state.endpoint.sendHeaders(HPACKEncoder.encode(request.list), on: stream, ends: endsHere)
            try self.flush(&state, .now + timeout)
        }
        guard !endsHere else { return stream }
        if let body = request.body {
            try self.send(body, on: stream, ends: ends && request.trailers.isEmpty, timeout: timeout)
        }
        if !request.trailers.isEmpty { try self.sendTrailers(request.trailers, on: stream) }
        return stream
    }

    /// Sends all of it as DATA, as the windows open. Throws if they do not, or the stream has been reset.
    package func send(_ body: [UInt8], on stream: UInt32, ends: Bool = false, timeout: Duration = patience) throws {
        let count = try self.offer(body, on: stream, ends: ends, for: timeout)
        guard count == body.count else { throw HTTP2Failure.timeout("a window for the rest of \(body.count) bytes") }
    }

    /// Sends as much of it as the windows allow within `timeout`, and says how much that was.
    package func offer(
        _ body: [UInt8], on stream: UInt32, ends: Bool = false, for timeout: Duration
    ) throws -> Int {
        let deadline = ContinuousClock.now + timeout
        return try self.state.withLock { state in
            var rest = body[...]
            while true {
                let count = state.endpoint.sendBody(rest, on: stream, ends: ends)
                rest = rest.dropFirst(count)
                try self.flush(&state, deadline)
                if rest.isEmpty { break }
                if let code = state.endpoint.streams[stream]?.resetCode { throw HTTP2Failure.reset(code) }
                switch try self.fill(&state, deadline) {
                case .more: continue
                case .nothing: return body.count - rest.count
                case .end: throw HTTP2Failure.closed
                }
            }
            return body.count
        }
    }

    /// Trailers, which end the stream.
    package func sendTrailers(_ trailers: [HTTPField], on stream: UInt32) throws {
        try self.state.withLock { state in
            state.endpoint.sendHeaders(HPACKEncoder.encode(trailers), on: stream, ends: true)
            try self.flush(&state, .now + Self.patience)
        }
    }

    /// The whole answer on a stream.
    package func response(on stream: UInt32, timeout: Duration = patience) throws -> HTTPResponse {
        let response = try self.wait(for: "an answer on stream \(stream)", stream, timeout) { state in
            state.hasEnded ? try state.response() : nil
        }
        self.state.withLock { $0.endpoint.forget(stream) }
        return response
    }

    /// The head of an answer, with the interim ones before it; the body is still to come.
    package func head(on stream: UInt32, timeout: Duration = patience) throws -> HTTPResponse {
        try self.wait(for: "a head on stream \(stream)", stream, timeout) { state in
            state.fields == nil ? nil : try state.response()
        }
    }

    /// The heads with a status of 1xx that came so far on a stream, at least so many.
    package func interim(on stream: UInt32, atLeast count: Int = 1, timeout: Duration = patience) throws
        -> [HTTPResponse]
    {
        try self.wait(for: "an interim answer on stream \(stream)", stream, timeout) { state in
            state.interim.count < count ? nil : try state.interim.map { try HTTPResponse(http2: $0) }
        }
    }

    /// Exactly so many of the next bytes of a body.
    package func read(_ count: Int, on stream: UInt32, timeout: Duration = patience) throws -> [UInt8] {
        _ = try self.wait(for: "\(count) bytes on stream \(stream)", stream, timeout) { state in
            state.body.count >= count ? true : nil
        }
        return self.state.withLock { state in
            let read = state.endpoint.update(stream) { state in
                defer { state.body.removeFirst(count) }
                return Array(state.body.prefix(count))
            }
            return read ?? []
        }
    }

    /// How much of a body has come; waits until it is so much, or `timeout` is over.
    package func received(on stream: UInt32, atLeast count: Int = .max, within timeout: Duration) -> Int {
        _ = try? self.wait(for: "a body", timeout) { state in
            (state.endpoint.streams[stream]?.bodyLength ?? 0) >= count ? true : nil
        }
        return self.state.withLock { $0.endpoint.streams[stream]?.bodyLength ?? 0 }
    }

    /// By which code the other end reset a stream; throws if it does not.
    package func resetCode(of stream: UInt32, timeout: Duration = patience) throws -> HTTP2ErrorCode {
        try self.wait(for: "RST_STREAM of \(stream)", timeout) { $0.endpoint.streams[stream]?.resetCode }
    }

    /// A request and its answer.
    @discardableResult
    package func exchange(_ request: HTTP2Request, timeout: Duration = patience) throws -> HTTPResponse {
        try self.response(on: try self.open(request, timeout: timeout), timeout: timeout)
    }

    // MARK: - Waiting

    private enum Filling { case more, nothing, end }

    private func flush(_ state: inout State, _ deadline: ContinuousClock.Instant) throws {
        var rest = state.endpoint.output[...]
        defer { state.endpoint.output = Array(rest) }
        while !rest.isEmpty { rest = rest.dropFirst(try self.stream.send(rest, until: deadline)) }
    }

    private func fill(_ state: inout State, _ deadline: ContinuousClock.Instant) throws -> Filling {
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

    private func wait<Value: Sendable>(
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
    private func wait<Value: Sendable>(
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

extension HTTP2Stream {
    /// What has come of an answer.
    fileprivate func response() throws -> HTTPResponse {
        var response = try HTTPResponse(http2: self.fields ?? [])
        response.interim = try self.interim.map { try HTTPResponse(http2: $0) }
        response.body = self.body
        response.bodyLength = self.bodyLength
        response.trailers = self.trailers
        return response
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
