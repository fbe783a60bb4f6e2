internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor

/// Bodies pass through, and heads that were made for them.
extension Worker {
    // MARK: - To the endpoint

    /// Sends upstream what there is of the request. True when the exchange is over.
    mutating func sendRequest(_ client: Handle) -> Bool {
        let upstream = self.clients[client].exchange.upstream
        while !self.clients[client].exchange.stopsSending {
            if !self.clients[client].exchange.requestBody.isDone {
                if let answer = self.stageRequest(client) { return self.answerInstead(client, answer) }
            }
            let staged = self.stagedCount(client)
            let direct = self.clients[client].exchange.requestBody.direct
            guard staged + direct > 0 || self.owesEnd(client, upstream) else {
                if self.clients[client].exchange.requestBody.isDone { return false }
                if !self.clients[client].input.isEmpty, !self.clients[client].request.isEmpty,
                    self.clients[client].exchange.requestBody.trailerBytes == 0
                {
                    // What has come did not fit behind what was sent, which is of no use but to be sent again.
                    self.forgetRequest(client)
                    continue
                }
                switch self.read(client) {
                case .some: continue
                case .nothing: return false
                case .end, .broken:
                    // It will not send the rest, so there is nothing to be answered; but what has begun goes on.
                    guard self.clients[client].exchange.answer == .started, !self.clients[client].isBroken else {
                        return self.clientLost(client)
                    }
                    self.clients[client].exchange.stopsSending = true
                    self.clients[client].closesAfterExchange = true
                    return false
                }
            }
            guard self.upstreams[upstream].isWritable else { return false }
            switch self.send(client, upstream, staged: staged, direct: direct) {
            case .bytes(let count):
                self.requestSent(client, count, staged: staged)
                if count < staged + direct, !self.upstreams[upstream].isTLS, !self.upstreams[upstream].isStream {
                    self.upstreams[upstream].isWritable = false
                    return false
                }
            case .blocked:
                self.upstreams[upstream].isWritable = false
                return false
            case .ended, .failed:
                // An answer may have come before it stopped reading; reading tells.
                self.clients[client].exchange.stopsSending = true
                self.upstreams[upstream].isReadable = true
            }
        }
        return false
    }

    /// What of the request can be sent. Fields behind the body of a stream go out together, when all of them have come.
    private func stagedCount(_ client: Handle) -> Int {
        let exchange = self.clients[client].exchange
        let count = self.clients[client].request.count - exchange.requestSent
        return exchange.requestBody.hasAllCome ? count : count - exchange.requestBody.trailerBytes
    }

    private mutating func send(_ client: Handle, _ upstream: Handle, staged: Int, direct: Int) -> Transfer {
        if self.upstreams[upstream].isStream {
            return self.send(client, stream: upstream, staged: staged, direct: direct)
        }
        return self.clients.sendRequest(client, to: &self.upstreams, upstream, direct: direct)
    }

    private mutating func requestSent(_ client: Handle, _ count: Int, staged: Int) {
        let ofStaged = min(count, staged)
        self.clients[client].exchange.requestSent += ofStaged
        self.clients[client].exchange.moved &+= 1
        self.counters.bytesToUpstreams &+= UInt64(count)
        guard count > ofStaged else { return }
        self.clients[client].input.consume(count - ofStaged)
        self.clients[client].exchange.requestBody.sent(count - ofStaged)
        self.clients[client].exchange.isReplayable = false
    }

    /// Moves on what the client's input has of the body. An answer if it is not as it should be.
    private mutating func stageRequest(_ client: Handle) -> LocalAnswer? {
        if self.clients[client].exchange.requestSent == self.clients[client].request.count,
            self.clients[client].request.space < BodyRelay.stepRoom
        {
            // A long body is not kept to be sent again.
            self.forgetRequest(client)
        }
        switch self.clients[client].stageRequest() {
        case .staged: return nil
        case .malformed(let fault): return .refused(fault)
        case .tooLong: return .bodyTooLarge
        }
    }

    /// What has been sent, all of it, makes room; it cannot be sent again.
    private mutating func forgetRequest(_ client: Handle) {
        self.clients[client].request.clear()
        self.clients[client].exchange.requestSent = 0
        self.clients[client].exchange.isReplayable = false
    }

    /// The rest of the request is refused: with an answer if none has begun.
    private mutating func answerInstead(_ client: Handle, _ answer: LocalAnswer) -> Bool {
        self.clients[client].exchange.answer == .started ? self.breakOff(client) : self.answer(client, answer)
    }

    // MARK: - To the client

    enum Flush {
        case done
        case blocked
        case failed
    }

    /// Sends to the client what is staged, and the direct bytes of the upstream's input after it.
    mutating func flush(_ client: Handle) -> Flush {
        if self.clients[client].isStream { return self.flush(stream: client) }
        let upstream = self.clients[client].exchange.upstream
        while true {
            let staged = self.clients[client].output.count
            let direct = self.clients[client].exchange.answerBody.direct
            guard staged + direct > 0 else { return .done }
            guard self.clients[client].isWritable else { return .blocked }
            let transfer =
                direct == 0
                ? self.clients[client].sendOutput()
                : self.clients.sendOutput(client, then: self.upstreams, upstream, count: direct)
            switch transfer {
            case .bytes(let count):
                let ofStaged = min(count, staged)
                self.counters.bytesToClients &+= UInt64(count)
                self.clients[client].output.consume(ofStaged)
                if count > ofStaged {
                    self.upstreams[upstream].input.consume(count - ofStaged)
                    self.clients[client].exchange.answerBody.sent(count - ofStaged)
                }
                if count < staged + direct, !self.clients[client].isTLS {
                    self.clients[client].isWritable = false
                    return .blocked
                }
            case .blocked:
                self.clients[client].isWritable = false
                return .blocked
            case .ended, .failed: return .failed
            }
        }
    }

    // MARK: - From the endpoint

    /// Reads what an endpoint has sent, as far as there is space.
    mutating func read(upstream: Handle) -> Reading {
        if self.upstreams[upstream].isStream { return self.read(upstreamStream: upstream) }
        guard self.upstreams[upstream].isReadable, self.mayRead(for: self.upstreams[upstream].client) else {
            return .nothing
        }
        if !self.upstreams[upstream].input.hasMemory {
            self.upstreams[upstream].input = self.heads.take()
        } else if self.upstreams[upstream].input.isEmpty, self.upstreams[upstream].wantsLargeBuffer {
            self.upstreams[upstream].wantsLargeBuffer = false
            self.releaseInput(upstream: upstream)
            self.upstreams[upstream].input = self.bodies.take()
        }
        if self.upstreams[upstream].input.space == 0 { self.upstreams[upstream].input.compact() }
        let space = self.upstreams[upstream].input.space
        // Full of what the client has not taken, or of a head that is too long, which the parser says.
        guard space > 0 else { return .nothing }
        switch self.upstreams[upstream].receive() {
        case .bytes(let count):
            self.counters.bytesFromUpstreams &+= UInt64(count)
            self.upstreams[upstream].hasUnparsed = true
            self.clients[self.upstreams[upstream].client].exchange.moved &+= 1
            if count < space {
                if !self.upstreams[upstream].hasEnded, self.upstreams[upstream].isDrained(after: count, of: space) {
                    self.upstreams[upstream].isReadable = false
                }
            } else {
                // There is more than such a buffer holds: fewer and larger reads for the rest.
                self.upstreams[upstream].wantsLargeBuffer = space < self.bodies.size
            }
            return .some
        case .blocked:
            self.upstreams[upstream].isReadable = false
            return .nothing
        case .ended:
            self.upstreams[upstream].isReadable = false
            self.upstreams[upstream].hasEnded = true
            return .end
        case .failed:
            self.upstreams[upstream].isReadable = false
            self.upstreams[upstream].hasEnded = true
            return .broken
        }
    }
}
