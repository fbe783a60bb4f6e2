internal import Balancing
internal import Bytes
internal import Networking
internal import Reactor

/// Bytes pass through.
extension StreamWorker {
    mutating func clientReady(_ relay: Handle, _ readiness: Readiness) {
        if readiness.canRead {
            self.relays[relay].toEndpoint.canRead = true
            if readiness.isEnd { self.relays[relay].toEndpoint.endIsNear = true }
        }
        if readiness.canWrite { self.relays[relay].toClient.canWrite = true }
        switch self.relays[relay].phase {
        case .open:
            if readiness.isReset { self.relays[relay].clientIsGone = true }
            self.advance(relay)
        case .hello: if readiness.canRead { self.readHello(relay) }
        case .connecting, .lacking:
            // Who hangs up before it began does not need an endpoint; who has only said all, does.
            if readiness.isReset || readiness.contains(.hungUp) { self.close(relay, resetting: true) }
        }
    }

    mutating func upstreamReady(_ relay: Handle, _ readiness: Readiness) {
        // An event of a connection that was given up, and another was begun since: the loop tells of that one anew.
        guard !self.relays[relay].upstream.isNone else { return }
        if self.relays[relay].phase == .connecting {
            if readiness.isReset || readiness.contains(.hungUp) { return self.connectFailed(relay) }
            guard readiness.canWrite else { return }
            self.connected(relay)
        }
        if readiness.canRead {
            self.relays[relay].toClient.canRead = true
            if readiness.isEnd { self.relays[relay].toClient.endIsNear = true }
        }
        if readiness.canWrite { self.relays[relay].toEndpoint.canWrite = true }
        self.advance(relay)
    }

    mutating func resumePostponed() {
        guard !self.postponed.isEmpty else { return }
        // Two lists that change places, so that neither is made anew.
        swap(&self.postponed, &self.resumed)
        for index in self.resumed.indices {
            let relay = self.resumed[index]
            guard self.relays.contains(relay) else { continue }
            self.relays[relay].isPostponed = false
            self.advance(relay)
        }
        self.resumed.removeAll(keepingCapacity: true)
    }

    /// Moves what can be moved, both ways.
    private mutating func advance(_ relay: Handle) {
        self.tools.movesLeft = RelayTools.movesPerTurn
        let (client, upstream) = (self.relays[relay].client, self.relays[relay].upstream)
        var isLeft = false
        switch self.relays[relay].toEndpoint.move(from: client, to: upstream, &self.tools) {
        case .waiting:
            // What is in hand is not taken, and the loop does not tell of the client again: as if it had been in the client's own
            // buffers, a reset discards it.
            if self.relays[relay].clientIsGone { return self.close(relay, resetting: true) }
        case .outOfTurn: isLeft = true
        case .ended:
            self.relays[relay].toEndpoint.finish()
            if self.relays[relay].toClient.isDone { return self.close(relay, resetting: false) }
            upstream.finishWriting()
        case .sourceFailed:
            // The client has reset its connection: so is the endpoint's.
            return self.close(relay, resetting: true)
        case .sinkFailed:
            // What the endpoint has said may still be here.
            self.relays[relay].toEndpoint.abandon(&self.tools)
            self.relays[relay].isBroken = true
            self.relays[relay].toClient.canRead = true
            self.relays[relay].toClient.endIsNear = true
        }
        self.tools.movesLeft = RelayTools.movesPerTurn
        switch self.relays[relay].toClient.move(from: upstream, to: client, &self.tools) {
        case .waiting: break
        case .outOfTurn: isLeft = true
        case .ended:
            self.relays[relay].toClient.finish()
            if self.relays[relay].toEndpoint.isDone { return self.close(relay, resetting: self.relays[relay].isBroken) }
            client.finishWriting()
        case .sourceFailed, .sinkFailed: return self.close(relay, resetting: true)
        }
        let isHalf = self.relays[relay].toEndpoint.isDone || self.relays[relay].toClient.isDone
        let patience = isHalf ? self.limits.halfClosedTimeout : self.limits.idleTimeout
        self.timers.set(self.relays[relay].timer, deadline: self.loop.now + UInt64(patience))
        if isLeft, !self.relays[relay].isPostponed {
            self.relays[relay].isPostponed = true
            self.postponed.append(relay)
        }
    }

    mutating func relayTimedOut(_ relay: Handle) {
        switch self.relays[relay].phase {
        case .connecting: self.connectFailed(relay)
        case .lacking: self.tryAgain(relay)
        case .hello:
            self.counters.helloTimeouts &+= 1
            self.close(relay, resetting: true)
        case .open:
            self.counters.idleTimeouts &+= 1
            self.close(relay, resetting: true)
        }
    }

    /// Both connections end, and everything that they held is free.
    mutating func close(_ relay: Handle, resetting: Bool) {
        self.counters.bytesToEndpoints &+= self.relays[relay].toEndpoint.bytes
        self.counters.bytesToClients &+= self.relays[relay].toClient.bytes
        self.relays[relay].toEndpoint.abandon(&self.tools)
        self.relays[relay].toClient.abandon(&self.tools)
        let upstream = self.relays[relay].upstream
        let group = self.relays[relay].group
        if !upstream.isNone {
            if resetting { upstream.reset() } else { upstream.close() }
            self.chooser.groups[group].endpoints.connectionClosed(self.relays[relay].slot)
        }
        if !group.isNone { self.chooser.leave(group) }
        if self.relays[relay].isLimited {
            self.book.leave(self.relays[relay].service, self.relays[relay].peer.address)
        }
        let client = self.relays[relay].client
        if resetting { client.reset() } else { client.close() }
        self.timers.free(self.relays[relay].timer)
        _ = self.relays.remove(relay)
    }
}
