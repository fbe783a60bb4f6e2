internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import Routing

/// What took too long.
extension Worker {
    mutating func timeout(_ token: UInt64) {
        switch UInt8(truncatingIfNeeded: token >> 56) {
        case TokenKind.client:
            if let client = self.clients.handle(token: token) { self.clientTimedOut(client) }
        case TokenKind.upstream:
            guard let upstream = self.upstreams.handle(token: token) else { return }
            if !self.upstreams[upstream].connection.isNone {
                self.closeCarrier(upstream, .connectTimedOut)
            } else if self.upstreams[upstream].phase == .idle {
                self.closeIdle(upstream)
            }
        case TokenKind.connection:
            if let connection = self.connections.handle(token: token) { self.settingsTimedOut(connection) }
        default: self.resumeAccepting()
        }
    }

    private mutating func clientTimedOut(_ client: Handle) {
        switch self.clients[client].phase {
        case .introducing, .handshaking:
            self.counters.handshakeTimeouts &+= 1
            self.close(client)
        case .waiting where self.clients[client].isInHead:
            // RFC 9110 section 15.5.9.
            if self.answer(client, .headTimeout) { self.serve(client) }
        case .waiting, .tunnelling, .lingering: self.close(client)
        case .exchanging: self.exchangeTimedOut(client)
        case .multiplexing: self.multiplexingTimedOut(client)
        }
    }

    private mutating func exchangeTimedOut(_ client: Handle) {
        if self.loop.now >= self.clients[client].exchange.deadline {
            let isBegun = self.clients[client].exchange.answer == .started
            if isBegun ? self.breakOff(client) : self.answer(client, .deadlineExceeded) { self.serve(client) }
            return
        }
        if self.waitsForClient(client) {
            // It may be slow, but not slower than that.
            let floor = UInt64(self.limits.minimumBodyRate) * UInt64(self.limits.bodyRateWindow) / 1000
            let transferred = self.clients[client].transferred
            let moved = transferred - min(transferred, self.clients[client].windowStart)
            if moved >= max(floor, 1) { return self.beginWindow(client) }
            self.counters.slowClients &+= 1
            if self.clients[client].exchange.answer == .awaited {
                if self.answer(client, .bodyTimeout) { self.serve(client) }
            } else {
                _ = self.breakOff(client)
            }
            return
        }
        let isOver =
            switch self.clients[client].exchange.answer {
            case .connecting: self.tryFailed(client, .connectTimedOut)
            case .awaited, .started: self.tryFailed(client, .readTimedOut)
            case .local: self.breakOff(client)
            }
        if isOver { self.serve(client) }
    }

    /// Whether it is the client that the exchange waits for: it does not take the answer, or has not sent the request.
    private func waitsForClient(_ client: Handle) -> Bool {
        if !self.clients[client].output.isEmpty || self.clients[client].exchange.answerBody.direct > 0 { return true }
        let exchange = self.clients[client].exchange
        return exchange.answer == .awaited && !exchange.requestBody.isDone && !exchange.awaitsInterim
            && exchange.requestBody.direct == 0 && exchange.requestSent == self.clients[client].request.count
            && !exchange.stopsSending
    }

    /// Something has happened in an exchange. An endpoint is given its time anew; a client is given a time in which it
    /// has to move so and so much, or a byte a minute would keep an endpoint's connection for ever.
    mutating func expectProgress(_ client: Handle) {
        if self.waitsForClient(client) {
            if !self.clients[client].isInWindow { self.beginWindow(client) }
            return
        }
        // What a client sends ahead does not give the endpoint more time.
        let moved = self.clients[client].exchange.moved
        guard self.clients[client].isInWindow || self.clients[client].exchange.timedFrom != moved else { return }
        self.clients[client].isInWindow = false
        self.clients[client].exchange.timedFrom = moved
        let settings = self.clients[client].exchange.settings
        let timeout = self.takesRequest(client) ? settings.readTimeout : settings.sendTimeout
        self.setTimer(client, after: timeout)
    }

    /// For an exchange, which may have an end of its own.
    mutating func setTimer(_ client: Handle, after time: some BinaryInteger) {
        let deadline = min(self.loop.now + UInt64(time), self.clients[client].exchange.deadline)
        self.timers.set(self.clients[client].timer, deadline: deadline)
    }

    /// Whether the endpoint takes what there is of the request.
    private func takesRequest(_ client: Handle) -> Bool {
        let upstream = self.clients[client].exchange.upstream
        return upstream.isNone || self.upstreams[upstream].isWritable
    }

    private mutating func beginWindow(_ client: Handle) {
        self.clients[client].isInWindow = true
        self.clients[client].windowStart = self.clients[client].transferred
        self.setTimer(client, after: self.limits.bodyRateWindow)
    }
}
