internal import Linux
internal import Reactor

/// How sessions begin and end.
extension DatagramForwarder {
    /// Whether a session may stay with its endpoint: if endpoints changed since it was asked last, the picker says so. One that may not is
    /// ended.
    mutating func stays(_ session: Handle, _ picker: inout some DatagramPicking & ~Copyable) -> Bool {
        let listener = self.sessions[session].listener
        let revision = self.listeners[listener].revision
        if self.sessions[session].revision == revision { return true }
        let frontend = self.sessions[session].frontend
        guard frontend == self.listeners[listener].frontend,
            picker.isStillServed(self.sessions[session].slot, frontend: frontend)
        else {
            self.counters.sessionsMoved &+= 1
            self.end(session, &picker)
            return false
        }
        self.sessions[session].revision = revision
        return true
    }

    /// A session for a client that has none; nil if there is nobody for it.
    mutating func begin(
        _ client: PeerAddress, _ listener: Handle, _ hash: UInt32, payload: Int, now: UInt64,
        _ loop: borrowing EventLoop, _ timers: inout TimerWheel, _ picker: inout some DatagramPicking & ~Copyable
    ) -> Handle? {
        guard !self.isDraining, !self.listeners[listener].isWithdrawn else {
            self.tell(client, .port, at: listener, payload: payload, now: now)
            return nil
        }
        let frontend = self.listeners[listener].frontend
        switch picker.pick(frontend: frontend, client: client.socketAddress, now: now) {
        case .drop: return nil
        case .refuse:
            self.tell(client, .port, at: listener, payload: payload, now: now)
            return nil
        case .endpoint(let address, let slot):
            while self.sessions.count >= self.maximumSessions { self.evict(&picker) }
            let source: Source
            let endpoint = PeerAddress(address)
            switch self.connect(to: endpoint, &picker) {
            case .success(let found): source = found
            case .failure(let failure):
                self.couldNotConnect(failure, client, listener, slot, payload: payload, now: now, &picker)
                picker.ended(slot, frontend: frontend)
                return nil
            }
            let session = self.sessions.insert(
                DatagramSession(
                    client: client, listener: listener, hash: hash, endpoint: endpoint, source: source,
                    frontend: frontend, slot: slot, revision: self.listeners[listener].revision, lastActive: now))
            do throws(SystemError) {
                try loop.watchArrivals(source.socket.number, token: session.token(kind: self.kinds.session))
            } catch {
                self.counters.exhaustions &+= 1
                _ = self.sessions.remove(session)
                source.socket.close()
                picker.ended(slot, frontend: frontend)
                return nil
            }
            self.table.insert(hash, position: session.position)
            if source.port != 0 { self.sources.insert(source.hash, position: session.position) }
            self.sessions.append(session, to: &self.idle[false], at: now)
            self.listeners[listener].sessions += 1
            self.counters.sessions &+= 1
            self.wake(at: now + self.idle[false].timeout, &timers)
            return session
        }
    }

    private mutating func couldNotConnect(
        _ failure: SocketFailure, _ client: PeerAddress, _ listener: Handle, _ slot: UInt64, payload: Int, now: UInt64,
        _ picker: inout some DatagramPicking & ~Copyable
    ) {
        guard let reason = Unreachability(errno: failure.number) else { return self.counters.exhaustions &+= 1 }
        // There is no way to the endpoint.
        self.counters.endpointErrors &+= 1
        picker.failed(slot, frontend: self.listeners[listener].frontend, now: now)
        self.tell(client, reason, at: listener, payload: payload, now: now)
    }

    /// The endpoint, or something on the way to it, answered with an error: the client is told, and its next datagram may go elsewhere.
    mutating func fail(
        _ session: Handle, _ reason: Unreachability, now: UInt64, _ picker: inout some DatagramPicking & ~Copyable
    ) {
        let (client, listener) = (self.sessions[session].client, self.sessions[session].listener)
        picker.failed(self.sessions[session].slot, frontend: self.sessions[session].frontend, now: now)
        // What it answered before goes out before.
        self.flush()
        self.tell(client, reason, at: listener, payload: 0, now: now)
        self.end(session, &picker)
    }

    /// Tells a client that nobody got its datagram.
    ///
    /// - Parameter payload: bytes of the datagram, if they are known.
    mutating func tell(
        _ client: PeerAddress, _ reason: Unreachability, at listener: Handle, payload: Int, now: UInt64
    ) {
        let isTold =
            self.allowance.take(now: now)
            && self.unreachable.tell(client, reason, of: self.listeners[listener].address, payload: payload)
        if isTold { self.counters.errorsTold &+= 1 } else { self.counters.errorsUntold &+= 1 }
    }

    mutating func end(_ session: Handle, _ picker: inout some DatagramPicking & ~Copyable) {
        let ended = self.sessions[session]
        self.sessions.remove(session, from: &self.idle[ended.isAnswered])
        self.table.remove(ended.hash, position: session.position)
        if ended.port != 0 { self.sources.remove(ended.sourceHash, position: session.position) }
        _ = self.sessions.remove(session)
        ended.socket.close()
        picker.ended(ended.slot, frontend: ended.frontend)
        self.listeners[ended.listener].sessions -= 1
        self.closeIfUnused(ended.listener)
    }
}
