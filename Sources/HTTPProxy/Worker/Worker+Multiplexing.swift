internal import Bytes
internal import HTTP1
internal import HTTP2
internal import Reactor

/// Connections of HTTP/2: frames come, and become what happens on streams.
extension Worker {
    /// A connection turns out to be one of HTTP/2: by ALPN, or by how it begins.
    mutating func beginMultiplexing(_ client: Handle) {
        let session = HTTP2Session(.server, self.limits.http2, seed: self.random.next())
        let connection = self.connections.insert(
            HTTP2Connection(session, carrier: client, timer: self.timers.make()))
        self.expectSettings(connection)
        self.clients[client].connection = connection
        self.clients[client].phase = .multiplexing
        self.counters.http2Connections &+= 1
        self.markDirty(connection)
        self.expectStream(client)
    }

    /// Whether what has come is how connections of HTTP/2 begin; nil while that cannot be told.
    func isPreface(_ client: Handle) -> Bool? {
        guard self.clients[client].requests == 0, self.limits.speaksHTTP2, !self.clients[client].isTLS else {
            return false
        }
        return HTTP2Preface.begins(self.clients[client].input.readable)
    }

    /// Reads frames and does what they say, until there are no more. False: it waits, or is gone.
    mutating func multiplex(_ client: Handle) -> Bool {
        let connection = self.clients[client].connection
        self.markDirty(connection)
        if self.clients[client].isBroken {
            self.close(client)
            return false
        }
        self.workLeft = ProxyLimits.workPerTurn
        // Streams are served in between, which counts their reads.
        for _ in 0..<ProxyLimits.readsPerTurn {
            // Who does not take its answers asks for no more.
            if !self.clients[client].isWritable, self.connections[connection].session.wantsWrite { return false }
            guard self.takeFrames(client, connection) else { return false }
            guard self.workLeft > 0 else { break }
            self.readsLeft = 1
            switch self.read(client) {
            case .some: continue
            case .nothing:
                if self.clients[client].input.isEmpty { self.releaseInput(client) }
                return false
            case .end, .broken:
                // Who is not there to read has no use for what it asked for.
                self.close(client)
                return false
            }
        }
        self.postpone(client)
        return false
    }

    /// Does what the frames say that have come, as far as there is time for it. False when the connection is of no more use.
    private mutating func takeFrames(_ client: Handle, _ connection: Handle) -> Bool {
        // Streams take their bytes out of it while it is here.
        var input = self.clients[client].input.move()
        var goesOn = true
        while goesOn, self.workLeft > 0 {
            let receipt = self.connections.receive(connection, input, now: self.loop.now, heads: &self.heads)
            if receipt.consumed == 0, case .none = receipt.event { break }
            self.workLeft -= receipt.work
            goesOn = self.act(on: receipt, client, connection, input)
            input.consume(receipt.consumed)
        }
        self.passOnPieces()
        self.clients[client].input = input
        return goesOn
    }

    /// A small piece of a body has come: it waits for those that may be behind it, as each would cost a system call.
    private mutating func gather(_ stream: Handle) {
        guard !self.clients[stream].link.isGathering else { return }
        self.clients[stream].link.isGathering = true
        self.gatheringStreams.append(stream)
    }

    /// Passes on what has come in small pieces.
    private mutating func passOnPieces() {
        for index in self.gatheringStreams.indices {
            let stream = self.gatheringStreams[index]
            guard self.clients.contains(stream) else { continue }
            self.clients[stream].link.isGathering = false
            self.serve(stream)
        }
        self.gatheringStreams.removeAll(keepingCapacity: true)
    }

    private mutating func act(
        on receipt: HTTP2Receipt, _ client: Handle, _ connection: Handle, _ input: borrowing ByteBuffer
    ) -> Bool {
        switch receipt.event {
        case .none, .settings, .pong, .goAway: break
        case .head(let id, let ends):
            let text = self.connections[connection].session.takeHead()
            let stream = self.openStream(id, client, connection, text, ends: ends)
            self.serve(stream)
        case .refused(let id, let fault, let ends):
            let stream = self.openStream(id, client, connection, ByteBuffer(), ends: ends)
            self.refuse(stream, fault)
        case .data(let id, let start, let count, let ends):
            guard let stream = self.clients.handle(token: receipt.token) else {
                self.connections[connection].session.consumed(id, count)
                break
            }
            self.clients[stream].link.uncredited += count
            self.receive(stream, input.readable.extracting(start..<start + count))
            if ends { self.clients[stream].link.hasRequestEnded = true }
            if !ends, count < ProxyLimits.smallPiece { self.gather(stream) } else { self.serve(stream) }
        case .trailers:
            guard let stream = self.clients.handle(token: receipt.token) else { break }
            self.clients[stream].tail = self.connections[connection].session.takeHead()
            self.clients[stream].link.hasRequestEnded = true
            self.serve(stream)
        case .closed:
            guard let stream = self.clients.handle(token: receipt.token) else { break }
            // What had come before goes on before.
            if self.clients[stream].link.isGathering { self.serve(stream) }
            guard self.clients.contains(stream) else { break }
            self.clients[stream].isBroken = true
            self.serve(stream)
        case .failed(let failure):
            self.counters.http2Failures &+= 1
            if case .flood = failure { self.counters.http2Floods &+= 1 }
            self.endMultiplexing(client)
            return false
        }
        return true
    }

    // MARK: - Writing

    /// At the end of the turn its frames are written.
    mutating func markDirty(_ connection: Handle) {
        guard !self.connections[connection].isDirty else { return }
        self.connections[connection].isDirty = true
        self.dirtyConnections.append(connection)
    }

    /// Writes the frames of all connections that have some.
    mutating func flushConnections() {
        // What they make dirty again has its turn when all others have had theirs.
        let count = self.dirtyConnections.count
        for index in 0..<count {
            let connection = self.dirtyConnections[index]
            guard self.connections.contains(connection) else { continue }
            self.connections[connection].isDirty = false
            let carrier = self.connections[connection].carrier
            if self.connections[connection].isUpstream {
                self.flushFrames(upstream: carrier, connection)
            } else {
                self.flushFrames(carrier, connection)
            }
        }
        self.dirtyConnections.removeFirst(count)
    }

    /// Writes frames as far as the socket takes them, and lets streams make more.
    private mutating func flushFrames(_ client: Handle, _ connection: Handle) {
        // Streams that are let go on are served at once, and what they make is written too; but not for ever.
        for _ in 0..<ProxyLimits.readsPerTurn {
            self.writePending(client, connection)
            let before = self.clients[client].output.count
            let outcome = self.flush(client)
            self.connections[connection].written &+= UInt64(before - self.clients[client].output.count)
            switch outcome {
            case .done: self.connections[connection].windowStart = .max
            case .blocked: return self.expectReader(client, connection)
            case .failed: return self.close(client)
            }
            self.releaseOutput(client)
            guard self.resumeStreams(connection) || self.connections[connection].session.wantsWrite else {
                return self.settle(client, connection)
            }
        }
        self.markDirty(connection)
    }

    /// Control frames, and whatever else found no room before.
    private mutating func writePending(_ client: Handle, _ connection: Handle) {
        var frames = self.takeOutputFrames(client)
        self.connections[connection].session.write(into: &frames)
        self.clients[client].output = frames
    }

    /// Lets streams go on that may send again. True if there was one.
    private mutating func resumeStreams(_ connection: Handle) -> Bool {
        var isAny = false
        while let id = self.connections[connection].session.nextWritable() {
            guard let stream = self.clients.handle(token: self.connections[connection].session.token(of: id)) else {
                continue
            }
            isAny = true
            self.clients[stream].isWritable = true
            self.serve(stream)
        }
        guard self.connections[connection].isCrowded else { return isAny }
        self.connections[connection].isCrowded = false
        var stream = self.connections[connection].newestStream
        while !stream.isNone {
            let older = self.clients[stream].link.older
            if !self.clients[stream].isWritable {
                isAny = true
                self.clients[stream].isWritable = true
                self.serve(stream)
            }
            stream = older
        }
        return isAny
    }

    /// All that there was is written.
    private mutating func settle(_ client: Handle, _ connection: Handle) {
        if !self.connections[connection].session.wantsRead, !self.connections[connection].hasStreams {
            return self.endMultiplexing(client)
        }
        if !self.connections[connection].hasStreams { self.expectStream(client) }
    }

    /// A stream could not send all that it has: for want of room in `frames`, or else the session tells when it can go on.
    mutating func noteStall(_ connection: Handle, _ frames: borrowing ByteBuffer) {
        if frames.space < Self.frameRoom { self.connections[connection].isCrowded = true }
    }

    /// A frame of the usual size with its header.
    private static let frameRoom = 16_384 + 9

    /// The buffer for the frames of a connection, to be put back.
    mutating func takeOutputFrames(_ client: Handle) -> ByteBuffer {
        if self.clients[client].output.hasMemory { return self.clients[client].output.move() }
        return self.bodies.take()
    }

    // MARK: - The end

    /// An idle connection has so much time until its next request.
    private mutating func expectStream(_ client: Handle) {
        guard !self.clients[client].isInHead else { return }
        self.clients[client].isInHead = true
        let isLast = self.isDraining || self.clients[client].requests >= self.limits.requestsPerConnection
        let patience = isLast ? Self.goAwayPatience : UInt64(self.limits.keepAliveTimeout)
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + patience)
    }

    /// A client that does not take what is for it, whichever stream that is of, has a time in which it has to take some.
    private mutating func expectReader(_ client: Handle, _ connection: Handle) {
        guard self.connections[connection].windowStart == .max else { return }
        self.connections[connection].windowStart = self.connections[connection].written
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.bodyRateWindow))
    }

    /// The time of an idle connection is over, that of one which does not take anything, or the one that it had been given when all
    /// are to end.
    mutating func multiplexingTimedOut(_ client: Handle) {
        let connection = self.clients[client].connection
        if !self.clients[client].output.isEmpty {
            guard self.connections[connection].written == self.connections[connection].windowStart else {
                self.connections[connection].windowStart = .max
                return self.expectReader(client, connection)
            }
            self.counters.slowClients &+= 1
            return self.close(client)
        }
        guard self.isDraining || !self.connections[connection].hasStreams else { return }
        self.connections[connection].session.goAway(code: HTTP2ErrorCode.noError)
        self.markDirty(connection)
        self.clients[client].isInHead = false
    }

    /// No more requests, please: those that cross with this are served still.
    mutating func drainMultiplexed(_ client: Handle) {
        let connection = self.clients[client].connection
        self.connections[connection].session.announceGoAway()
        self.markDirty(connection)
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + Self.goAwayPatience)
    }

    /// What is pending goes out, then the connection is closed. Its streams are gone.
    mutating func endMultiplexing(_ client: Handle) {
        self.writePending(client, self.clients[client].connection)
        self.closeConnection(client)
        self.beginLingering(client)
        self.postpone(client)
    }

    /// Ends all streams of a connection and gives up its session.
    mutating func closeConnection(_ client: Handle) {
        let connection = self.clients[client].connection
        guard !connection.isNone else { return }
        while true {
            let stream = self.connections[connection].newestStream
            guard !stream.isNone else { break }
            self.close(stream)
        }
        self.clients[client].connection = .none
        self.removeConnection(connection)
    }

    /// About a round trip, in which requests may be on their way. Milliseconds.
    private static let goAwayPatience: UInt64 = 1_000
}
