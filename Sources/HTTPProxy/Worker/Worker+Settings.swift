internal import Balancing
internal import HTTP2
internal import Reactor

/// The time that connections of HTTP/2 have for SETTINGS (RFC 9113 section 6.5.3).
extension Worker {
    /// The connection stands, and our SETTINGS are on their way.
    mutating func expectSettings(_ connection: Handle) {
        let timer = self.connections[connection].timer
        self.timers.setOwner(timer, connection.token(kind: TokenKind.connection))
        self.timers.set(timer, deadline: self.loop.now + UInt64(self.limits.http2SettingsTimeout))
    }

    /// The time is over, once for each connection: only now is it of interest what has been said.
    mutating func settingsTimedOut(_ connection: Handle) {
        guard !self.connections[connection].isSettled else { return }
        let carrier = self.connections[connection].carrier
        self.connections[connection].session.goAway(code: HTTP2ErrorCode.settingsTimeout)
        guard self.connections[connection].isUpstream else {
            self.counters.http2Failures &+= 1
            return self.endMultiplexing(carrier)
        }
        // It is told if its socket takes that at once.
        var frames = self.takeFrames(upstream: carrier)
        self.connections[connection].session.write(into: &frames)
        self.upstreams[carrier].output = frames
        if self.upstreams[carrier].isWritable { _ = self.upstreams[carrier].sendOutput() }
        self.closeCarrier(carrier, .connectTimedOut)
    }

    /// Gives up a session, whose streams are gone.
    mutating func removeConnection(_ connection: Handle) {
        self.timers.free(self.connections[connection].timer)
        self.connections[connection].session.release(into: &self.heads)
        _ = self.connections.remove(connection)
    }
}
