internal import Bytes
internal import HTTP1
internal import Linux
internal import Networking
internal import Reactor
internal import TLS

/// Connections come.
extension Worker {
    /// So many at once; then those that have come already get their turn. The loop tells of the rest again.
    private static let acceptedAtOnce = 64

    mutating func accept(_ listener: Int) {
        for _ in 0..<Self.acceptedAtOnce {
            guard self.acceptNext(listener) else { return }
        }
    }

    /// Before a listener is closed, which resets the connections that wait in the kernel's queue.
    mutating func acceptWaiting() {
        for listener in 0..<self.listeners.count {
            for _ in 0..<self.limits.listenBacklog {
                guard self.acceptNext(listener) else { break }
            }
        }
    }

    /// False if there is none, or none can be taken.
    private mutating func acceptNext(_ listener: Int) -> Bool {
        guard self.clients.count - self.streams < self.limits.maximumConnections else {
            self.counters.connectionsDelayed &+= 1
            self.pauseAccepting()
            return false
        }
        switch self.listeners.accept(listener) {
        case .connection(let socket, let peer): self.open(socket, from: peer, at: listener)
        case .lost: break
        case .none: return false
        case .exhausted(let number):
            self.counters.acceptFailures &+= 1
            self.log.acceptFailed(number, now: self.loop.now)
            self.pauseAccepting()
            return false
        }
        return true
    }

    private mutating func open(_ socket: StreamSocket, from peer: SocketAddress, at listener: Int) {
        guard self.admits(peer) else {
            self.counters.connectionsRefused &+= 1
            return socket.close()
        }
        let settings = self.listeners.settings(listener)
        let introduces = self.view.introduces(peer.address)
        var transport = Transport()
        if settings.isSecure {
            // Before the first snapshot there is no certificate.
            guard let context = self.view.tls, let connection = try? TLSConnection(context, descriptor: socket.number)
            else {
                self.counters.handshakeFailures &+= 1
                self.leave(peer.address)
                return socket.close()
            }
            transport = Transport(connection)
        }
        let timer = self.timers.make()
        let client = self.clients.insert(
            ClientConnection(
                socket, transport, phase: introduces ? .introducing : settings.isSecure ? .handshaking : .waiting,
                timer: timer, peer: peer, listener: UInt32(listener),
                forwarding: self.view.trusts(peer.address) ? settings.trustedForwarding : settings.forwarding))
        let token = client.token(kind: TokenKind.client)
        self.timers.setOwner(timer, token)
        self.counters.connections &+= 1
        do throws(SystemError) {
            try self.loop.watch(socket.number, token: token)
        } catch {
            self.counters.acceptFailures &+= 1
            return self.close(client)
        }
        let patience =
            introduces
            ? self.limits.proxyProtocolTimeout
            : settings.isSecure ? self.limits.tlsHandshakeTimeout : self.limits.keepAliveTimeout
        self.timers.set(timer, deadline: self.loop.now + UInt64(patience))
    }

    // MARK: - Too many

    /// Whether an address may have one more connection; it has it then.
    private mutating func admits(_ peer: SocketAddress) -> Bool {
        guard self.limits.connectionsPerAddress > 0 else { return true }
        let count = self.peers[peer.address, default: 0]
        guard count < self.limits.connectionsPerAddress else { return false }
        self.peers[peer.address] = count + 1
        return true
    }

    /// One connection of an address has ended.
    mutating func leave(_ peer: IPAddress) {
        guard self.limits.connectionsPerAddress > 0, let count = self.peers[peer] else { return }
        self.peers[peer] = count > 1 ? count - 1 : nil
    }

    /// No more are taken for a while: they wait in the kernel's queue.
    private mutating func pauseAccepting() {
        guard !self.listeners.isPaused else { return }
        self.listeners.pause(self.loop)
        self.timers.set(self.listeners.timer, deadline: self.loop.now + UInt64(Self.acceptPause))
    }

    mutating func resumeAccepting() {
        guard self.listeners.isPaused, !self.isDraining else { return }
        self.listeners.resume(self.loop)
        if self.listeners.isPaused {
            self.timers.set(self.listeners.timer, deadline: self.loop.now + UInt64(Self.acceptPause))
        }
    }

    /// Milliseconds.
    private static let acceptPause = 50

    // MARK: - Who it is, and TLS

    /// Reads the PROXY protocol header, and not a byte more: what follows may be TLS. True if there is more to do.
    mutating func readIntroduction(_ client: Handle) -> Bool {
        guard self.clients[client].isReadable else { return false }
        self.scratch.clear()
        switch self.clients[client].socket.peek(into: &self.scratch) {
        case .bytes: break
        case .blocked:
            self.clients[client].isReadable = false
            return false
        case .ended, .failed:
            self.close(client)
            return false
        }
        switch ProxyProtocol.parse(self.scratch.readable) {
        case .needsMore:
            // More will be told of; but not an end that has been told of.
            self.clients[client].isReadable = false
            if self.clients[client].hasEnded { self.close(client) }
            return false
        case .malformed:
            self.counters.introductionsRefused &+= 1
            self.close(client)
            return false
        case .complete(let length, let source, _):
            self.scratch.clear()
            _ = self.clients[client].socket.receive(into: &self.scratch, count: length)
            self.introduced(client, source)
            return true
        }
    }

    private mutating func introduced(_ client: Handle, _ source: ProxiedEndpoint?) {
        let settings = self.listeners.settings(Int(self.clients[client].listener))
        if let source {
            // What the client itself says of others is believed as if it had come here.
            let isTrusted = self.view.trusts(source.address)
            self.clients[client].introduce(
                SocketAddress(source.address, source.port),
                forwarding: isTrusted ? settings.trustedForwarding : settings.forwarding)
        }
        self.clients[client].phase = settings.isSecure ? .handshaking : .waiting
        let patience = settings.isSecure ? self.limits.tlsHandshakeTimeout : self.limits.keepAliveTimeout
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(patience))
    }

    /// True if there is more to do.
    mutating func shakeHands(_ client: Handle) -> Bool {
        switch self.clients[client].shakeHands() {
        case .done:
            self.counters.handshakes &+= 1
            if self.clients[client].isResumed { self.counters.resumptions &+= 1 }
            self.clients[client].isReadable = true
            if self.clients[client].choseHTTP2 {
                self.beginMultiplexing(client)
                return true
            }
            self.clients[client].phase = .waiting
            self.timers.set(
                self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.keepAliveTimeout))
            return true
        case .wantsRead, .wantsWrite: return false
        case .failed(let failure):
            self.counters.handshakeFailures &+= 1
            if failure.reason == .httpRequest { self.answerInPlain(client) }
            self.close(client)
            return false
        }
    }

    /// Somebody speaks HTTP to the port for HTTPS: said once, as well as it goes.
    private mutating func answerInPlain(_ client: Handle) {
        let answer = LocalAnswer.httpOnHTTPS
        self.scratch.clear()
        guard
            ErrorResponse.write(
                status: answer.status, reason: answer.reason, closes: true, date: self.date, into: &self.scratch)
        else { return }
        let socket = self.clients[client].socket
        _ = socket.send(self.scratch)
        socket.finishWriting()
        // What was sent here and is not read would reset the connection before the answer is.
        self.scratch.clear()
        _ = socket.receive(into: &self.scratch)
    }
}
