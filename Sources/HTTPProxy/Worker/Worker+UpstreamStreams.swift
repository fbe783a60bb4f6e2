internal import Balancing
internal import Bytes
internal import HTTP1
internal import HTTP2
internal import Reactor
internal import Routing
internal import TLS

/// Streams of HTTP/2 connections to endpoints: upstreams without a socket. What the endpoint says on one is the text of an HTTP/1.1
/// answer; what is sent to it becomes frames in the output of the connection that carries it.
extension Worker {
    // MARK: - Getting one

    /// Whether a connection takes one more request.
    func canCarryMore(_ carrier: Handle) -> Bool {
        let connection = self.upstreams[carrier].connection
        guard !connection.isNone, self.connections[connection].streamCount < self.limits.http2UpstreamStreams else {
            return false
        }
        return self.upstreams[carrier].phase != .multiplexing || self.connections[connection].session.canRequest
    }

    /// A stream for a client's request, on a connection that may still be on its way. True if it can be used now.
    mutating func addStream(_ client: Handle, _ carrier: Handle) -> Bool {
        let connection = self.upstreams[carrier].connection
        let (backend, slot) = (self.upstreams[carrier].backend, self.upstreams[carrier].slot)
        let timer = self.timers.make()
        let stream = self.upstreams.insert(
            UpstreamConnection(.none, Transport(), client: client, backend: backend, slot: slot, timer: timer))
        self.upstreams[stream].link.connection = connection
        self.upstreams[stream].isWritable = true
        self.upstreams[stream].isReused = self.upstreams[carrier].isReused
        let older = self.connections[connection].newestStream
        self.upstreams[stream].link.older = older
        if !older.isNone { self.upstreams[older].link.newer = stream }
        self.connections[connection].newestStream = stream
        self.connections[connection].streamCount += 1
        self.backends[backend].users += 1
        self.upstreamStreams += 1
        // Before it stands it has a time for that, which newcomers do not make longer.
        if self.upstreams[carrier].phase == .multiplexing { self.timers.clear(self.upstreams[carrier].timer) }
        self.connections[connection].isIdle = false
        self.clients[client].exchange.upstream = stream
        guard self.upstreams[carrier].phase == .multiplexing, self.connections[connection].hasSettings else {
            self.clients[client].exchange.answer = .connecting
            self.setTimer(client, after: self.clients[client].exchange.settings.connectTimeout)
            return false
        }
        self.upstreams[stream].phase = .busy
        return true
    }

    /// The connection stands, or its endpoint has said how much it takes: what waits for that goes on. Before, nobody knows how many
    /// requests are too many, or whether there can be WebSockets (RFC 8441 section 3).
    mutating func startStreams(_ carrier: Handle) {
        let connection = self.upstreams[carrier].connection
        if self.upstreams[carrier].phase != .multiplexing {
            self.upstreams[carrier].phase = .multiplexing
            self.timers.clear(self.upstreams[carrier].timer)
            self.expectSettings(connection)
            // What came with the news that it stands is not told again.
            self.connections[connection].wantsTurn = true
        }
        self.markDirty(connection)
        guard self.connections[connection].hasSettings else { return }
        var stream = self.connections[connection].newestStream
        while !stream.isNone {
            let older = self.upstreams[stream].link.older
            let client = self.upstreams[stream].client
            if self.upstreams[stream].phase == .connecting {
                if self.connections[connection].session.canRequest {
                    self.upstreams[stream].phase = .busy
                    self.connected(client)
                    self.serve(client)
                } else if self.connections[connection].session.peerConcurrentStreams == 0 {
                    // Nor would there be on another connection.
                    self.retireCarrier(carrier)
                    if self.tryFailed(client, .connectFailed) { self.serve(client) }
                } else {
                    // There is no room for it here. Nothing has failed.
                    self.abandonUpstream(client, .neutral)
                    if self.acquireUpstream(client) { self.serve(client) }
                }
                guard self.upstreams.contains(carrier) else { return }
            }
            stream = older.isNone || self.upstreams.contains(older) ? older : .none
        }
    }

    // MARK: - To the endpoint

    /// Sends of a client's request what is staged, and the direct bytes of its input after it.
    mutating func send(_ client: Handle, stream: Handle, staged: Int, direct: Int) -> Transfer {
        guard !self.upstreams[stream].isDetached else { return .failed(Self.brokenPipe) }
        let link = self.upstreams[stream].link
        let carrier = self.connections[link.connection].carrier
        let exchange = self.clients[client].exchange
        let body = exchange.requestBody
        var frames = self.takeFrames(upstream: carrier)
        var transfer = Transfer.blocked
        if link.id == 0 {
            let isTunnel = exchange.upgrade == .webSocket
            let ends = body.hasAllCome && staged == exchange.headSize && direct == 0 && !isTunnel
            let id = self.connections.request(
                link.connection, self.clients, client, length: exchange.headSize,
                isSecure: self.clients[client].isSecure, ends: ends, token: stream.token(kind: TokenKind.upstream),
                into: &frames)
            if let id {
                self.upstreams[stream].link.id = id
                self.upstreams[stream].link.hasRequestEnded = ends
                transfer = .bytes(exchange.headSize)
            } else {
                // Either it can take no more requests, or none like this.
                if self.connections[link.connection].session.canRequest {
                    self.clients[client].exchange.isUnsendable = true
                } else {
                    self.upstreams[stream].isReused = true
                }
                self.detach(stream)
                transfer = .failed(Self.brokenPipe)
            }
        } else if staged > 0, staged == body.trailerBytes, direct == 0, body.hasAllCome {
            _ = self.connections.sendTrailers(
                link.connection, link.id, self.clients, requestOf: client, from: exchange.requestSent, into: &frames)
            self.upstreams[stream].link.hasRequestEnded = true
            transfer = .bytes(staged)
        } else {
            let sent = self.connections.send(
                link.connection, link.id, self.clients, requestOf: client, from: exchange.requestSent,
                kept: body.trailerBytes, direct: direct, ends: body.hasAllCome && body.trailerBytes == 0, into: &frames)
            if sent.ended { self.upstreams[stream].link.hasRequestEnded = true }
            let isAll = sent.count == staged - (body.hasAllCome ? body.trailerBytes : 0) + direct
            if !isAll || sent.count == 0 && !sent.ended { self.noteStall(link.connection, frames) }
            transfer = sent.count > 0 || sent.ended ? .bytes(sent.count) : .blocked
        }
        self.upstreams[carrier].output = frames
        self.markDirty(link.connection)
        return transfer
    }

    /// Whether the end of a request is still to be told.
    func owesEnd(_ client: Handle, _ upstream: Handle) -> Bool {
        self.upstreams[upstream].isStream && !self.upstreams[upstream].link.hasRequestEnded
            && self.upstreams[upstream].link.id != 0 && self.clients[client].exchange.requestBody.hasAllCome
            && self.clients[client].exchange.upgrade != .webSocket
    }

    /// Bytes of a tunnel.
    mutating func sendTunnelled(_ client: Handle, stream: Handle) -> Transfer {
        guard !self.upstreams[stream].isDetached else { return .failed(Self.brokenPipe) }
        let link = self.upstreams[stream].link
        let carrier = self.connections[link.connection].carrier
        var frames = self.takeFrames(upstream: carrier)
        let sent = self.connections.sendInput(link.connection, link.id, self.clients, of: client, into: &frames)
        let isStalled = sent.count < self.clients[client].input.count
        if isStalled { self.noteStall(link.connection, frames) }
        self.upstreams[carrier].output = frames
        self.markDirty(link.connection)
        return sent.count > 0 ? .bytes(sent.count) : .blocked
    }

    /// Nothing more goes to the endpoint on it.
    mutating func finishStream(upstream stream: Handle) {
        let link = self.upstreams[stream].link
        guard !self.upstreams[stream].isDetached, !link.hasRequestEnded, link.id != 0 else { return }
        let carrier = self.connections[link.connection].carrier
        var frames = self.takeFrames(upstream: carrier)
        _ = self.connections[link.connection].session.sendTrailers(link.id, Span(), into: &frames)
        self.upstreams[carrier].output = frames
        self.upstreams[stream].link.hasRequestEnded = true
        self.markDirty(link.connection)
    }

    /// EPIPE.
    private static let brokenPipe: Int32 = 32

    // MARK: - From the endpoint

    /// Bytes of an answer have come: a head as text, or of a body.
    mutating func receive(upstream stream: Handle, _ bytes: Span<UInt8>) {
        self.upstreams[stream].isReadable = true
        guard bytes.count > 0 else { return }
        self.noteProgress(upstream: stream)
        if !self.upstreams[stream].input.hasMemory {
            self.upstreams[stream].input = bytes.count <= self.heads.size ? self.heads.take() : self.bodies.take()
        }
        if self.upstreams[stream].input.space < bytes.count { self.upstreams[stream].input.compact() }
        if self.upstreams[stream].input.space < bytes.count, self.upstreams[stream].input.capacity < self.bodies.size {
            var larger = self.bodies.take()
            self.upstreams.copyInput(stream, into: &larger)
            self.releaseInput(upstream: stream)
            self.upstreams[stream].input = larger
        }
        // Heads before the answer that nobody takes: there is an end to them.
        guard self.upstreams[stream].input.space >= bytes.count else {
            let link = self.upstreams[stream].link
            self.connections[link.connection].session.reset(link.id, code: HTTP2ErrorCode.cancel)
            return self.detach(stream)
        }
        self.upstreams[stream].input.append(bytes)
        self.counters.bytesFromUpstreams &+= UInt64(bytes.count)
    }

    /// The endpoint has its time anew. Said when bytes come: a body may be passed on without having been read.
    mutating func noteProgress(upstream stream: Handle) {
        self.clients[self.upstreams[stream].client].exchange.moved &+= 1
    }

    /// What reading from a socket is for others: the bytes are there already.
    mutating func read(upstreamStream stream: Handle) -> Reading {
        let client = self.upstreams[stream].client
        if self.upstreams[stream].isReadable, !self.upstreams[stream].input.isEmpty {
            self.upstreams[stream].isReadable = false
            self.upstreams[stream].hasUnparsed = true
            return .some
        }
        guard self.upstreams[stream].input.isEmpty else { return .nothing }
        let link = self.upstreams[stream].link
        if link.hasAnswerEnded {
            if self.clients[client].phase == .tunnelling { return .end }
            if !link.hasTail, self.clients[client].exchange.answer == .started,
                self.clients[client].exchange.answerBody.isBare
            {
                self.upstreams[stream].link.hasTail = true
                self.releaseInput(upstream: stream)
                self.upstreams[stream].input = self.heads.take()
                guard self.upstreams[stream].writeTail() else { return .broken }
                if self.upstreams[stream].tail.hasMemory { self.give(self.upstreams[stream].tail.move()) }
                self.clients[client].exchange.answerBody.expectTail(self.messages)
                return .some
            }
        }
        return self.upstreams[stream].isDetached ? .broken : .nothing
    }

    /// What has been passed on makes room for more.
    mutating func credit(upstream stream: Handle) {
        let link = self.upstreams[stream].link
        guard link.uncredited > 0, !self.upstreams[stream].isDetached else { return }
        let held = link.hasTail ? 0 : self.upstreams[stream].input.count
        guard link.uncredited > held else { return }
        self.connections[link.connection].session.consumed(link.id, link.uncredited - held)
        self.upstreams[stream].link.uncredited = held
        self.markDirty(link.connection)
    }

    // MARK: - The end

    /// Its connection has nothing to do with it any more.
    mutating func detach(_ stream: Handle) {
        guard !self.upstreams[stream].isDetached else { return }
        self.unlink(upstreamStream: stream)
        self.upstreams[stream].isDetached = true
        self.upstreams[stream].isReadable = true
    }

    /// One whose exchange is over, or given up.
    mutating func closeStream(upstream stream: Handle) {
        let link = self.upstreams[stream].link
        if !self.upstreams[stream].isDetached {
            if link.id != 0, !link.hasAnswerEnded || !link.hasRequestEnded {
                self.connections[link.connection].session.reset(link.id, code: HTTP2ErrorCode.cancel)
            }
            self.unlink(upstreamStream: stream)
        }
        self.releaseInput(upstream: stream)
        if self.upstreams[stream].tail.hasMemory { self.give(self.upstreams[stream].tail.move()) }
        self.timers.free(self.upstreams[stream].timer)
        self.upstreamStreams -= 1
        let backend = self.upstreams.remove(stream).backend
        self.backends[backend].users -= 1
        self.discardIfUnused(backend)
    }

    private mutating func unlink(upstreamStream stream: Handle) {
        let link = self.upstreams[stream].link
        if !link.older.isNone { self.upstreams[link.older].link.newer = link.newer }
        if link.newer.isNone {
            self.connections[link.connection].newestStream = link.older
        } else {
            self.upstreams[link.newer].link.older = link.older
        }
        if link.id != 0 { self.connections[link.connection].session.setToken(0, of: link.id) }
        self.connections[link.connection].streamCount -= 1
        self.markDirty(link.connection)
    }
}
