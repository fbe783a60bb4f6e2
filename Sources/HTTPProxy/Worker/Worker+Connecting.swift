internal import Balancing
internal import Bytes
internal import HTTP1
internal import Linux
internal import Networking
internal import Reactor
internal import Routing
internal import TLS

/// New connections to endpoints, until it is clear what is spoken on them.
extension Worker {
    /// ENOMEM.
    private static let outOfMemory: Int32 = 12

    enum Connecting {
        case begun
        case failed
        /// No descriptor, port or memory: an errno.
        case exhausted(Int32)
    }

    /// TLS for a connection, if its endpoint speaks it. nil without memory.
    private mutating func transport(
        _ client: Handle, _ backend: Handle, _ socket: StreamSocket, _ endpoint: BackendEndpoint
    ) -> Transport? {
        guard let contexts = self.backends[backend].contexts else { return Transport() }
        let wantsHTTP1 = self.clients[client].exchange.upgrade != .none
        let context = wantsHTTP1 ? contexts.http1 ?? contexts.standard : contexts.standard
        var hasher = Hasher()
        hasher.combine(endpoint.address)
        hasher.combine(endpoint.port)
        let peer = UInt64(bitPattern: Int64(hasher.finalize()))
        guard let tls = try? TLSConnection(context, descriptor: socket.number, peer: peer) else { return nil }
        return Transport(tls)
    }

    mutating func connect(_ client: Handle, _ backend: Handle, _ slot: EndpointSlot) -> Connecting {
        guard let endpoint = self.backends[backend].endpoints.endpoint(slot) else { return .failed }
        self.counters.upstreamConnects &+= 1
        let socket: StreamSocket
        switch StreamSocket.connect(to: SocketAddress(endpoint.address, endpoint.port)) {
        case .begun(let begun): socket = begun
        case .failed(let number): return SystemError.isExhaustion(number) ? .exhausted(number) : .failed
        }
        guard let transport = self.transport(client, backend, socket, endpoint) else {
            socket.close()
            return .exhausted(Self.outOfMemory)
        }
        let timer = self.timers.make()
        let upstream = self.upstreams.insert(
            UpstreamConnection(socket, transport, client: client, backend: backend, slot: slot, timer: timer))
        let token = upstream.token(kind: TokenKind.upstream)
        self.timers.setOwner(timer, token)
        self.backends[backend].endpoints.connectionOpened(slot)
        self.backends[backend].users += 1
        do throws(SystemError) {
            // That it is connected already is told like that it has been.
            try self.loop.watch(socket.number, token: token)
        } catch {
            self.closeUpstream(upstream)
            return .exhausted(error.number)
        }
        if self.backends[backend].isMultiplexed {
            self.makeCarrier(upstream)
            self.linkIdle(upstream)
            self.timers.set(timer, deadline: self.loop.now + UInt64(self.limits.connectTimeout))
            _ = self.addStream(client, upstream)
        } else {
            self.clients[client].exchange.upstream = upstream
        }
        self.clients[client].exchange.answer = .connecting
        let patience = self.clients[client].exchange.settings.connectTimeout
        self.setTimer(client, after: patience)
        return .begun
    }

    // MARK: - It stands, or not

    mutating func shakeHands(upstream: Handle) {
        switch self.upstreams[upstream].shakeHands() {
        case .done:
            self.upstreams[upstream].isReadable = true
            self.connected(upstream: upstream)
        case .wantsRead, .wantsWrite: break
        case .failed: self.connectFailed(upstream)
        }
    }

    /// What is spoken is clear now.
    mutating func connected(upstream: Handle) {
        if !self.upstreams[upstream].connection.isNone { return self.startStreams(upstream) }
        let client = self.upstreams[upstream].client
        guard self.upstreams[upstream].choseHTTP2 else {
            self.upstreams[upstream].phase = .busy
            self.connected(client)
            return self.serve(client)
        }
        self.makeCarrier(upstream)
        self.linkIdle(upstream)
        self.clients[client].exchange.upstream = .none
        _ = self.addStream(client, upstream)
        self.startStreams(upstream)
    }

    mutating func connectFailed(_ upstream: Handle) {
        guard self.upstreams[upstream].connection.isNone else { return self.closeCarrier(upstream, .connectFailed) }
        let client = self.upstreams[upstream].client
        if self.tryFailed(client, .connectFailed) { self.serve(client) }
    }

    /// Whether nothing has come on a connection that nobody uses. In TLS something may, which is no answer: tickets.
    mutating func isQuiet(_ upstream: Handle) -> Bool {
        guard self.upstreams[upstream].isTLS else { return self.upstreams[upstream].socket.isQuiet }
        self.upstreams[upstream].input = self.heads.take()
        defer { self.releaseInput(upstream: upstream) }
        if case .blocked = self.upstreams[upstream].receive() { return true }
        return false
    }
}
