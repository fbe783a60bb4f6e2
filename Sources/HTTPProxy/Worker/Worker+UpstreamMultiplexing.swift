internal import Balancing
internal import Bytes
internal import HTTP2
internal import Reactor

/// Connections of HTTP/2 to endpoints: frames come, and become what happens on streams.
extension Worker {
    /// A connection is to carry streams.
    mutating func makeCarrier(_ upstream: Handle) {
        let session = HTTP2Session(.client, self.limits.http2Upstream, seed: self.random.next())
        self.upstreams[upstream].connection = self.connections.insert(
            HTTP2Connection(session, carrier: upstream, isUpstream: true, timer: self.timers.make()))
        self.upstreams[upstream].client = .none
    }

    /// Reads frames and does what they say, until there are no more.
    mutating func multiplex(upstream carrier: Handle, work: Int = ProxyLimits.workPerTurn) {
        let connection = self.upstreams[carrier].connection
        self.markDirty(connection)
        self.workLeft = work
        for _ in 0..<ProxyLimits.readsPerTurn {
            guard self.workLeft > 0 else { break }
            guard self.upstreams[carrier].input.isEmpty else {
                // There was no time for it in the last turn.
                guard self.takeFrames(upstream: carrier, connection) else { return }
                continue
            }
            guard self.upstreams[carrier].isReadable else { return }
            if !self.upstreams[carrier].input.hasMemory { self.upstreams[carrier].input = self.bodies.take() }
            if self.upstreams[carrier].input.space == 0 { self.upstreams[carrier].input.compact() }
            let space = self.upstreams[carrier].input.space
            switch self.upstreams[carrier].receive() {
            case .bytes(let count):
                if !self.upstreams[carrier].hasEnded, self.upstreams[carrier].isDrained(after: count, of: space) {
                    self.upstreams[carrier].isReadable = false
                }
            case .blocked: self.upstreams[carrier].isReadable = false
            case .ended, .failed:
                self.upstreams[carrier].isReadable = false
                return self.closeCarrier(carrier, .closedWithoutReply(isReused: true))
            }
            guard self.takeFrames(upstream: carrier, connection) else { return }
        }
        // More is there: its turn comes again.
        self.connections[connection].wantsTurn = true
    }

    private mutating func takeFrames(upstream carrier: Handle, _ connection: Handle) -> Bool {
        var input = self.upstreams[carrier].input.move()
        var goesOn = true
        while goesOn, self.workLeft > 0 {
            let receipt = self.connections.receive(connection, input, now: self.loop.now, heads: &self.heads)
            if receipt.consumed == 0, case .none = receipt.event { break }
            self.workLeft -= receipt.work
            self.act(on: receipt, upstream: carrier, connection, input)
            input.consume(receipt.consumed)
            goesOn = self.upstreams.contains(carrier)
        }
        guard goesOn, !input.isEmpty else {
            self.give(input)
            return goesOn
        }
        self.upstreams[carrier].input = input
        return true
    }

    private mutating func act(
        on receipt: HTTP2Receipt, upstream carrier: Handle, _ connection: Handle, _ input: borrowing ByteBuffer
    ) {
        let stream = self.upstreams.handle(token: receipt.token)
        switch receipt.event {
        case .none, .pong, .refused: break
        case .settings:
            self.connections[connection].hasSettings = true
            self.startStreams(carrier)
        case .head(_, let ends):
            guard let stream else { break }
            self.receiveHead(upstream: stream, self.connections[connection].session.takeHead())
            if ends, !self.upstreams[stream].isDetached { self.upstreams[stream].link.hasAnswerEnded = true }
            self.serve(self.upstreams[stream].client)
        case .data(let id, let start, let count, let ends):
            guard let stream else {
                self.connections[connection].session.consumed(id, count)
                break
            }
            self.upstreams[stream].link.uncredited += count
            self.receive(upstream: stream, input.readable.extracting(start..<start + count))
            if ends, !self.upstreams[stream].isDetached { self.upstreams[stream].link.hasAnswerEnded = true }
            self.serve(self.upstreams[stream].client)
        case .trailers:
            guard let stream else { break }
            self.upstreams[stream].tail = self.connections[connection].session.takeHead()
            self.upstreams[stream].link.hasAnswerEnded = true
            self.upstreams[stream].isReadable = true
            self.serve(self.upstreams[stream].client)
        case .closed(_, let code):
            guard let stream else { break }
            self.lost(stream, wasSeen: code != HTTP2ErrorCode.refusedStream)
        case .goAway:
            self.retireCarrier(carrier)
        case .failed:
            self.closeCarrier(carrier, .closedWithoutReply(isReused: true))
        }
    }

    /// The first head that comes is the input; what comes after an interim one goes behind it.
    private mutating func receiveHead(upstream stream: Handle, _ text: consuming ByteBuffer) {
        guard self.upstreams[stream].input.isEmpty else {
            self.receive(upstream: stream, text.readable)
            return self.give(text)
        }
        self.noteProgress(upstream: stream)
        self.releaseInput(upstream: stream)
        self.upstreams[stream].input = text
        self.upstreams[stream].isReadable = true
    }

    /// The endpoint has broken a stream off, or its connection has ended.
    private mutating func lost(_ stream: Handle, wasSeen: Bool) {
        let client = self.upstreams[stream].client
        self.detach(stream)
        // All of the answer had come before.
        guard !self.upstreams[stream].link.hasAnswerEnded else { return self.serve(client) }
        if !wasSeen {
            // It was not looked at, so that it can be sent again, whatever it is (RFC 9113 section 8.7).
            self.upstreams[stream].isReused = true
            if self.clients[client].exchange.isReplayable { self.clients[client].exchange.requestSent = 0 }
        }
        self.serve(client)
    }

    // MARK: - Writing

    mutating func takeFrames(upstream carrier: Handle) -> ByteBuffer {
        self.upstreams[carrier].output.hasMemory ? self.upstreams[carrier].output.move() : self.bodies.take()
    }

    /// Writes frames as far as the socket takes them, and lets streams make more.
    mutating func flushFrames(upstream carrier: Handle, _ connection: Handle) {
        guard self.upstreams[carrier].phase == .multiplexing else { return }
        if self.connections[connection].wantsTurn {
            self.connections[connection].wantsTurn = false
            self.multiplex(upstream: carrier)
            guard self.upstreams.contains(carrier) else { return }
        }
        for _ in 0..<ProxyLimits.readsPerTurn {
            var frames = self.takeFrames(upstream: carrier)
            self.connections[connection].session.write(into: &frames)
            self.upstreams[carrier].output = frames
            while !self.upstreams[carrier].output.isEmpty {
                guard self.upstreams[carrier].isWritable else { return }
                switch self.upstreams[carrier].sendOutput() {
                case .bytes(let count):
                    self.counters.bytesToUpstreams &+= UInt64(count)
                    self.upstreams[carrier].output.consume(count)
                case .blocked: self.upstreams[carrier].isWritable = false
                case .ended, .failed:
                    // What it has sent is read first: it may say which streams it has seen.
                    self.upstreams[carrier].output.clear()
                    self.upstreams[carrier].isReadable = true
                    self.multiplex(upstream: carrier, work: .max)
                    if self.upstreams.contains(carrier) {
                        self.closeCarrier(carrier, .closedWithoutReply(isReused: true))
                    }
                    return
                }
            }
            if self.upstreams[carrier].output.hasMemory { self.give(self.upstreams[carrier].output.move()) }
            let isAny = self.resumeStreams(upstream: carrier, connection)
            guard self.upstreams.contains(carrier) else { return }
            guard isAny || self.connections[connection].session.wantsWrite else {
                return self.settle(upstream: carrier, connection)
            }
        }
        self.markDirty(connection)
    }

    private mutating func resumeStreams(upstream carrier: Handle, _ connection: Handle) -> Bool {
        var isAny = false
        while self.connections.contains(connection), let id = self.connections[connection].session.nextWritable() {
            guard let stream = self.upstreams.handle(token: self.connections[connection].session.token(of: id)) else {
                continue
            }
            isAny = true
            self.upstreams[stream].isWritable = true
            self.serve(self.upstreams[stream].client)
        }
        guard self.connections.contains(connection), self.connections[connection].isCrowded else { return isAny }
        self.connections[connection].isCrowded = false
        var stream = self.connections[connection].newestStream
        while !stream.isNone {
            let older = self.upstreams[stream].link.older
            if !self.upstreams[stream].isWritable {
                isAny = true
                self.upstreams[stream].isWritable = true
                self.serve(self.upstreams[stream].client)
            }
            guard older.isNone || self.upstreams.contains(older) else { break }
            stream = older
        }
        return isAny
    }

    /// All that there was is written.
    private mutating func settle(upstream carrier: Handle, _ connection: Handle) {
        guard !self.connections[connection].hasStreams else { return }
        let (backend, slot) = (self.upstreams[carrier].backend, self.upstreams[carrier].slot)
        guard self.connections[connection].session.wantsRead, !self.upstreams[carrier].isRetired, !self.isDraining,
            self.backends[backend].endpoints.isActive(slot),
            self.backends[backend].idleCount(slot) <= self.limits.idleConnectionsPerEndpoint
        else { return self.closeCarrier(carrier, .closedWithoutReply(isReused: true)) }
        guard !self.connections[connection].isIdle else { return }
        self.connections[connection].isIdle = true
        self.upstreams[carrier].isReused = true
        self.timers.set(
            self.upstreams[carrier].timer, deadline: self.loop.now + UInt64(self.limits.upstreamIdleTimeout))
    }

    // MARK: - The end

    /// A connection on which an answer does not come, or not even SETTINGS, may be dead: the next requests get another one. One that
    /// does not stand yet has a time for that.
    mutating func retireCarrier(of stream: Handle) {
        guard !stream.isNone, self.upstreams[stream].isStream, !self.upstreams[stream].isDetached else { return }
        let carrier = self.connections[self.upstreams[stream].link.connection].carrier
        if self.upstreams[carrier].phase == .multiplexing { self.retireCarrier(carrier) }
    }

    /// It gets no new requests; those that it has go on.
    mutating func retireCarrier(_ carrier: Handle) {
        guard !self.upstreams[carrier].isRetired else { return }
        self.upstreams[carrier].isRetired = true
        self.unlinkIdle(carrier)
        self.markDirty(self.upstreams[carrier].connection)
    }

    /// Ends a connection and what is on it: failed like that, or not begun yet.
    mutating func closeCarrier(_ carrier: Handle, _ failure: TryFailure) {
        let connection = self.upstreams[carrier].connection
        self.retireCarrier(carrier)
        while true {
            let stream = self.connections[connection].newestStream
            guard !stream.isNone else { break }
            let client = self.upstreams[stream].client
            if self.upstreams[stream].phase == .connecting {
                self.detach(stream)
                // Nothing of it was sent.
                let isTimeout = failure == .connectTimedOut
                if self.tryFailed(client, isTimeout ? failure : .connectFailed) { self.serve(client) }
            } else {
                self.lost(stream, wasSeen: true)
            }
        }
        self.removeConnection(connection)
        self.upstreams[carrier].connection = .none
        self.closeUpstream(carrier)
    }
}
