internal import Linux
internal import Networking

/// HTTP/1.1 requests on connections that are kept, one at a time on each: at a fixed rate whatever the answers do (an open
/// loop), or as fast as answers come. Every answer has to be a 200 with a body of the expected length.
package struct MeasuredLoad: ~Copyable {
    /// What a run came to.
    package struct Report: Sendable {
        package var completed = 0
        /// Answers that were not as they should be, and connections that ended. Each ends its connection here.
        package var failed = 0
        /// From the moment at which a request was due to its last byte, so waiting for a free connection counts.
        package var latency = LatencyHistogram()
    }

    /// When requests are sent.
    package enum Pace: Sendable {
        /// This many a second.
        case rate(Int)
        /// The next one as soon as a connection is free, with at most this many under way.
        case closed(concurrency: Int)
    }

    private let requests: [[UInt8]]
    private let expectedBody: Int
    private let clients: [Client]
    private var idle: Ring
    private var queue: EventQueue
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// The request that comes next, over all runs.
    private var next = 0

    /// A connection, and the request that is under way on it.
    private final class Client {
        let socket: Socket
        var response = ResponseProgress()
        var due: Int64 = 0
        var isRecorded = false

        init(_ socket: consuming Socket) { self.socket = socket }
    }

    /// Opens `connections` in the network namespace of the calling thread. `requests` are sent in turn; answers to them
    /// have bodies of `expectedBody` bytes.
    package init(to address: SocketAddress, connections: Int, requests: [[UInt8]], expectedBody: Int) throws {
        precondition(connections > 0 && !requests.isEmpty, "a load needs connections and requests")
        let queue = try EventQueue()
        var clients: [Client] = []
        var idle = Ring(capacity: connections)
        for token in 0..<connections {
            let socket = try Socket(.stream, address.address.family)
            try socket.setNoDelay()
            try socket.connect(to: address)
            guard Readiness.wait(socket, writing: true, timeout: .seconds(5)), socket.takeError() == nil else {
                throw LabError("no connection to \(address)")
            }
            try queue.add(socket.number, as: token)
            clients.append(Client(socket))
            idle.append(token)
        }
        self.requests = requests
        self.expectedBody = expectedBody
        self.clients = clients
        self.idle = idle
        self.queue = queue
    }

    /// How many connections have not failed.
    package var openConnections: Int { self.idle.count }

    /// A GET request with nothing in it but what it needs.
    package static func request(host: String, path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
    }

    /// Sends `count` requests and waits for all answers; the first `warmUp` of them are in no figure. Connections take turns.
    package mutating func run(_ pace: Pace, count: Int, warmUp: Int = 0) throws -> Report {
        var report = Report()
        var (issued, underWay) = (0, 0)
        let began = MonotonicClock.nanoseconds()
        while issued < count || underWay > 0 {
            var deadline: Int64?
            while issued < count, !self.idle.isEmpty {
                let now = MonotonicClock.nanoseconds()
                var due = now
                switch pace {
                case .rate(let rate):
                    due = began + Int64(Double(issued) * 1e9 / Double(rate))
                    if due > now { deadline = due }
                case .closed(let concurrency):
                    if underWay == concurrency { deadline = .max }
                }
                if deadline != nil { break }
                if try self.send(due: due, isRecorded: issued >= warmUp) { underWay += 1 } else { report.failed += 1 }
                issued += 1
            }
            if underWay == 0, deadline == nil {
                guard !self.idle.isEmpty || issued == count else { throw LabError("no connection is left") }
                continue
            }
            for index in 0..<(try self.queue.wait(until: deadline == .max ? nil : deadline)) {
                if try self.receive(self.queue[index].token, &report) { underWay -= 1 }
            }
        }
        return report
    }

    /// False if the connection has failed.
    private mutating func send(due: Int64, isRecorded: Bool) throws -> Bool {
        let token = self.idle.removeFirst()
        let client = self.clients[token]
        let request = self.requests[self.next % self.requests.count]
        self.next += 1
        client.due = due
        client.isRecorded = isRecorded
        client.response = ResponseProgress()
        // A request is small, and the connection has nothing else under way: it fits.
        let sent = try? client.socket.send(request[...])
        if sent == request.count { return true }
        try self.queue.remove(client.socket.number)
        return false
    }

    /// True if the request that was under way there has come to an end.
    private mutating func receive(_ token: Int, _ report: inout Report) throws -> Bool {
        let client = self.clients[token]
        let count = (try? client.socket.receive(into: &self.buffer)) ?? 0
        let outcome = count == 0 ? .wrong : client.response.advance(self.buffer, count, expected: self.expectedBody)
        switch outcome {
        case .incomplete: return false
        case .wrong:
            report.failed += 1
            try self.queue.remove(client.socket.number)
        case .complete:
            if client.isRecorded {
                report.completed += 1
                report.latency.record(MonotonicClock.nanoseconds() - client.due)
            }
            self.idle.append(token)
        }
        return true
    }
}

/// How much of an answer has come.
private struct ResponseProgress {
    enum Outcome { case incomplete, complete, wrong }

    private var head: [UInt8] = []
    private var bodyLeft: Int?

    private static let status = Array("HTTP/1.1 200 ".utf8)
    private static let contentLength = Array("content-length:".utf8)

    mutating func advance(_ bytes: [UInt8], _ count: Int, expected: Int) -> Outcome {
        var bytes = bytes
        var (start, count) = (0, count)
        if self.bodyLeft == nil {
            if !self.head.isEmpty {
                bytes = self.head + bytes[..<count]
                count = bytes.count
                self.head = []
            }
            guard let (end, length) = Self.readHead(bytes, count) else {
                self.head = Array(bytes[..<count])
                return count < 64 << 10 ? .incomplete : .wrong
            }
            guard length == expected else { return .wrong }
            self.bodyLeft = length
            start = end
        }
        let left = (self.bodyLeft ?? 0) - (count - start)
        self.bodyLeft = left
        return left == 0 ? .complete : left > 0 ? .incomplete : .wrong
    }

    /// nil while it is not complete. A length of nil is an answer that is not as it should be.
    private static func readHead(_ bytes: [UInt8], _ count: Int) -> (end: Int, length: Int?)? {
        let span = bytes.span
        var (lineStart, index) = (0, 0)
        var length: Int?
        while true {
            while index < count, span[index] != UInt8(ascii: "\n") { index += 1 }
            guard index < count else { return nil }
            index += 1
            if index - lineStart <= 2 { break }
            if index - lineStart > self.contentLength.count, self.matches(span, lineStart, self.contentLength) {
                var value = 0
                for byte in lineStart..<index where (48...57).contains(span[byte]) {
                    value = value * 10 + Int(span[byte]) - 48
                }
                length = value
            }
            lineStart = index
        }
        guard count >= self.status.count, bytes.starts(with: self.status) else { return (index, nil) }
        return (index, length)
    }

    private static func matches(_ bytes: Span<UInt8>, _ start: Int, _ name: [UInt8]) -> Bool {
        for index in name.indices where bytes[start + index] | 0x20 != name[index] { return false }
        return true
    }
}

/// Connections that wait for a request, the one that has waited longest first.
private struct Ring {
    private var places: [Int]
    private var first = 0
    private(set) var count = 0

    init(capacity: Int) { self.places = [Int](repeating: 0, count: capacity) }

    var isEmpty: Bool { self.count == 0 }

    mutating func append(_ token: Int) {
        self.places[(self.first + self.count) % self.places.count] = token
        self.count += 1
    }

    mutating func removeFirst() -> Int {
        defer {
            self.first = (self.first + 1) % self.places.count
            self.count -= 1
        }
        return self.places[self.first]
    }
}
