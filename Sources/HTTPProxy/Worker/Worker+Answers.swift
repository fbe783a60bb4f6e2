internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// The answer goes back to the client.
extension Worker {
    /// Goes on with an exchange. True when it is over.
    mutating func exchange(_ client: Handle) -> Bool {
        // Nobody would get the answer.
        if self.clients[client].isBroken { return self.clientLost(client) }
        let upstream = self.clients[client].exchange.upstream
        if upstream.isNone {
            switch self.flush(client) {
            case .done: return self.finish(client)
            case .blocked:
                self.expectProgress(client)
                return false
            case .failed: return self.clientLost(client)
            }
        }
        guard self.upstreams[upstream].phase == .busy else { return false }
        if self.sendRequest(client) { return true }
        // Sending may have come to an answer of our own, which waits for the client.
        guard self.clients[client].exchange.upstream == upstream else { return false }
        return self.passAnswer(client)
    }

    /// Passes on what comes from the endpoint. True when the exchange is over.
    private mutating func passAnswer(_ client: Handle) -> Bool {
        while true {
            let upstream = self.clients[client].exchange.upstream
            let before = self.upstreams[upstream].input.count
            if self.clients[client].exchange.answer == .awaited {
                if self.upstreams[upstream].hasUnparsed {
                    self.upstreams[upstream].hasUnparsed = false
                    switch self.parseAnswer(client, upstream) {
                    case .incomplete: break
                    case .interim, .begun: continue
                    case .over: return true
                    case .retried: return false
                    }
                }
            } else {
                switch self.stageAnswer(client, upstream) {
                case .staged: break
                case .malformed, .tooLong: return self.tryFailed(client, .brokenReply)
                }
            }
            let hadStaged = self.clients[client].output.count > self.clients[client].exchange.answerBody.trailerBytes
            switch self.flush(client) {
            case .done: break
            case .blocked:
                self.expectProgress(client)
                return false
            case .failed: return self.clientLost(client)
            }
            let exchange = self.clients[client].exchange
            if exchange.answer == .started, exchange.answerBody.isDone { return self.finish(client) }
            // What was staged may have been less than there is, for want of room: there is some now. What did not move although there was
            // room waits for what follows it.
            let rest = self.upstreams[upstream].input.count
            let hasRoomNow = hadStaged || exchange.answerBody.waitsForRoom
            if exchange.answer == .started, rest > 0, rest < before || hasRoomNow { continue }
            switch self.read(upstream: upstream) {
            case .some: continue
            case .nothing:
                self.expectProgress(client)
                return false
            case .end:
                if let isOver = self.upstreamEnded(client) { return isOver }
            case .broken: return self.upstreamBroken(client)
            }
        }
    }

    /// Moves on what the upstream's input has of the body.
    mutating func stageAnswer(_ client: Handle, _ upstream: Handle) -> BodyRelay.Staging {
        self.clients.stageAnswer(client, &self.upstreams, upstream)
    }

    /// The endpoint sends no more. nil to go on: that was how its answer ends.
    private mutating func upstreamEnded(_ client: Handle) -> Bool? {
        let upstream = self.clients[client].exchange.upstream
        guard self.clients[client].exchange.answer == .started else {
            let isReused = self.upstreams[upstream].isReused && self.upstreams[upstream].input.isEmpty
            let hasBegun = !self.upstreams[upstream].input.isEmpty
            return self.tryFailed(client, hasBegun ? .brokenReply : .closedWithoutReply(isReused: isReused))
        }
        if self.clients[client].answerEnded() { return nil }
        return self.tryFailed(client, .brokenReply)
    }

    /// The endpoint's connection was reset: nothing of what came is sure to be all of it.
    private mutating func upstreamBroken(_ client: Handle) -> Bool {
        let upstream = self.clients[client].exchange.upstream
        if self.clients[client].exchange.isUnsendable { return self.answer(client, .protocolUnsupported) }
        guard self.clients[client].exchange.answer != .started, self.upstreams[upstream].input.isEmpty else {
            return self.tryFailed(client, .brokenReply)
        }
        return self.tryFailed(client, .closedWithoutReply(isReused: self.upstreams[upstream].isReused))
    }

    // MARK: - Heads

    /// A whole head has come: an interim response (RFC 9110 section 15.2) goes on to clients that know of them.
    mutating func passInterim(_ client: Handle, _ upstream: Handle, _ head: ResponseHead) -> AnswerReading {
        self.clients[client].exchange.interims &+= 1
        guard self.clients[client].exchange.interims <= ProxyLimits.interimResponses else {
            return self.tryFailed(client, .brokenReply) ? .over : .retried
        }
        if self.clients[client].exchange.isHTTP11 {
            self.takeOutput(client)
            // One that does not fit behind those that the client has not taken can be left out.
            let isWritten = self.writeHead(client, upstream, head, .none, .empty)
            if isWritten, self.clients[client].isStream, !self.sendHead(client, ends: false) {
                return self.clientLost(client) ? .over : .retried
            }
        }
        self.clients[client].exchange.awaitsInterim = false
        self.upstreams[upstream].input.consume(head.length)
        self.upstreams[upstream].hasUnparsed = !self.upstreams[upstream].input.isEmpty
        return .interim
    }

    /// The head of the answer itself.
    mutating func beginAnswer(_ client: Handle, _ upstream: Handle, _ head: ResponseHead) -> AnswerReading {
        let exchange = self.clients[client].exchange
        // Sent to nobody, when the connection had been idle for too long, just before this request came: to be repeated on
        // another one (RFC 9110 section 15.5.9).
        if head.status == 408, !head.keepsAlive, self.upstreams[upstream].isReused, exchange.method.isIdempotent {
            return self.tryFailed(client, .closedWithoutReply(isReused: true)) ? .over : .retried
        }
        let isStream = self.clients[client].isStream
        // To an extended CONNECT it would say that there is a WebSocket (RFC 8441 section 4).
        if isStream, exchange.upgrade == .webSocket, (200..<300).contains(head.status) {
            _ = self.answer(client, .badReply)
            return .over
        }
        // Frames have an end of their own.
        let framing =
            isStream ? head.framing.withoutChunks : head.framing(forMinorVersion: exchange.isHTTP11 ? 1 : 0)
        // Its end is told by the end of the connection.
        if framing == .untilClose { self.clients[client].closesAfterExchange = true }
        // What the client still sends of its request, nobody would read.
        if !exchange.requestBody.isDone || exchange.stopsSending { self.clients[client].closesAfterExchange = true }
        self.takeOutput(client)
        guard self.writeHead(client, upstream, head, framing, self.writeCookie(client)) else {
            return self.tryFailed(client, .brokenReply) ? .over : .retried
        }
        self.upstreams[upstream].input.consume(head.length)
        self.clients[client].exchange.answer = .started
        self.clients[client].exchange.status = head.status
        self.clients[client].exchange.keepsUpstream = head.keepsAlive
        self.clients[client].exchange.answerBody = BodyRelay(head.framing, as: framing, limits: self.messages)
        if self.upstreams[upstream].isStream { self.clients[client].exchange.answerBody.comesOutOfFrames() }
        if isStream {
            self.clients[client].exchange.answerBody.goesIntoFrames()
            let ends = self.clients[client].exchange.answerBody.isDone
            if !self.sendHead(client, ends: ends) { return self.clientLost(client) ? .over : .retried }
        }
        return .begun
    }

    private mutating func writeHead(
        _ client: Handle, _ upstream: Handle, _ head: ResponseHead, _ framing: ResponseFraming, _ extra: ByteRange
    ) -> Bool {
        return self.clients.writeHead(
            client, self.upstreams, upstream, head, self.fields, framing: framing, date: self.date,
            self.scratch, extra: extra)
    }

    mutating func switchProtocols(_ client: Handle, _ upstream: Handle, _ head: ResponseHead) -> AnswerReading {
        // What is left of the request would go out as bytes of the other protocol.
        guard self.clients[client].exchange.requestSent == self.clients[client].request.count else {
            return self.tryFailed(client, .brokenReply) ? .over : .retried
        }
        self.takeOutput(client)
        guard self.writeHead(client, upstream, head, .none, .empty) else {
            return self.tryFailed(client, .brokenReply) ? .over : .retried
        }
        if self.clients[client].isStream, !self.sendHead(client, ends: false) {
            return self.clientLost(client) ? .over : .retried
        }
        self.upstreams[upstream].input.consume(head.length)
        self.releaseRequest(client)
        self.counters.tunnels &+= 1
        self.count(self.clients[client].exchange, status: 101)
        self.clients[client].phase = .tunnelling
        self.clients[client].exchange.answer = .started
        self.clients[client].exchange.answerBody = BodyRelay.unframed
        return .over
    }

    /// A buffer for what goes to the client.
    mutating func takeOutput(_ client: Handle) {
        if !self.clients[client].output.hasMemory { self.clients[client].output = self.heads.take() }
    }

    // MARK: - The end

    /// Everything of the answer has been sent. True: the connection waits for the next request, or lingers.
    mutating func finish(_ client: Handle) -> Bool {
        let exchange = self.clients[client].exchange
        self.count(exchange, status: exchange.status)
        if self.clients[client].log.isOpen { self.endLog(client) }
        let upstream = exchange.upstream
        if !upstream.isNone {
            self.endTry(client, exchange.status < 500 ? .success : Self.outcome(exchange.status))
            self.clients[client].exchange.upstream = .none
            // Bytes after the answer are nobody's, and a request that was not sent whole would be read as the next one.
            let isClean =
                exchange.keepsUpstream && exchange.requestBody.isDone && !exchange.stopsSending
                && exchange.requestSent == self.clients[client].request.count
                && self.upstreams[upstream].input.isEmpty
            if self.upstreams[upstream].isStream, exchange.answerBody.isDone {
                // The frame that says so may be on its way still.
                self.upstreams[upstream].link.hasAnswerEnded = true
            }
            if isClean, !self.upstreams[upstream].isStream { self.keep(upstream) } else { self.closeUpstream(upstream) }
        }
        self.leaveBackend(client)
        self.releaseRequest(client)
        if self.clients[client].isStream {
            self.endStream(client)
        } else if self.clients[client].closesAfterExchange || !exchange.requestBody.isDone {
            self.beginLingering(client)
        } else {
            self.awaitRequest(client)
        }
        return true
    }

    private static func outcome(_ status: UInt16) -> RequestOutcome {
        (502...504).contains(status) ? .gatewayError : .serverError
    }

    private mutating func count(_ exchange: Exchange, status: UInt16) {
        let first = Int(status / 100)
        let digit = first < 6 ? first : 0
        // What is no request has not begun.
        let milliseconds = exchange.startedAt == 0 ? 0 : self.loop.now &- exchange.startedAt
        self.counters.tally.count(digit: digit, milliseconds: milliseconds)
        self.routeCounts.count(exchange.settings.meter, digit: digit, milliseconds: milliseconds)
    }
}
