internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// What is done when something goes wrong: tried again, answered, or broken off.
extension Worker {
    /// The try of a client's exchange has failed. True when the exchange is over.
    mutating func tryFailed(_ client: Handle, _ failure: TryFailure) -> Bool {
        let exchange = self.clients[client].exchange
        var failure = failure
        if case .closedWithoutReply(isReused: true) = failure {
            // Once is an accident.
            if exchange.hasLostConnection { failure = .closedWithoutReply(isReused: false) }
            self.clients[client].exchange.hasLostConnection = true
        }
        if failure == .readTimedOut || failure == .connectTimedOut { self.retireCarrier(of: exchange.upstream) }
        // What is staged of a body for one protocol is nothing for another.
        let isStaged = self.clients[client].request.count > exchange.headSize
        let isPortable =
            self.backends[exchange.backend].protocol != .https || !isStaged || exchange.requestBody.framing == .length
        self.clients[client].exchange.failure = failure
        self.abandonUpstream(client, failure.outcome)
        self.counters.upstreamFailures &+= 1
        let state = TryState(
            isIdempotent: exchange.method.isIdempotent && exchange.upgrade == .none,
            wasSent: exchange.requestSent > 0 || !exchange.isReplayable,
            isReplayable: exchange.isReplayable && isPortable,
            wasAnswered: exchange.answer == .started, tries: Int(exchange.tries),
            elapsed: self.loop.now - exchange.startedAt)
        var policy = self.limits.retries
        policy.maximumTries = Int(exchange.settings.maximumTries)
        switch policy.decide(failure, state, budget: &self.backends[exchange.backend].budget, at: self.loop.now) {
        case .retryOnNewConnection:
            self.clients[client].exchange.avoidsPool = true
            self.counters.staleConnections &+= 1
        case .retryElsewhere:
            self.clients[client].exchange.tried.insert(exchange.slot)
            self.clients[client].exchange.isRetry = true
        case .abort:
            return self.breakOff(client)
        case .answer: return self.answer(client, Self.answer(to: failure))
        }
        self.clients[client].exchange.requestSent = 0
        self.clients[client].exchange.answer = .connecting
        self.clients[client].exchange.stopsSending = false
        return self.acquireUpstream(client)
    }

    /// RFC 9110 sections 15.6.3 and 15.6.5: 504 where time ran out, else 502.
    static func answer(to failure: TryFailure) -> LocalAnswer {
        switch failure {
        case .connectFailed: .unreachable
        case .connectTimedOut: .connectTimeout
        case .closedWithoutReply: .noReply
        case .brokenReply: .badReply
        case .readTimedOut: .replyTimeout
        }
    }

    /// Part of the answer is out: all that is left is to reset the connection, so that the client does not take it for all
    /// of it (RFC 9112 section 8). True.
    mutating func breakOff(_ client: Handle) -> Bool {
        self.counters.answersBrokenOff &+= 1
        if self.clients[client].isStream, self.clients[client].exchange.isGRPC, self.endCall(client) { return true }
        self.reset(client)
        return true
    }

    /// The exchange is with a backend from now on, which therefore stays.
    mutating func enterBackend(_ client: Handle, _ backend: Handle) {
        self.clients[client].exchange.backend = backend
        self.backends[backend].users += 1
    }

    mutating func leaveBackend(_ client: Handle) {
        let table = self.clients[client].exchange.table
        if table >= 0 {
            self.clients[client].exchange.table = -1
            self.view.releaseTable(table)
        }
        let backend = self.clients[client].exchange.backend
        guard !backend.isNone else { return }
        self.clients[client].exchange.backend = .none
        self.backends[backend].users -= 1
        self.discardIfUnused(backend)
    }

    /// The client is gone; what its request began is of no use. True.
    mutating func clientLost(_ client: Handle) -> Bool {
        self.counters.clientsLost &+= 1
        // Whoever still reads must not take what came for all of it.
        if self.clients[client].exchange.answer == .started { self.reset(client) } else { self.close(client) }
        return true
    }

    /// Answers by ourselves; `extra` are field lines in the scratch buffer. True when that is over, and the connection waits for a request or lingers.
    mutating func answer(_ client: Handle, _ answer: LocalAnswer, extra: ByteRange = .empty) -> Bool {
        self.abandonUpstream(client, .neutral)
        self.releaseRequest(client)
        // Where the next request begins is only certain when the whole of this one has been read.
        let closes =
            answer.closes || self.clients[client].closesAfterExchange || self.isDraining
            || !self.clients[client].exchange.requestBody.isDone
        self.clients[client].closesAfterExchange = closes
        self.clients[client].exchange.answer = .local
        self.clients[client].isInWindow = false
        self.clients[client].exchange.answerBody = BodyRelay()
        self.clients[client].exchange.status = answer.status
        self.clients[client].exchange.local = answer
        self.counters.localAnswers &+= 1
        self.takeOutput(client)
        let isWritten = self.clients[client].writeAnswer(
            answer, closes: closes, date: self.date, self.scratch, extra: extra)
        if !isWritten || self.clients[client].isStream && !self.sendOwnHead(client) { return self.clientLost(client) }
        self.clients[client].phase = .exchanging
        return self.exchange(client)
    }
}
