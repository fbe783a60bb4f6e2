internal import Linux

/// One client of an ``HTTP2Backend``. Belongs to its thread.
final class HTTP2BackendConnection: BackendSession {
    private struct Work {
        var steps: ArraySlice<HTTP2Backend.Step>
        /// The place of the request in the record.
        let place: Int
        let attempt: Int
        var resumeAt: ContinuousClock.Instant?
        /// Of what a step says, what has not gone.
        var unsent: ArraySlice<UInt8> = []
        var floods = 0
        /// By GOAWAY: nothing comes of it.
        var isLeftOut = false
    }

    private let shared: HTTP2BackendState
    private let number: Int
    private var socket: Socket?
    private var endpoint: HTTP2Endpoint
    private var work: [UInt32: Work] = [:]
    private var requests = 0
    private var lastStream: UInt32 = 0
    private var isDraining = false
    private var inputHasEnded = false
    private var owesGreeting = false

    init(_ socket: consuming Socket, from peer: SocketAddress, _ shared: HTTP2BackendState) {
        try? socket.sendWithoutDelay()
        self.socket = .some(socket)
        self.shared = shared
        self.number = shared.update { content in
            content.records.append(.init(number: content.records.count, peer: peer))
            return content.records.count - 1
        }
        let manners = shared.manners
        let habits = HTTP2Endpoint.Habits(acknowledges: manners.acknowledges, opensWindows: manners.opensWindows)
        self.endpoint = HTTP2Endpoint(isServer: true, habits: habits)
        self.owesGreeting = manners.greets
        if !manners.waitsForClient { self.greet() }
    }

    var isFinished: Bool { self.socket == nil }
    var isIdle: Bool { self.work.isEmpty && self.endpoint.output.isEmpty }
    var resumeAt: ContinuousClock.Instant? { self.isFinished ? nil : self.work.values.compactMap(\.resumeAt).min() }

    var interest: Readiness.Interest? {
        guard let number = self.socket?.number else { return nil }
        if !self.endpoint.output.isEmpty { return .init(number: number, writing: true) }
        return self.inputHasEnded ? nil : .init(number: number, writing: false)
    }

    func end(_ how: HTTPBackend.Record.End, reset: Bool = false) {
        guard self.socket != nil else { return }
        if reset { try? self.socket?.resetOnClose() }
        self.socket = nil
        self.record { $0.end = how }
    }

    func drain() {
        self.isDraining = true
        self.endpoint.send(.goAway(lastStream: self.lastStream))
        self.advance()
    }

    func advance() {
        do {
            try self.read()
            self.takeRequests()
            repeat { try self.flush() } while self.socket != nil && self.endpoint.output.isEmpty && self.step()
        } catch let error as SystemError {
            self.record { if $0.fault == nil { $0.fault = error.description } }
            self.end(.byClientReset)
        } catch {
            self.record { if $0.fault == nil { $0.fault = "\(error)" } }
            self.end(.byUs)
        }
        if self.socket != nil, self.endpoint.output.isEmpty {
            if self.inputHasEnded { self.end(.byClient) } else if self.isDraining, self.isIdle { self.end(.byUs) }
        }
    }

    private func greet() {
        guard self.owesGreeting else { return }
        self.owesGreeting = false
        self.endpoint.send(.settings(self.shared.settings))
    }

    private func read() throws {
        guard !self.inputHasEnded, self.endpoint.output.count < 1 << 20, let bytes = try self.socket?.receive() else {
            return
        }
        if bytes.isEmpty { self.inputHasEnded = true } else { self.greet() }
        try self.endpoint.receive(bytes)
    }

    private func flush() throws {
        while !self.endpoint.output.isEmpty {
            guard let count = try self.socket?.send(self.endpoint.output[...]) else { return }
            if count == self.endpoint.output.count {
                self.endpoint.output = []
            } else {
                self.endpoint.output.removeFirst(count)
            }
        }
    }

    /// Begins what has come, and writes down what came of the rest.
    private func takeRequests() {
        self.endpoint.frames = []
        let (settings, goAway) = (self.endpoint.peerSettings ?? [], self.endpoint.goAway?.errorCode)
        self.record { ($0.settings, $0.goAway) = (settings, goAway) }
        for (id, stream) in self.endpoint.streams.sorted(by: { $0.key < $1.key }) {
            guard let fields = stream.fields else { continue }
            if self.work[id] == nil { self.begin(id, fields) }
            guard let work = self.work[id] else { continue }
            self.record { record in
                record.requests[work.place].bodyLength = stream.bodyLength
                record.requests[work.place].body = stream.body
                record.requests[work.place].trailers = stream.trailers
                record.requests[work.place].isWhole = stream.hasEnded
                record.requests[work.place].resetCode = stream.resetCode
            }
            if stream.resetCode != nil { self.finish(id) }
        }
    }

    private func begin(_ id: UInt32, _ fields: [HTTPField]) {
        let request = HTTP2Backend.Request(stream: id, fields: fields)
        let path = String(request.path.prefix { $0 != "?" })
        let (steps, attempt) = self.shared.update { content in
            content.attempts[path, default: 0] += 1
            return (content.scripts[path] ?? [.awaitBody, .answer], content.attempts[path] ?? 1)
        }
        if let limit = self.shared.settings[.maxConcurrentStreams], self.work.count >= Int(limit) {
            self.endpoint.send(.resetStream(id, .refusedStream))
            self.endpoint.forget(id)
            self.record { $0.refused += 1 }
            return
        }
        self.work[id] = Work(steps: steps[...], place: self.requests, attempt: attempt)
        self.requests += 1
        self.lastStream = max(self.lastStream, id)
        let open = self.work.count
        self.record { record in
            record.requests.append(request)
            record.mostStreams = max(record.mostStreams, open)
        }
    }

    private func finish(_ id: UInt32) {
        self.work[id] = nil
        self.endpoint.forget(id)
    }

    /// One step forward on every stream that can; false if there is none now.
    private func step() -> Bool {
        var hasMoved = false
        for id in self.work.keys.sorted() where self.socket != nil {
            guard var work = self.work[id], let stream = self.endpoint.streams[id] else { continue }
            if let time = work.resumeAt {
                guard time <= .now else { continue }
                work.resumeAt = nil
            }
            guard let step = work.steps.first else {
                let isDone = stream.wasResetByUs || (stream.isOver && stream.hasSentEnd) || work.isLeftOut
                if isDone { self.finish(id) }
                continue
            }
            let isDone = self.perform(step, on: id, stream, &work)
            if isDone { work.steps.removeFirst() }
            self.work[id] = work
            if isDone || !self.endpoint.output.isEmpty { hasMoved = true }
        }
        return hasMoved
    }

    /// Whether it is done; otherwise it is tried again when something has happened.
    private func perform(
        _ step: HTTP2Backend.Step, on id: UInt32, _ stream: HTTP2Stream, _ work: inout Work
    ) -> Bool {
        switch step {
        case .awaitBody: return stream.hasEnded
        case .awaitBodyBytes(let count): return stream.bodyLength >= count || stream.hasEnded
        case .head(let status, let fields, let ends): self.head(status, fields, on: id, ends: ends)
        case .data(let bytes, let ends):
            if work.unsent.isEmpty { work.unsent = bytes[...] }
            return self.sendUnsent(on: id, ends: ends, &work)
        case .flood(let bytes, let times):
            if work.unsent.isEmpty { work.unsent = bytes[...] }
            guard self.sendUnsent(on: id, ends: work.floods + 1 == times, &work) else { return false }
            work.floods += 1
            return work.floods == times
        case .trailers(let fields): self.endpoint.sendHeaders(HPACKEncoder.encode(fields), on: id, ends: true)
        case .frames(let frames): for frame in frames(id) { self.endpoint.send(frame) }
        case .wait(let duration):
            work.resumeAt = .now + duration
            work.steps.removeFirst()
            return false
        case .answer: work.steps.insert(.answerWith(200, []), at: work.steps.startIndex + 1)
        case .answerWith(let status, let fields, let trailers):
            let text = self.describe(stream)
            let isBodiless = stream.method == "HEAD"
            self.head(
                status, self.usualFields(text.utf8.count, stream, fields), on: id, ends: isBodiless && trailers.isEmpty)
            var more: [HTTP2Backend.Step] = isBodiless ? [] : [.text(text, ends: trailers.isEmpty)]
            if !trailers.isEmpty { more.append(.trailers(trailers)) }
            work.steps.insert(contentsOf: more, at: work.steps.startIndex + 1)
        case .echo:
            let body = stream.body
            self.endpoint.update(id) { $0.body = [] }
            work.unsent += body
            return self.sendUnsent(on: id, ends: stream.hasEnded, &work) && stream.hasEnded
        case .reset(let code): self.endpoint.send(.resetStream(id, code))
        case .resetFirst(let count, let code):
            guard work.attempt <= count else { return true }
            self.endpoint.send(.resetStream(id, code))
            work.steps = work.steps.prefix(1)
        case .closeFirst(let count): if work.attempt <= count { self.end(.byUs) }
        case .goAway(let includingThis, let code):
            self.endpoint.send(.goAway(lastStream: includingThis ? id : id - min(id, 2), code))
            self.isDraining = true
            if !includingThis {
                work.isLeftOut = true
                work.steps = work.steps.prefix(1)
            }
        case .openWindows:
            self.endpoint.habits.opensWindows = true
            self.endpoint.send(.windowUpdate(1 << 24))
            self.endpoint.send(.windowUpdate(1 << 24, on: id))
        case .close: self.end(.byUs)
        case .hang: return false
        }
        return true
    }

    private func sendUnsent(on id: UInt32, ends: Bool, _ work: inout Work) -> Bool {
        let count = self.endpoint.sendBody(work.unsent, on: id, ends: ends)
        work.unsent = work.unsent.dropFirst(count)
        return work.unsent.isEmpty
    }

    private func head(_ status: Int, _ fields: [HTTPField], on id: UInt32, ends: Bool) {
        self.endpoint.sendHeaders(
            HPACKEncoder.encode([HTTPField(":status", "\(status)")] + fields), on: id, ends: ends)
    }

    private func usualFields(_ length: Int, _ stream: HTTP2Stream, _ further: [HTTPField]) -> [HTTPField] {
        [
            HTTPField("content-type", "text/plain"), HTTPField("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            HTTPField("content-length", "\(length)"), HTTPField("x-backend", self.shared.name),
            HTTPField("x-connection", "\(self.number)"), HTTPField("x-request", "\(self.requests)"),
            HTTPField("x-body-length", "\(stream.bodyLength)"),
        ] + further
    }

    /// In the words of HTTP/1.1, as ``HTTPBackend`` has it.
    private func describe(_ stream: HTTP2Stream) -> String {
        let fields = stream.fields ?? []
        func value(_ name: String) -> String { fields.values(name).first ?? "" }
        let lines = ["\(value(":method")) \(value(":path")) HTTP/2", "host: \(value(":authority"))"]
        return (lines + fields.filter { !$0.name.hasPrefix(":") }.map(\.description)).map { "\($0)\r\n" }.joined()
            + "\r\n"
    }

    private func record(_ change: (inout HTTP2Backend.Record) -> Void) {
        self.shared.update { change(&$0.records[self.number]) }
    }
}
