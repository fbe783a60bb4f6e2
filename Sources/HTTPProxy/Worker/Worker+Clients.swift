internal import Balancing
internal import Bytes
internal import HTTP1
internal import HTTP2
internal import Reactor

/// What happens to a client's connection, from its first byte to its end.
extension Worker {
    /// The loop has told something of it.
    mutating func clientReady(_ client: Handle, _ readiness: Readiness) {
        if readiness.canRead { self.clients[client].isReadable = true }
        if readiness.canWrite {
            self.clients[client].isWritable = true
            // Reading TLS can have waited for writing (RFC 8446 section 4.6.3).
            if self.clients[client].isTLS { self.clients[client].isReadable = true }
        }
        if readiness.isEnd { self.clients[client].hasEnded = true }
        if readiness.isReset { self.clients[client].isBroken = true }
        self.serve(client)
    }

    /// Goes on with a connection until it waits for something, or is gone.
    mutating func serve(_ client: Handle) {
        self.readsLeft = ProxyLimits.readsPerTurn
        while self.clients.contains(client) {
            let goesOn =
                switch self.clients[client].phase {
                case .introducing: self.readIntroduction(client)
                case .handshaking: self.shakeHands(client)
                case .waiting: self.readHead(client)
                case .exchanging: self.exchange(client)
                case .tunnelling: self.tunnel(client)
                case .multiplexing: self.multiplex(client)
                case .lingering: self.linger(client)
                }
            guard goesOn else { break }
        }
        guard self.clients.contains(client) else { return }
        if self.clients[client].isStream { self.credit(client) }
        let upstream = self.clients[client].exchange.upstream
        if !upstream.isNone, self.upstreams[upstream].isStream { self.credit(upstream: upstream) }
    }

    /// Two fast peers could keep a worker busy for ever: after so many reads the others have their turn.
    mutating func mayRead(for client: Handle) -> Bool {
        if self.readsLeft > 0 {
            self.readsLeft -= 1
            return true
        }
        self.postpone(client)
        return false
    }

    /// It goes on when all others have had their turn.
    mutating func postpone(_ client: Handle) {
        guard !self.clients[client].isPostponed else { return }
        self.clients[client].isPostponed = true
        self.postponed.append(client)
    }

    /// Goes on with those who had used up their reads when the others have had theirs.
    mutating func resumePostponed() {
        let count = self.postponed.count
        guard count > 0 else { return }
        for index in 0..<count {
            let client = self.postponed[index]
            guard self.clients.contains(client) else { continue }
            self.clients[client].isPostponed = false
            self.serve(client)
        }
        self.postponed.removeFirst(count)
    }

    /// What has come of reading from a client into its input.
    enum Reading {
        case some
        case nothing
        /// It sends no more.
        case end
        /// The connection was reset.
        case broken
    }

    /// Reads what is there, as far as there is space, into a buffer that is got for it.
    mutating func read(_ client: Handle) -> Reading {
        if self.clients[client].isStream { return self.read(stream: client) }
        guard self.clients[client].isReadable, self.mayRead(for: client) else { return .nothing }
        if !self.clients[client].input.hasMemory { self.clients[client].input = self.heads.take() }
        if self.clients[client].input.space == 0 { self.clients[client].input.compact() }
        let space = self.clients[client].input.space
        // Full of what nobody has taken yet.
        guard space > 0 else { return .nothing }
        switch self.clients[client].receive() {
        case .bytes(let count):
            self.counters.bytesFromClients &+= UInt64(count)
            self.clients[client].hasUnparsed = true
            // What comes next is told anew, but not the end that has been told already.
            if !self.clients[client].hasEnded, self.clients[client].isDrained(after: count, of: space) {
                self.clients[client].isReadable = false
            }
            return .some
        case .blocked:
            self.clients[client].isReadable = false
            return .nothing
        case .ended:
            self.clients[client].isReadable = false
            self.clients[client].hasEnded = true
            return .end
        case .failed:
            self.clients[client].isReadable = false
            self.clients[client].hasEnded = true
            return .broken
        }
    }

    // MARK: - Requests follow each other

    /// Reads a request's head and begins with it. True if there is more to do.
    private mutating func readHead(_ client: Handle) -> Bool {
        while true {
            if self.clients[client].hasUnparsed {
                self.clients[client].hasUnparsed = false
                switch self.isPreface(client) {
                case .some(true):
                    self.beginMultiplexing(client)
                    return true
                case .some(false):
                    if case .begun = self.parseHead(client) { return true }
                case .none: break
                }
            }
            switch self.read(client) {
            case .some: self.expectHead(client)
            case .nothing:
                if self.clients[client].input.isEmpty { self.releaseInput(client) }
                return false
            case .end, .broken:
                self.close(client)
                return false
            }
        }
    }

    /// The first bytes of a request begin the time that its head may take as a whole (RFC 9110 section 15.5.9): not each of them
    /// begins it anew.
    private mutating func expectHead(_ client: Handle) {
        guard !self.clients[client].isInHead else { return }
        self.clients[client].isInHead = true
        self.timers.set(
            self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.requestHeadTimeout))
    }

    /// The exchange is over and the next request may come; it may be here already.
    mutating func awaitRequest(_ client: Handle) {
        self.clients[client].phase = .waiting
        self.clients[client].isInHead = false
        self.clients[client].startHead()
        self.clients[client].exchange = Exchange()
        self.clients[client].isInWindow = false
        self.clients[client].windowStart = 0
        self.clients[client].hasUnparsed = !self.clients[client].input.isEmpty
        self.releaseOutput(client)
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.keepAliveTimeout))
        if self.clients[client].input.isEmpty { self.releaseInput(client) } else { self.expectHead(client) }
    }

    // MARK: - The end

    /// No more will be answered: what is staged goes out, then the connection is closed.
    mutating func beginLingering(_ client: Handle) {
        self.clients[client].phase = .lingering
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.lingerTimeout))
    }

    /// Throws away what the client still sends, so that closing does not reset the connection before the answer has
    /// been read.
    private mutating func linger(_ client: Handle) -> Bool {
        if !self.clients[client].hasShutDown {
            switch self.flush(client) {
            case .blocked: return false
            case .failed:
                self.close(client)
                return false
            case .done: break
            }
            self.clients[client].shutDown()
            self.releaseOutput(client)
        }
        while true {
            self.clients[client].input.clear()
            switch self.read(client) {
            case .some: continue
            case .nothing:
                self.releaseInput(client)
                return false
            case .end, .broken:
                self.close(client)
                return false
            }
        }
    }

    /// Closes a client's connection and gives back all that it held.
    mutating func close(_ client: Handle) {
        if self.clients[client].isStream { return self.resetStream(client, code: HTTP2ErrorCode.cancel) }
        self.closeConnection(client)
        self.remove(client).socket.close()
    }

    /// The same with a reset, so that nobody takes what has been sent for all of it.
    mutating func reset(_ client: Handle) {
        if self.clients[client].isStream { return self.resetStream(client, code: HTTP2ErrorCode.internalError) }
        self.closeConnection(client)
        self.remove(client).socket.reset()
    }

    mutating func remove(_ client: Handle) -> ClientConnection {
        if self.clients[client].log.isOpen { self.endLog(client) }
        self.abandonUpstream(client, .neutral)
        self.leaveBackend(client)
        self.releaseInput(client)
        self.releaseOutput(client)
        self.releaseRequest(client)
        self.timers.free(self.clients[client].timer)
        if self.clients[client].isStream {
            if self.clients[client].tail.hasMemory { self.give(self.clients[client].tail.move()) }
            self.unlinkStream(client)
        } else {
            self.leave(self.clients[client].peer)
        }
        return self.clients.remove(client)
    }

    // MARK: - Buffers

    mutating func releaseInput(_ client: Handle) {
        if self.clients[client].input.hasMemory { self.give(self.clients[client].input.move()) }
    }

    mutating func releaseOutput(_ client: Handle) {
        if self.clients[client].output.hasMemory { self.give(self.clients[client].output.move()) }
    }

    mutating func releaseRequest(_ client: Handle) {
        if self.clients[client].request.hasMemory { self.give(self.clients[client].request.move()) }
    }

    /// Back to the pool that it came from.
    mutating func give(_ buffer: consuming ByteBuffer) {
        if buffer.capacity == self.heads.size { self.heads.give(buffer) } else { self.bodies.give(buffer) }
    }
}
