internal import Balancing
internal import Bytes
internal import Linux
internal import Networking
internal import Reactor
internal import ServiceModel

/// Connections come.
extension StreamWorker {
    /// So many at once; then those that have come already get their turn. The loop tells of the rest again.
    private static let acceptedAtOnce = 64
    /// Milliseconds.
    private static let acceptPause: UInt64 = 50

    mutating func accept(_ listener: Handle) {
        for _ in 0..<Self.acceptedAtOnce {
            guard self.acceptNext(listener) else { return }
        }
    }

    /// Before a listener is closed, which resets the connections that wait in the kernel's queue.
    mutating func acceptWaiting(_ listener: Handle) {
        for _ in 0..<self.limits.listenBacklog {
            guard self.acceptNext(listener) else { return }
        }
    }

    /// False if there is none, or none can be taken.
    private mutating func acceptNext(_ listener: Handle) -> Bool {
        guard self.relays.count < self.limits.maximumConnections else {
            self.counters.delayed &+= 1
            self.pause(listener)
            return false
        }
        guard !self.areDescriptorsShort || self.findDescriptor(below: self.limits.descriptorCeiling) else {
            self.putOff(listener, Self.tooManyFiles)
            return false
        }
        switch self.listeners[listener].socket.accept() {
        case .connection(let socket, let peer):
            if Int(socket.number) >= self.limits.descriptorCeiling { self.areDescriptorsShort = true }
            self.open(socket, from: peer, at: listener)
        case .lost: break
        case .none: return false
        case .exhausted(let number):
            self.areDescriptorsShort = true
            self.putOff(listener, number)
            return false
        }
        return true
    }

    /// EMFILE.
    static let tooManyFiles: Int32 = 24

    private mutating func putOff(_ listener: Handle, _ number: Int32) {
        self.counters.acceptFailures &+= 1
        self.log.lacks("connections cannot be accepted; they wait", number, now: self.loop.now)
        self.pause(listener)
    }

    /// Whether there is a descriptor for one more connection. Pipes that nobody uses, and UDP sessions that have been idle longest, make
    /// way for it.
    mutating func findDescriptor(below ceiling: Int) -> Bool {
        for _ in 0...Self.concessions {
            if let number = self.loop.nextDescriptor, number < ceiling {
                self.areDescriptorsShort = number >= self.limits.descriptorCeiling
                return true
            }
            guard self.tools.pipes.discard() || self.takeSessionsDescriptor() else { return false }
        }
        return false
    }

    /// As long as there are more of them than connections: who floods the one must not take the other's. A few are never taken: this worker
    /// may have no connection yet because those of others, who were faster, have all descriptors.
    private mutating func takeSessionsDescriptor() -> Bool {
        self.datagrams.sessionCount > max(self.relays.count, Self.sessionsSpared)
            && self.datagrams.makeRoom(&self.chooser)
    }

    private static let sessionsSpared = 32

    /// As many as may be needed for one: the numbers that become free need not be low enough.
    private static let concessions = 4

    /// They wait in the kernel's queue.
    private mutating func pause(_ listener: Handle) {
        self.loop.unwatch(self.listeners[listener].socket.number)
        self.paused.append(listener)
        if self.paused.count == 1 { self.timers.set(self.pauseTimer, deadline: self.loop.now + Self.acceptPause) }
    }

    mutating func resumeAccepting() {
        let listeners = self.paused
        self.paused = []
        for listener in listeners where self.listeners.contains(listener) {
            let token = listener.token(kind: TokenKind.listener)
            do throws(SystemError) {
                try self.loop.watchReading(self.listeners[listener].socket.number, token: token)
            } catch {
                self.pause(listener)
            }
        }
    }

    private mutating func open(_ socket: StreamSocket, from peer: SocketAddress, at listener: Handle) {
        self.counters.connections &+= 1
        guard self.admits(peer, at: listener) else {
            self.counters.refused &+= 1
            return socket.reset()
        }
        let service = self.listeners[listener].service
        let policy = self.listeners[listener].served.policy
        let isLimited = policy.connectionsPerClient > 0 || policy.connectionRatePerClient > 0
        if isLimited {
            let isAdmitted = self.book.admit(
                service, peer.address, connections: policy.connectionsPerClient, rate: policy.connectionRatePerClient,
                now: self.loop.now)
            guard isAdmitted else {
                self.counters.limited &+= 1
                return socket.reset()
            }
        }
        let timer = self.timers.make()
        let local = self.listeners[listener].address.address
        let relay = self.relays.insert(
            Relay(client: socket, peer: peer, listener: listener, at: local, timer: timer))
        self.relays[relay].service = service
        self.relays[relay].isLimited = isLimited
        let token = relay.token(kind: TokenKind.client)
        self.timers.setOwner(timer, token)
        do throws(SystemError) {
            try self.loop.watch(socket.number, token: token)
        } catch {
            self.counters.acceptFailures &+= 1
            return self.close(relay, resetting: true)
        }
        if self.listeners[listener].named.isEmpty {
            self.begin(relay, self.listeners[listener].targets)
        } else {
            self.relays[relay].phase = .hello
            self.timers.set(timer, deadline: self.loop.now + UInt64(self.limits.helloTimeout))
        }
    }

    private func admits(_ peer: SocketAddress, at listener: Handle) -> Bool {
        guard let ranges = self.listeners[listener].served.admittedSources else { return true }
        return ranges.contains { $0.first <= peer.address && peer.address <= $0.last }
    }
}
