internal import Linux

/// One client of an ``HTTPBackend``. Belongs to its thread.
final class BackendConnection: BackendSession {
    private let shared: BackendState
    private let number: Int
    private var socket: Socket?
    private var input: [UInt8] = []
    private var output: [UInt8] = []
    private var flood: (bytes: [UInt8], times: Int) = ([], 0)
    private var request: BackendRequest?
    private var requests = 0
    private var steps: ArraySlice<HTTPBackend.Step> = []
    private var isTunnel = false
    private var isReading = true
    private var inputHasEnded = false
    private(set) var resumeAt: ContinuousClock.Instant?

    init(_ socket: consuming Socket, from peer: SocketAddress, _ shared: BackendState) {
        try? socket.sendWithoutDelay()
        self.socket = .some(socket)
        self.shared = shared
        self.number = shared.update { content in
            content.records.append(.init(number: content.records.count, peer: peer))
            return content.records.count - 1
        }
    }

    var isFinished: Bool { self.socket == nil }

    var isIdle: Bool { self.request == nil && !self.isTunnel && self.output.isEmpty }

    var interest: Readiness.Interest? {
        guard let number = self.socket?.number else { return nil }
        if !self.output.isEmpty { return .init(number: number, writing: true) }
        return self.isReading && !self.inputHasEnded ? .init(number: number, writing: false) : nil
    }

    func end(_ how: HTTPBackend.Record.End, reset: Bool = false) {
        guard self.socket != nil else { return }
        if reset { try? self.socket?.resetOnClose() }
        self.socket = nil
        self.resumeAt = nil
        self.record { $0.end = how }
    }

    func drain() { if self.isIdle { self.end(.byUs) } }

    func advance() {
        if let time = self.resumeAt {
            if time <= .now { self.resumeAt = nil }
        }
        do {
            try self.read()
            while self.socket != nil, try self.flush(), try self.step() {}
        } catch let error as SystemError {
            self.record { if $0.fault == nil { $0.fault = error.description } }
            self.end(.byClientReset)
        } catch {
            self.record { if $0.fault == nil { $0.fault = "\(error)" } }
            self.end(.byUs)
        }
    }

    private func read() throws {
        guard self.isReading, !self.inputHasEnded, self.output.count < 1 << 20,
            let bytes = try self.socket?.receive()
        else { return }
        self.record { $0.add(bytes, keeping: self.shared.recordLimit) }
        if bytes.isEmpty { self.inputHasEnded = true }
        self.input += bytes
    }

    /// Whether everything has been written.
    private func flush() throws -> Bool {
        while true {
            if self.output.isEmpty, self.flood.times > 0 {
                self.flood.times -= 1
                self.output = self.flood.bytes
            }
            if self.output.isEmpty { return true }
            guard let count = try self.socket?.send(self.output[...]) else { return false }
            if count == self.output.count { self.output = [] } else { self.output.removeFirst(count) }
        }
    }

    /// One step forward; false if there is none now.
    private func step() throws -> Bool {
        if self.isTunnel {
            swap(&self.output, &self.input)
            if self.output.isEmpty, self.inputHasEnded { self.end(.byClient) }
            return !self.output.isEmpty
        }
        guard self.request != nil else { return try self.begin() }
        let hadEnded = self.request?.body.hasEnded ?? true
        try self.request?.body.take(from: &self.input)
        if !hadEnded, self.request?.body.hasEnded == true { self.record { $0.completed += 1 } }
        if self.resumeAt != nil { return false }
        guard let step = self.steps.first else { return self.finishRequest() }
        guard try self.perform(step) else {
            if self.inputHasEnded, self.isReading { self.end(.byClient) }
            return false
        }
        if !self.steps.isEmpty { self.steps.removeFirst() }
        return true
    }

    /// Takes the next head, if it is there.
    private func begin() throws -> Bool {
        guard let end = HTTPLines.headEnd(self.input, from: 0) else {
            if self.inputHasEnded { self.end(.byClient) }
            return false
        }
        let request = try BackendRequest(head: self.input[..<end])
        self.input.removeFirst(end)
        self.requests += 1
        self.request = request
        self.record { record in
            if request.body.hasEnded { record.completed += 1 }
            record.targets.append(request.target)
        }
        self.steps = self.shared.update { $0.scripts[request.path] ?? [.awaitBody, .answer] }[...]
        return true
    }

    private func finishRequest() -> Bool {
        guard let request = self.request, request.body.hasEnded else {
            if self.inputHasEnded { self.end(.byClient) }
            return false
        }
        self.request = nil
        if request.closes { self.end(.byUs) }
        return true
    }

    /// Whether it is done; otherwise it is tried again when something has happened.
    private func perform(_ step: HTTPBackend.Step) throws -> Bool {
        switch step {
        case .awaitBody:
            self.sayContinue()
            return self.request?.body.hasEnded ?? true
        case .awaitBodyBytes(let count):
            self.sayContinue()
            return self.request.map { $0.body.length >= count || $0.body.hasEnded } ?? true
        case .send(let bytes): self.output += bytes
        case .flood(let bytes, let times): self.flood = (bytes, times)
        case .wait(let duration):
            self.resumeAt = .now + duration
            self.steps.removeFirst()
            return false
        case .answer: self.answer(200, [])
        case .answerWith(let status, let fields): self.answer(status, fields)
        case .tunnel: self.isTunnel = true
        case .stopReading: self.isReading = false
        case .resumeReading: self.isReading = true
        case .finishSending: try self.socket?.finishSending()
        case .close: self.end(.byUs)
        case .closeIfReused: if self.requests > 1 { self.end(.byUs) }
        case .reset: self.end(.byUs, reset: true)
        case .hang: return false
        }
        return true
    }

    /// Who waits for a body says so where the client waits too (RFC 9110 section 10.1.1).
    private func sayContinue() {
        guard let request = self.request, request.expectsContinue, request.body.length == 0 else { return }
        self.request?.expectsContinue = false
        self.output += "HTTP/1.1 100 Continue\r\n\r\n".utf8
    }

    private func answer(_ status: Int, _ fields: [String]) {
        guard let request = self.request else { return }
        let lines = [
            "HTTP/1.1 \(status) Because", "Content-Type: text/plain", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
            "Content-Length: \(request.head.count)", "X-Backend: \(self.shared.name)", "X-Connection: \(self.number)",
            "X-Request: \(self.requests)", "X-Body-Length: \(request.body.length)",
        ]
        self.output += (lines + fields).map { "\($0)\r\n" }.joined().utf8
        self.output += [13, 10]
        if request.method != "HEAD" { self.output += request.head }
    }

    private func record(_ change: (inout HTTPBackend.Record) -> Void) {
        self.shared.update { change(&$0.records[self.number]) }
    }
}

/// A request as a backend reads it: strictly.
struct BackendRequest {
    enum Body {
        case none
        case length(all: Int, remaining: Int)
        case chunked(ChunkedBody, length: Int)

        var hasEnded: Bool {
            switch self {
            case .none: true
            case .length(_, let remaining): remaining == 0
            case .chunked(let decoder, _): decoder.hasEnded
            }
        }

        /// What has come of it.
        var length: Int {
            switch self {
            case .none: 0
            case .length(let all, let remaining): all - remaining
            case .chunked(_, let length): length
            }
        }

        mutating func take(from input: inout [UInt8]) throws {
            switch self {
            case .none: break
            case .length(let all, let remaining):
                let count = min(remaining, input.count)
                if count == input.count { input = [] } else { input.removeFirst(count) }
                self = .length(all: all, remaining: remaining - count)
            case .chunked(var decoder, var length):
                let count = try decoder.take(input[...]) { length += $0.count }
                if count == input.count { input = [] } else { input.removeFirst(count) }
                self = .chunked(decoder, length: length)
            }
        }
    }

    let method: String
    let target: String
    /// The target without its query.
    let path: String
    let closes: Bool
    /// As it came, with the empty line.
    let head: [UInt8]
    var body: Body
    /// Whether the client waits to be asked for the body.
    var expectsContinue: Bool

    init(head: ArraySlice<UInt8>) throws {
        let lines = try HTTPLines.split(head.dropLast(4))
        let words = (lines.first ?? []).split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 3 else { throw LabError("no request line") }
        let fields = try lines.dropFirst().map { try HTTPField(line: $0) }
        let lengths = fields.values("Content-Length")
        let codings = fields.values("Transfer-Encoding")
        guard lengths.count <= 1, codings.count <= 1, lengths.isEmpty || codings.isEmpty else {
            throw LabError("ambiguous length: \(fields)")
        }
        if let text = lengths.first {
            guard let length = Int(text), length >= 0, "\(length)" == text else { throw LabError("no length: \(text)") }
            self.body = .length(all: length, remaining: length)
        } else if let coding = codings.first {
            guard coding == "chunked" else { throw LabError("unknown coding: \(coding)") }
            self.body = .chunked(ChunkedBody(), length: 0)
        } else {
            self.body = .none
        }
        self.method = String(decoding: words[0], as: UTF8.self)
        self.target = String(decoding: words[1], as: UTF8.self)
        self.path = String(self.target.prefix { $0 != "?" })
        self.head = Array(head)
        self.expectsContinue =
            fields.values("Expect").contains { $0.lowercased() == "100-continue" } && !self.body.hasEnded
        let connection = fields.values("Connection").joined(separator: ",").lowercased()
        self.closes =
            connection.contains("close")
            || (words[2].elementsEqual("HTTP/1.0".utf8) && !connection.contains("keep-alive"))
    }
}
