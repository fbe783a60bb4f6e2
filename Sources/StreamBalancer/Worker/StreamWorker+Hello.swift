internal import Bytes
internal import Reactor

/// TLS that is passed through: where it goes is in the first thing that a client says.
extension StreamWorker {
    /// Looks at what has come, and leaves it where it is: the endpoint gets all of it.
    mutating func readHello(_ relay: Handle) {
        self.tools.scratch.clear()
        switch self.relays[relay].client.peek(into: &self.tools.scratch) {
        case .bytes: break
        case .blocked: return
        case .ended, .failed: return self.close(relay, resetting: true)
        }
        let listener = self.relays[relay].listener
        guard self.listeners.contains(listener) else { return self.close(relay, resetting: true) }
        switch ServerName.read(self.tools.scratch.readable) {
        case .needsMore:
            // More will be told of; but not an end that has been told of.
            if self.relays[relay].toEndpoint.endIsNear { self.close(relay, resetting: true) }
        case .absent: self.begin(relay, self.listeners[listener].targets)
        case .name(let range): self.begin(relay, self.targets(named: range, at: listener))
        }
    }

    /// The names of a Service are few, and exact ones come first.
    private func targets(named range: ByteRange, at listener: Handle) -> FrontendTargets {
        for index in self.listeners[listener].named.indices
        where self.listeners[listener].named[index].name.matches(self.tools.scratch.readable, range) {
            return self.listeners[listener].named[index].targets
        }
        return self.listeners[listener].targets
    }
}
