internal import Reactor
internal import TLS

/// Connections come.
extension Worker {
    /// So many at once; then those that have come already get their turn. The loop tells of the rest again.
    private static let acceptedAtOnce = 64

    mutating func accept(_ listener: Int) {
        for _ in 0..<Self.acceptedAtOnce {
            guard self.clients.count < self.limits.maximumConnections else {
                self.counters.connectionsDelayed &+= 1
                return self.pauseAccepting()
            }
            switch self.listeners.accept(listener) {
            case .connection(let socket, let peer): self.open(socket, from: peer, at: listener)
            case .lost: continue
            case .none: return
            case .exhausted(let number):
                self.counters.acceptFailures &+= 1
                self.trouble.acceptFailed(number)
                return self.pauseAccepting()
            }
        }
    }

    private mutating func open(_ socket: StreamSocket, from peer: SocketAddress, at listener: Int) {
        let settings = self.listeners.settings(listener)
        var phase = settings.isSecure ? ClientPhase.handshaking : .waiting
        let introduces = settings.takesProxyProtocol && self.view.introduces(peer.address)
        if introduces { phase = .introducing }
        var transport = Transport.plain
        if settings.isSecure {
            guard let connection = self.view.tlsConnection(socket) else {
                self.counters.acceptFailures &+= 1
                return socket.close()
            }
            transport = .tls(connection)
        }
        let timer = self.timers.make()
        let client = self.clients.insert(
            ClientConnection(
                socket, transport, phase: phase, timer: timer, peer: peer, listener: UInt8(listener),
                isSecure: settings.isSecure, isTrusted: self.view.trusts(peer.address)))
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

    /// No more are taken for a while: they wait in the kernel's queue, and others' loops may take them.
    private mutating func pauseAccepting() {
        guard !self.listeners.isPaused else { return }
        self.listeners.pause(self.loop)
        self.timers.set(self.listeners.timer, deadline: self.loop.now + UInt64(Self.acceptPause))
    }

    mutating func resumeAccepting() {
        guard self.listeners.isPaused, !self.isDraining else { return }
        self.listeners.resume(self.loop)
    }

    /// Milliseconds.
    private static let acceptPause = 50
}
