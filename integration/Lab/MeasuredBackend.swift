package import Linux
internal import Networking

/// An HTTP/1.1 server to measure proxies with: one thread, nothing but what a backend has to do, so that there is as little
/// of it in the figures as can be. It answers a request when its whole body has arrived, keeps every connection open, and
/// counts what reaches it.
///
/// `GET /1m...` is answered with 1 MiB, `/counters` with ``Counters`` as text, everything else with 128 bytes. Bodies of requests
/// must have a `Content-Length`; a request with another framing ends its connection.
package struct MeasuredBackend: ~Copyable {
    /// What has reached the backend, `/counters` left out.
    package struct Counters: Sendable, Equatable {
        package var connections = 0
        package var requests = 0
        /// Of request bodies.
        package var bodyBytes = 0

        package init() {}

        /// Of the answer to `/counters`.
        package init?(text: String) {
            let numbers = text.split { $0 == " " || $0 == "\n" }.compactMap { Int($0) }
            guard numbers.count == 3 else { return nil }
            (self.connections, self.requests, self.bodyBytes) = (numbers[0], numbers[1], numbers[2])
        }

        package var text: String { "\(self.connections) \(self.requests) \(self.bodyBytes)\n" }
    }

    package static let smallBody = 128
    package static let largeBody = 1 << 20
    /// A request head that is longer ends its connection.
    private static let headLimit = 64 << 10

    private static let listenerToken = 0
    private static let stopToken = 1
    private static let firstClientToken = 2

    private let listener: Socket
    private var queue: EventQueue
    private var clients: [Client?] = []
    private var free: [Int] = []
    private var counters = Counters()
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private let small = Self.response(body: [UInt8](repeating: UInt8(ascii: "x"), count: Self.smallBody))
    private let large = Self.response(body: [UInt8](repeating: UInt8(ascii: "x"), count: Self.largeBody))

    /// A connection and how far it has come.
    private final class Client {
        let socket: Socket
        /// The part of a head that has arrived, if it did not arrive as a whole.
        var head: [UInt8] = []
        /// Of the request whose head has arrived: how much of its body is to come, and what is then asked for.
        var bodyLeft = 0
        var target = RequestHead.Target.small
        var isInBody = false
        /// What is being sent, from `sent` on.
        var answer: [UInt8] = []
        var sent = 0
        var waitsToWrite = false

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    /// Listens in the network namespace of the calling thread.
    package init(on address: SocketAddress) throws {
        let listener = try Socket(.stream, address.address.family)
        try listener.bind(to: address)
        try listener.listen()
        let queue = try EventQueue()
        try queue.add(listener.number, as: Self.listenerToken)
        self.listener = listener
        self.queue = queue
    }

    private static func response(body: [UInt8]) -> [UInt8] {
        let head = """
            HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.count)\r\n\
            Server: backend\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n
            """
        return Array(head.utf8) + body
    }

    /// Serves until `stop` is signalled, or for ever.
    package mutating func serve(until stop: WakeUp? = nil) throws {
        if let stop { try self.queue.add(stop.number, as: Self.stopToken) }
        while true {
            for index in 0..<(try self.queue.wait(until: nil)) {
                let event = self.queue[index]
                switch event.token {
                case Self.stopToken: return
                case Self.listenerToken: try self.accept()
                default: self.advance(event.token - Self.firstClientToken, event.isWritable)
                }
            }
        }
    }

    private mutating func accept() throws {
        while let accepted = try self.listener.accept() {
            let client = Client(accepted.take())
            try client.socket.setNoDelay()
            let place = self.free.popLast() ?? self.clients.count
            if place == self.clients.count { self.clients.append(client) } else { self.clients[place] = client }
            try self.queue.add(client.socket.number, as: place + Self.firstClientToken)
            self.counters.connections += 1
        }
    }

    private mutating func advance(_ place: Int, _ isWritable: Bool) {
        guard let client = self.clients[place] else { return }
        do {
            if isWritable { try self.send(to: client, place) }
            guard client.answer.isEmpty else { return }
            guard let count = try client.socket.receive(into: &self.buffer) else { return }
            if count > 0, try self.take(received: count, from: client, place) { return }
        } catch {
            // The other end went away in the middle; so does its connection here.
        }
        self.clients[place] = nil
        self.free.append(place)
    }

    private mutating func take(received count: Int, from client: Client, _ place: Int) throws -> Bool {
        if client.head.isEmpty { return try self.take(self.buffer, count, from: client, place) }
        // The head comes in pieces.
        let joined = client.head + self.buffer[..<count]
        client.head = []
        return try self.take(joined, joined.count, from: client, place)
    }

    /// Takes the first `count` bytes; false if they are no request that this server understands.
    private mutating func take(_ bytes: [UInt8], _ count: Int, from client: Client, _ place: Int) throws -> Bool {
        var start = 0
        while start < count {
            if client.isInBody {
                let taken = min(client.bodyLeft, count - start)
                client.bodyLeft -= taken
                self.counters.bodyBytes += taken
                start += taken
            } else if let head = RequestHead(bytes, start..<count) {
                guard let length = head.bodyLength else { return false }
                start = head.end
                client.target = head.target
                client.bodyLeft = length
                client.isInBody = true
            } else {
                client.head = Array(bytes[start..<count])
                return client.head.count < Self.headLimit
            }
            if client.isInBody, client.bodyLeft == 0 {
                client.isInBody = false
                // One request at a time: proxies do not pipeline.
                guard client.answer.isEmpty, start == count else { return false }
                try self.answer(client, place)
            }
        }
        return true
    }

    private mutating func answer(_ client: Client, _ place: Int) throws {
        switch client.target {
        case .small: client.answer = self.small
        case .large: client.answer = self.large
        case .counters:
            client.answer = Self.response(body: Array(self.counters.text.utf8))
            self.counters.requests -= 1
        }
        self.counters.requests += 1
        try self.send(to: client, place)
    }

    private mutating func send(to client: Client, _ place: Int) throws {
        while client.sent < client.answer.count {
            guard let count = try client.socket.send(client.answer[client.sent...]) else { break }
            client.sent += count
        }
        let isDone = client.sent == client.answer.count
        if isDone {
            client.answer = []
            client.sent = 0
        }
        if client.waitsToWrite == isDone {
            client.waitsToWrite = !isDone
            try self.queue.change(client.socket.number, as: place + Self.firstClientToken, writing: !isDone)
        }
    }
}

/// As much of a request head as the backend needs.
private struct RequestHead {
    enum Target { case small, large, counters }

    let target: Target
    /// nil where the body is framed in a way that the backend does not know.
    let bodyLength: Int?
    /// Where the head ends in the buffer.
    let end: Int

    /// nil while the head is not complete.
    init?(_ bytes: [UInt8], _ range: Range<Int>) {
        let bytes = bytes.span
        var lineStart = range.lowerBound
        var length: Int? = 0
        var index = range.lowerBound
        while true {
            while index < range.upperBound, bytes[index] != UInt8(ascii: "\n") { index += 1 }
            guard index < range.upperBound else { return nil }
            index += 1
            // An empty line, "\r\n".
            if index - lineStart <= 2 { break }
            if Self.hasPrefix(Self.contentLength, bytes, lineStart, index) {
                length = Self.number(bytes, lineStart + 15, index)
            } else if Self.hasPrefix(Self.transferEncoding, bytes, lineStart, index) {
                length = nil
            }
            lineStart = index
        }
        var path = range.lowerBound
        while path < index, bytes[path] != UInt8(ascii: " ") { path += 1 }
        self.target =
            Self.hasPrefix(Self.largeTarget, bytes, path + 1, index)
            ? .large : Self.hasPrefix(Self.countersTarget, bytes, path + 1, index) ? .counters : .small
        self.bodyLength = length
        self.end = index
    }

    private static let contentLength = Array("content-length:".utf8)
    private static let transferEncoding = Array("transfer-encoding:".utf8)
    private static let largeTarget = Array("/1m".utf8)
    private static let countersTarget = Array("/counters".utf8)

    /// Whether `prefix`, which is in lower case, is what stands at `start`.
    private static func hasPrefix(_ prefix: [UInt8], _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end - start >= prefix.count else { return false }
        for index in prefix.indices where bytes[start + index] | 0x20 != prefix[index] { return false }
        return true
    }

    private static func number(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var value: Int?
        for index in start..<end {
            let digit = Int(bytes[index]) - 48
            if (0...9).contains(digit) {
                let (product, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
                if overflow { return nil }
                value = product + digit
            }
        }
        return value
    }
}
