internal import Bytes
internal import HTTP1
internal import Reactor

/// After `101 Switching Protocols` (RFC 9110 section 7.8): bytes go both ways, unread, until both sides are done.
extension Worker {
    /// True when the connection is to be looked at again, which it is not: it goes on or is gone.
    mutating func tunnel(_ client: Handle) -> Bool {
        let upstream = self.clients[client].exchange.upstream
        if self.clients[client].isBroken {
            self.close(client)
            return false
        }
        guard self.upwards(client, upstream), self.downwards(client, upstream) else {
            if self.clients.contains(client) { self.close(client) }
            return false
        }
        if self.clients[client].hasShutDown, self.upstreams[upstream].hasShutDown {
            self.close(client)
            return false
        }
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(self.limits.tunnelIdleTimeout))
        return false
    }

    /// False when it is broken.
    private mutating func upwards(_ client: Handle, _ upstream: Handle) -> Bool {
        while true {
            if !self.clients[client].input.isEmpty {
                guard self.upstreams[upstream].isWritable else { return true }
                let count = self.clients[client].input.count
                switch self.sendTunnelled(client, upstream) {
                case .bytes(let sent):
                    self.counters.bytesToUpstreams &+= UInt64(sent)
                    self.clients[client].input.consume(sent)
                    if sent < count, !self.upstreams[upstream].isTLS { self.upstreams[upstream].isWritable = false }
                case .blocked: self.upstreams[upstream].isWritable = false
                case .ended, .failed:
                    // It takes no more; what it has sent is read all the same.
                    self.clients[client].input.clear()
                    self.upstreams[upstream].hasShutDown = true
                }
                continue
            }
            switch self.read(client) {
            case .some: continue
            case .nothing:
                self.releaseInput(client)
                return true
            case .broken: return false
            case .end:
                self.releaseInput(client)
                if !self.upstreams[upstream].hasShutDown {
                    self.upstreams[upstream].hasShutDown = true
                    if self.upstreams[upstream].isStream {
                        self.finishStream(upstream: upstream)
                    } else {
                        self.upstreams[upstream].finishWriting()
                    }
                }
                return true
            }
        }
    }

    private mutating func sendTunnelled(_ client: Handle, _ upstream: Handle) -> Transfer {
        self.upstreams[upstream].isStream
            ? self.sendTunnelled(client, stream: upstream)
            : self.clients.sendInput(client, to: &self.upstreams, upstream)
    }

    /// False when it is broken.
    private mutating func downwards(_ client: Handle, _ upstream: Handle) -> Bool {
        while true {
            _ = self.stageAnswer(client, upstream)
            switch self.flush(client) {
            case .done: break
            case .blocked: return true
            case .failed: return false
            }
            switch self.read(upstream: upstream) {
            case .some: continue
            case .nothing:
                self.releaseInput(upstream: upstream)
                self.releaseOutput(client)
                return true
            case .broken:
                self.breaksTunnel(client)
                return false
            case .end:
                self.releaseInput(upstream: upstream)
                self.releaseOutput(client)
                if !self.clients[client].hasShutDown { self.finishWriting(client) }
                return true
            }
        }
    }

    private mutating func finishWriting(_ client: Handle) {
        guard self.clients[client].isStream else { return self.clients[client].shutDown() }
        self.clients[client].hasShutDown = true
        self.finishStream(client)
    }

    /// The endpoint's end was a reset, and so is the client's.
    private mutating func breaksTunnel(_ client: Handle) { self.reset(client) }
}
