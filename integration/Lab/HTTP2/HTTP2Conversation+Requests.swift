import Synchronization

/// Requests and their answers, stream by stream.
extension HTTP2Conversation {
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
}

extension HTTP2Stream {
    /// What has come of an answer.
    func response() throws -> HTTPResponse {
        var response = try HTTPResponse(http2: self.fields ?? [])
        response.interim = try self.interim.map { try HTTPResponse(http2: $0) }
        response.body = self.body
        response.bodyLength = self.bodyLength
        response.trailers = self.trailers
        return response
    }
}
