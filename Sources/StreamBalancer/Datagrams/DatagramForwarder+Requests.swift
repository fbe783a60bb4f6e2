internal import Linux
package import Reactor

/// Datagrams of clients.
extension DatagramForwarder {
    /// Something has come to a listener. It is told of again as long as that is so.
    ///
    /// - Parameter now: the loop's clock.
    package mutating func listenerReady(
        _ token: UInt64, now: UInt64, _ loop: borrowing EventLoop, _ timers: inout TimerWheel,
        _ picker: inout some DatagramPicking & ~Copyable
    ) {
        guard let listener = self.listeners.handle(token: token) else { return }
        let socket = self.listeners[listener].socket
        for _ in 0..<Self.batchesPerTurn {
            guard case .datagrams(let count) = self.requests.receive(from: socket) else { return }
            self.forward(from: listener, now: now, loop, &timers, &picker)
            self.requests.clear()
            // With its last session a listener that was withdrawn is gone.
            guard count == Self.batchSize, self.listeners.contains(listener) else { return }
        }
    }

    /// Sends each datagram to the endpoint of its client; those of one client that are beside each other by one call.
    private mutating func forward(
        from listener: Handle, now: UInt64, _ loop: borrowing EventLoop, _ timers: inout TimerWheel,
        _ picker: inout some DatagramPicking & ~Copyable
    ) {
        var index = 0
        while index < self.requests.count {
            let client = self.requests.peer(index)
            var end = index + 1
            while end < self.requests.count, self.requests.peer(end) == client { end += 1 }
            self.counters.datagramsFromClients &+= UInt64(end - index)
            for slot in index..<end { self.counters.bytesFromClients &+= UInt64(self.requests.length(slot)) }
            let sent = self.forward(index..<end, of: client, listener, now: now, loop, &timers, &picker)
            self.counters.datagramsToEndpoints &+= UInt64(sent)
            self.counters.datagramsDropped &+= UInt64(end - index - sent)
            guard self.listeners.contains(listener) else { return }
            index = end
        }
    }

    /// How many were sent.
    private mutating func forward(
        _ datagrams: Range<Int>, of client: PeerAddress, _ listener: Handle, now: UInt64,
        _ loop: borrowing EventLoop, _ timers: inout TimerWheel, _ picker: inout some DatagramPicking & ~Copyable
    ) -> Int {
        var sent = 0
        // An error that waits on the socket is said instead of sending: what it is about was sent before. So it is tried with a new
        // session, once.
        for _ in 0..<2 {
            let left = datagrams.lowerBound + sent..<datagrams.upperBound
            let payload = self.requests.length(left.lowerBound)
            guard
                let session = self.session(
                    of: client, at: listener, payload: payload, now: now, loop, &timers, &picker)
            else { return sent }
            let departure = self.requests.send(left, over: self.sessions[session].socket.number)
            sent += departure.sent
            if departure.sent > 0 { self.touch(session, now: now) }
            // Others, such as EAGAIN, ENOBUFS and EMSGSIZE, say nothing of the endpoint.
            guard departure.error != 0, let reason = Unreachability(errno: departure.error) else { return sent }
            self.counters.endpointErrors &+= 1
            self.fail(session, reason, now: now, &picker)
            guard self.listeners.contains(listener) else { return sent }
        }
        return sent
    }

    /// The session of a client, which may be a new one; nil if there is nobody for it.
    private mutating func session(
        of client: PeerAddress, at listener: Handle, payload: Int, now: UInt64,
        _ loop: borrowing EventLoop, _ timers: inout TimerWheel, _ picker: inout some DatagramPicking & ~Copyable
    ) -> Handle? {
        let hash = self.hash(client, UInt32(listener.position))
        if let session = self.find(client, listener, hash) {
            if self.stays(session, &picker) { return session }
            // Its listener may be closed with it, if it was withdrawn.
            guard self.listeners.contains(listener) else { return nil }
        }
        return self.begin(client, listener, hash, payload: payload, now: now, loop, &timers, &picker)
    }

    private func find(_ client: PeerAddress, _ listener: Handle, _ hash: UInt32) -> Handle? {
        var place = self.table.start(hash)
        while let position = self.table.next(hash, &place) {
            guard let session = self.sessions.handle(at: position) else { continue }
            if self.sessions[session].client == client, self.sessions[session].listener == listener { return session }
        }
        return nil
    }
}
