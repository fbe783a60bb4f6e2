internal import Linux
package import Networking
import Synchronization

/// A client's connection, on which the test says each byte and reads answers strictly.
package final class HTTPConversation: Sendable {
    /// How long anything may take by default. Long, since the machine may be busy with other things.
    package static let patience = Duration.seconds(10)

    private let stream: any ByteStream
    private let input = Mutex(Input())
    /// Our end; nil over TLS.
    package let localAddress: SocketAddress?

    init(_ stream: any ByteStream) {
        self.stream = stream
        self.localAddress = (stream as? TCPStream)?.localAddress
    }

    deinit { self.stream.close(reset: false) }

    // MARK: - Sending

    package func send(_ text: String, timeout: Duration = patience) throws {
        try self.send(Array(text.utf8), timeout: timeout)
    }

    /// Sends all of `bytes`; throws if the other end is gone or does not read.
    package func send(_ bytes: [UInt8], timeout: Duration = patience) throws {
        let deadline = ContinuousClock.now + timeout
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try self.stream.send(rest, until: deadline)) }
    }

    /// Sends as much of `bytes` as goes within `timeout`, and says how much that was.
    package func offer(_ bytes: [UInt8], for timeout: Duration) -> Int {
        let deadline = ContinuousClock.now + timeout
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = try? self.stream.send(rest, until: deadline) else { break }
            rest = rest.dropFirst(count)
        }
        return bytes.count - rest.count
    }

    /// The end of what we say; the answer may still come.
    package func finishSending() throws { try self.stream.finishSending() }

    /// Ends the connection, with an RST if `reset` says so.
    package func close(reset: Bool = false) { self.stream.close(reset: reset) }

    // MARK: - Receiving

    /// The next answer, whole, with the interim ones before it. `method` is that of its request. Of the body
    /// `keeping` bytes are kept, the rest is counted.
    package func response(
        to method: String = "GET", keeping: Int = 1 << 20, timeout: Duration = patience
    ) throws -> HTTPResponse {
        let deadline = ContinuousClock.now + timeout
        return try self.input.withLock { input in
            var interim: [HTTPResponse] = []
            while true {
                var response = try input.head(self.stream, deadline)
                // 101 is final: what follows is no HTTP.
                if response.status / 100 == 1, response.status != 101 {
                    interim.append(response)
                    continue
                }
                response.interim = interim
                try input.readBody(of: &response, to: method, keeping: keeping, self.stream, deadline)
                return response
            }
        }
    }

    /// The next head alone, interim or not. Its body, if any, is the caller's to read.
    package func head(timeout: Duration = patience) throws -> HTTPResponse {
        let deadline = ContinuousClock.now + timeout
        return try self.input.withLock { try $0.head(self.stream, deadline) }
    }

    /// Exactly so many of the next bytes.
    package func read(_ count: Int, timeout: Duration = patience) throws -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        return try self.input.withLock { input in
            while input.unread.count < count { try input.fill(self.stream, deadline) }
            defer { input.unread.removeFirst(count) }
            return Array(input.unread[..<count])
        }
    }

    /// All that comes until the other end closes, properly or with a reset; throws if it does not.
    package func rest(timeout: Duration = patience) throws -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        return try self.input.withLock { input in
            while let bytes = Result(catching: { try self.stream.receive(until: deadline) }).value(onFailure: []) {
                if bytes.isEmpty {
                    defer { input.unread = [] }
                    return input.unread
                }
                input.unread += bytes
            }
            throw LabError("the connection is open after \(timeout)")
        }
    }

    /// Whether the other end closes within `timeout`. What comes until then is passed over.
    package func isClosed(within timeout: Duration = patience) -> Bool {
        (try? self.rest(timeout: timeout)) != nil
    }

    /// What has come and was not read, after waiting for `timeout` if that is nothing.
    package func available(within timeout: Duration) -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        return self.input.withLock { input in
            if input.unread.isEmpty, let bytes = try? self.stream.receive(until: deadline) { input.unread += bytes }
            return input.unread
        }
    }

    /// A request and its answer.
    @discardableResult
    package func exchange(_ request: HTTPRequest, timeout: Duration = patience) throws -> HTTPResponse {
        try self.send(request.bytes, timeout: timeout)
        return try self.response(to: request.method, timeout: timeout)
    }
}

extension Result {
    fileprivate func value(onFailure value: Success) -> Success { (try? self.get()) ?? value }
}

/// What came on a connection and was not read yet.
private struct Input {
    var unread: [UInt8] = []

    mutating func fill(_ stream: any ByteStream, _ deadline: ContinuousClock.Instant) throws {
        guard let bytes = try stream.receive(until: deadline) else {
            throw LabError("nothing more came after \(self.excerpt)")
        }
        guard !bytes.isEmpty else { throw LabError("the connection was closed after \(self.excerpt)") }
        self.unread += bytes
    }

    private var excerpt: String {
        self.unread.isEmpty ? "what was read" : "\"\(String(decoding: self.unread.prefix(200), as: UTF8.self))\""
    }

    mutating func head(_ stream: any ByteStream, _ deadline: ContinuousClock.Instant) throws -> HTTPResponse {
        var looked = 0
        while true {
            if let end = HTTPLines.headEnd(self.unread, from: looked - 3) {
                defer { self.unread.removeFirst(end) }
                return try HTTPResponse(head: self.unread[..<(end - 4)])
            }
            looked = self.unread.count
            try self.fill(stream, deadline)
        }
    }

    mutating func readBody(
        of response: inout HTTPResponse, to method: String, keeping limit: Int, _ stream: any ByteStream,
        _ deadline: ContinuousClock.Instant
    ) throws {
        let (framing, length) = try response.expectedFraming(for: method)
        response.framing = framing
        func keep(_ piece: ArraySlice<UInt8>) {
            response.body += piece.prefix(limit - response.body.count)
            response.bodyLength += piece.count
        }
        switch framing {
        case .none: return
        case .length:
            while response.bodyLength < length {
                if self.unread.isEmpty { try self.fill(stream, deadline) }
                let piece = self.unread.prefix(length - response.bodyLength)
                keep(piece)
                if piece.count == self.unread.count { self.unread = [] } else { self.unread.removeFirst(piece.count) }
            }
        case .chunked:
            var decoder = ChunkedBody()
            while true {
                let count = try decoder.take(self.unread[...], content: keep)
                self.unread.removeFirst(count)
                if decoder.hasEnded { break }
                try self.fill(stream, deadline)
            }
            response.trailers = decoder.trailers
        case .untilClose:
            while true {
                keep(self.unread[...])
                self.unread = []
                guard let bytes = try stream.receive(until: deadline) else { throw LabError("a body has no end") }
                if bytes.isEmpty { break }
                self.unread = bytes
            }
        }
    }
}

/// A well-formed request.
package struct HTTPRequest: Sendable {
    package var method: String
    package var target: String
    package var host: String?
    /// Further field lines, as `Name: value`.
    package var fields: [String]
    package var body: String?

    /// With a body there is a Content-Length.
    package init(
        _ method: String = "GET", _ target: String, host: String?, _ fields: [String] = [], body: String? = nil
    ) {
        self.method = method
        self.target = target
        self.host = host
        self.fields = fields
        self.body = body
    }

    package var text: String {
        var lines = ["\(self.method) \(self.target) HTTP/1.1"]
        if let host { lines.append("Host: \(host)") }
        lines += self.fields
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.map { "\($0)\r\n" }.joined() + "\r\n" + (self.body ?? "")
    }

    package var bytes: [UInt8] { Array(self.text.utf8) }
}

extension Host {
    /// Connects, from `source` if that is given.
    package func converseByHTTP(
        with target: SocketAddress, from source: IPAddress? = nil, receiveBuffer: Int? = nil,
        timeout: Duration = HTTPConversation.patience
    ) throws -> HTTPConversation {
        HTTPConversation(
            try self.connectByTCP(to: target, from: source, receiveBuffer: receiveBuffer, timeout: timeout))
    }

    func connectByTCP(
        to target: SocketAddress, from source: IPAddress?, receiveBuffer: Int?, timeout: Duration
    ) throws -> TCPStream {
        let attempt = Attempt(timeout: timeout)
        let socket = try self.run {
            let socket = try Socket(.stream, target.address.family)
            if let source { try socket.bind(to: SocketAddress(source, 0)) }
            if let receiveBuffer { try socket.setReceiveBuffer(receiveBuffer) }
            try socket.sendWithoutDelay()
            return socket
        }
        if let failure = attempt.connect(socket, to: target) {
            throw LabError("\(self.name) to \(target): \(failure)")
        }
        return TCPStream(socket)
    }
}
