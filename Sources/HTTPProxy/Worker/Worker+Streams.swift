internal import Bytes
internal import HTTP1
internal import HTTP2
internal import Networking
internal import Reactor

/// Streams of HTTP/2 connections: clients without a socket.
extension Worker {
    // MARK: - From the client

    /// A request has come, as the head of an HTTP/1.1 message.
    mutating func openStream(
        _ id: HTTP2StreamID, _ carrier: Handle, _ connection: Handle, _ text: consuming ByteBuffer, ends: Bool
    ) -> Handle {
        let timer = self.timers.make()
        let stream = self.clients.insert(self.clients[carrier].stream(id, of: connection, timer: timer, text))
        let token = stream.token(kind: TokenKind.client)
        self.timers.setOwner(timer, token)
        self.connections[connection].session.setToken(token, of: id)
        let older = self.connections[connection].newestStream
        self.clients[stream].link.older = older
        self.clients[stream].link.hasRequestEnded = ends
        if !older.isNone { self.clients[older].link.newer = stream }
        self.connections[connection].newestStream = stream
        self.streams += 1
        // It is not idle any more.
        self.clients[carrier].isInHead = false
        if self.connections[connection].windowStart == .max { self.timers.clear(self.clients[carrier].timer) }
        self.clients[carrier].requests &+= 1
        self.countStream(of: carrier, connection)
        return stream
    }

    /// Of a connection that has had its number of requests no more are wanted. Those that cross with the announcement are served; a
    /// client that does not heed it at all is not.
    private mutating func countStream(of carrier: Handle, _ connection: Handle) {
        let (requests, most) = (self.clients[carrier].requests, self.limits.requestsPerConnection)
        if requests == most {
            self.connections[connection].session.announceGoAway()
        } else if requests == most + 2 * self.limits.http2Streams {
            self.connections[connection].session.goAway(code: HTTP2ErrorCode.noError)
        }
    }

    /// A head that cannot be handed on.
    mutating func refuse(_ stream: Handle, _ fault: MessageFault) {
        self.counters.requests &+= 1
        self.counters.requestsRefused &+= 1
        self.clients[stream].phase = .exchanging
        if self.answer(stream, .refused(fault)) { self.serve(stream) }
    }

    /// Bytes of its body have come. There is room: the window is no larger than a buffer.
    mutating func receive(_ stream: Handle, _ bytes: Span<UInt8>) {
        self.clients[stream].isReadable = true
        guard bytes.count > 0 else { return }
        if !self.clients[stream].input.hasMemory {
            self.clients[stream].input = bytes.count <= self.heads.size ? self.heads.take() : self.bodies.take()
        }
        if self.clients[stream].input.space < bytes.count { self.clients[stream].input.compact() }
        if self.clients[stream].input.space < bytes.count {
            var larger = self.bodies.take()
            self.clients.copyInput(stream, into: &larger)
            self.releaseInput(stream)
            self.clients[stream].input = larger
        }
        self.clients[stream].input.append(bytes)
        self.counters.bytesFromClients &+= UInt64(bytes.count)
    }

    /// What reading from a socket is for others: the bytes are there already.
    mutating func read(stream: Handle) -> Reading {
        if self.clients[stream].isReadable, !self.clients[stream].input.isEmpty {
            self.clients[stream].isReadable = false
            self.clients[stream].hasUnparsed = true
            return .some
        }
        guard self.clients[stream].link.hasRequestEnded, self.clients[stream].input.isEmpty else { return .nothing }
        if self.clients[stream].phase == .tunnelling { return .end }
        // The end of a body of unknown length, and the fields behind it, as in chunks: one decoder looks at them all.
        guard !self.clients[stream].link.hasTail, self.clients[stream].exchange.requestBody.isBare else {
            return .nothing
        }
        self.clients[stream].link.hasTail = true
        if !self.clients[stream].input.hasMemory { self.clients[stream].input = self.heads.take() }
        guard self.clients[stream].writeTail() else { return .broken }
        if self.clients[stream].tail.hasMemory { self.give(self.clients[stream].tail.move()) }
        self.clients[stream].exchange.requestBody.expectTail(self.messages)
        return .some
    }

    /// What has been passed on makes room for more.
    mutating func credit(_ stream: Handle) {
        let link = self.clients[stream].link
        guard link.uncredited > 0 else { return }
        let held = link.hasTail ? 0 : self.clients[stream].input.count
        guard link.uncredited > held else { return }
        self.connections[link.connection].session.consumed(link.id, link.uncredited - held)
        self.clients[stream].link.uncredited = held
        self.markDirty(link.connection)
    }

    // MARK: - To the client

    /// The text of a head is in the output: it becomes frames. False if it cannot be sent.
    mutating func sendHead(_ stream: Handle, length: Int, ends: Bool) -> Bool {
        let link = self.clients[stream].link
        let carrier = self.connections[link.connection].carrier
        var frames = self.takeOutputFrames(carrier)
        let isSent = self.connections.respond(
            link.connection, link.id, self.clients, stream, length: length, ends: ends, into: &frames)
        self.clients[carrier].output = frames
        self.clients[stream].output.consume(length)
        if isSent, ends { self.clients[stream].link.hasAnswerEnded = true }
        self.markDirty(link.connection)
        return isSent
    }

    /// The same of all that is in the output.
    mutating func sendHead(_ stream: Handle, ends: Bool) -> Bool {
        self.sendHead(stream, length: self.clients[stream].output.count, ends: ends)
    }

    /// The same of an answer of our own, whose body stays.
    mutating func sendOwnHead(_ stream: Handle) -> Bool {
        let length = self.clients[stream].ownHeadLength
        return self.sendHead(stream, length: length, ends: length == self.clients[stream].output.count)
    }

    /// Nothing more goes to the client on it; for tunnels.
    mutating func finishStream(_ stream: Handle) {
        let link = self.clients[stream].link
        guard !link.hasAnswerEnded else { return }
        let carrier = self.connections[link.connection].carrier
        var frames = self.takeOutputFrames(carrier)
        _ = self.connections[link.connection].session.sendTrailers(link.id, Span(), into: &frames)
        self.clients[carrier].output = frames
        self.clients[stream].link.hasAnswerEnded = true
        self.markDirty(link.connection)
    }

    /// Puts into frames what is staged, and the direct bytes of the upstream's input after it.
    mutating func flush(stream: Handle) -> Flush {
        while true {
            let body = self.clients[stream].exchange.answerBody
            let staged = self.clients[stream].output.count - body.trailerBytes
            let isAnswer =
                self.clients[stream].exchange.answer == .started || self.clients[stream].exchange.answer == .local
            let isLast = isAnswer && body.hasAllCome && !self.clients[stream].link.hasAnswerEnded
            guard staged + body.direct > 0 || isLast else { return .done }
            guard self.clients[stream].isWritable else { return .blocked }
            guard self.send(stream, staged: staged, body, isLast: isLast) else { return .failed }
        }
    }

    /// False when the stream is gone.
    private mutating func send(_ stream: Handle, staged: Int, _ body: BodyRelay, isLast: Bool) -> Bool {
        let link = self.clients[stream].link
        let carrier = self.connections[link.connection].carrier
        let upstream = self.clients[stream].exchange.upstream
        var frames = self.takeOutputFrames(carrier)
        let sent = self.connections.send(
            link.connection, link.id, self.clients, stream, kept: body.trailerBytes, self.upstreams, upstream,
            direct: body.direct, ends: isLast && body.trailerBytes == 0, into: &frames)
        self.counters.bytesToClients &+= UInt64(sent.count)
        let ofStaged = min(sent.count, staged)
        self.clients[stream].output.consume(ofStaged)
        if sent.count > ofStaged {
            self.upstreams[upstream].input.consume(sent.count - ofStaged)
            self.clients[stream].exchange.answerBody.sent(sent.count - ofStaged)
        }
        var isSent = true
        if sent.ended {
            self.clients[stream].link.hasAnswerEnded = true
        } else if sent.count < staged + body.direct {
            self.clients[stream].isWritable = false
            self.noteStall(link.connection, frames)
        } else if isLast, body.trailerBytes > 0 {
            isSent = self.connections.sendTrailers(link.connection, link.id, self.clients, stream, into: &frames)
            self.clients[stream].output.clear()
            self.clients[stream].exchange.answerBody.trailersSent()
            self.clients[stream].link.hasAnswerEnded = true
        } else if isLast {
            // The end found no room.
            self.clients[stream].isWritable = false
            self.noteStall(link.connection, frames)
        }
        self.clients[carrier].output = frames
        self.markDirty(link.connection)
        return isSent
    }

    // MARK: - The end

    /// The exchange is over. What the client still sends of its request is of no use (RFC 9113 section 8.1).
    mutating func endStream(_ stream: Handle) {
        let link = self.clients[stream].link
        if !link.hasRequestEnded {
            self.connections[link.connection].session.reset(link.id, code: HTTP2ErrorCode.noError)
        }
        self.markDirty(link.connection)
        _ = self.remove(stream)
    }

    /// Ends a call of gRPC whose answer has begun with a status, which says more than a reset: of that clients make INTERNAL. False
    /// if it cannot be said.
    mutating func endCall(_ stream: Handle) -> Bool {
        let link = self.clients[stream].link
        guard self.clients[stream].exchange.answer == .started, !link.hasAnswerEnded else { return false }
        // The endpoint has a clock of its own for the deadline.
        let isLate = self.clients[stream].exchange.deadline <= self.loop.now + Self.clockDifference
        // What has not gone out of the answer does not any more.
        var text = self.clients[stream].output.hasMemory ? self.clients[stream].output.move() : self.heads.take()
        text.clear()
        GRPC.writeTrailers(
            status: isLate ? GRPC.deadlineExceeded : GRPC.unavailable,
            reason: isLate ? "deadline-exceeded" : "answer-broken-off", into: &text)
        self.clients[stream].output = text
        let carrier = self.connections[link.connection].carrier
        var frames = self.takeOutputFrames(carrier)
        let isSent = self.connections.sendTrailers(link.connection, link.id, self.clients, stream, into: &frames)
        self.clients[carrier].output = frames
        if isSent { self.endStream(stream) }
        return isSent
    }

    /// Milliseconds.
    private static let clockDifference: UInt64 = 20

    /// Breaks it off.
    mutating func resetStream(_ stream: Handle, code: UInt32) {
        let link = self.clients[stream].link
        self.connections[link.connection].session.reset(link.id, code: code)
        self.markDirty(link.connection)
        _ = self.remove(stream)
    }

    /// Takes it out of its connection's list.
    mutating func unlinkStream(_ stream: Handle) {
        let link = self.clients[stream].link
        if !link.older.isNone { self.clients[link.older].link.newer = link.newer }
        if link.newer.isNone {
            self.connections[link.connection].newestStream = link.older
        } else {
            self.clients[link.newer].link.older = link.older
        }
        self.connections[link.connection].session.setToken(0, of: link.id)
        self.streams -= 1
    }
}

extension ClientConnection {
    /// How long the head of an answer is that is in the output, with its empty line.
    fileprivate var ownHeadLength: Int {
        let bytes = self.output.readable
        var index = 3
        while index < bytes.count {
            if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10 { return index + 1 }
            index += 1
        }
        return bytes.count
    }
}
