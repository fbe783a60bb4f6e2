internal import Balancing
internal import Bytes
internal import Linux
internal import Networking
internal import Reactor
internal import ServiceModel

/// Connections to endpoints.
extension StreamWorker {
    /// Milliseconds until it is tried again when this process lacks what it takes.
    private static let lackPause: UInt64 = 50

    /// Where the client goes is known.
    mutating func begin(_ relay: Handle, _ targets: FrontendTargets) {
        guard case .group(let group) = self.chooser.target(of: self.relays[relay].peer.address, targets) else {
            // The kernel, or the filter of the listening socket, keeps them away; a few may have come before.
            self.counters.refused &+= 1
            return self.close(relay, resetting: true)
        }
        self.relays[relay].group = group
        self.chooser.enter(group)
        self.connect(relay)
    }

    /// The endpoint for the next attempt; nil if there is none left.
    private mutating func choose(_ relay: Handle) -> EndpointSlot? {
        let listener = self.relays[relay].listener
        // A listener that is gone meanwhile has nothing to say any more.
        let balancing = self.listeners.contains(listener) ? self.listeners[listener].served.balancing : .random
        return self.chooser.choose(
            self.relays[relay].group, balancing, self.relays[relay].service, self.relays[relay].peer,
            tried: self.relays[relay].tried, now: self.loop.now)
    }

    /// To another endpoint than those that were tried; the client is sent away when there is none.
    mutating func connect(_ relay: Handle) {
        while true {
            guard Int(self.relays[relay].tries) < self.limits.connectTries, let slot = self.choose(relay),
                let endpoint = self.chooser.groups[self.relays[relay].group].endpoints.endpoint(slot)
            else {
                self.counters.unserved &+= 1
                return self.close(relay, resetting: true)
            }
            if self.areDescriptorsShort, !self.findDescriptor(below: self.limits.endpointCeiling) {
                return self.waitForMeans(relay, Self.tooManyFiles)
            }
            switch StreamSocket.connect(to: SocketAddress(endpoint.address, endpoint.port)) {
            case .begun(let socket):
                if Int(socket.number) >= self.limits.descriptorCeiling { self.areDescriptorsShort = true }
                self.relays[relay].patienceEnds = 0
                self.relays[relay].tries += 1
                self.relays[relay].tried.insert(slot)
                self.relays[relay].upstream = socket
                self.relays[relay].slot = slot
                self.relays[relay].phase = .connecting
                self.chooser.groups[self.relays[relay].group].endpoints.connectionOpened(slot)
                self.counters.connects &+= 1
                do throws(SystemError) {
                    try self.loop.watch(socket.number, token: relay.token(kind: TokenKind.upstream))
                } catch {
                    self.leaveEndpoint(relay)
                    return self.waitForMeans(relay, error.number)
                }
                self.timers.set(
                    self.relays[relay].timer, deadline: self.loop.now + UInt64(self.limits.connectTimeout))
                return
            case .failed(let number) where Self.lacks(number): return self.waitForMeans(relay, number)
            case .failed:
                // No route, for one: as if it had been refused.
                self.counters.connectFailures &+= 1
                self.relays[relay].tries += 1
                self.relays[relay].tried.insert(slot)
            }
        }
    }

    /// errno(3): EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL (no port is left): no fault of the endpoint.
    private static func lacks(_ number: Int32) -> Bool {
        switch number {
        case 24, 23, 105, 12, 99: true
        default: false
        }
    }

    /// The client waits, and with it what it sends.
    private mutating func waitForMeans(_ relay: Handle, _ number: Int32) {
        self.counters.lacks &+= 1
        self.log.lacks("endpoints cannot be connected to; clients wait", number, now: self.loop.now)
        self.relays[relay].phase = .lacking
        if number == Self.tooManyFiles { self.areDescriptorsShort = true }
        if self.relays[relay].patienceEnds == 0 {
            self.relays[relay].patienceEnds = self.loop.now + UInt64(self.limits.connectTimeout)
        }
        self.timers.set(self.relays[relay].timer, deadline: self.loop.now + Self.lackPause)
    }

    /// It is tried again, until the time for connecting is over. Clients who wait for each other's descriptors would have them for ever.
    mutating func tryAgain(_ relay: Handle) {
        guard self.loop.now < self.relays[relay].patienceEnds else {
            self.counters.unserved &+= 1
            return self.close(relay, resetting: true)
        }
        self.connect(relay)
    }

    mutating func connected(_ relay: Handle) {
        self.relays[relay].phase = .open
        self.relays[relay].toEndpoint.canWrite = true
        let listener = self.relays[relay].listener
        if self.listeners.contains(listener), self.listeners[listener].served.policy.sendsProxyProtocol {
            self.introduce(relay)
        }
        self.timers.set(self.relays[relay].timer, deadline: self.loop.now + UInt64(self.limits.idleTimeout))
    }

    /// The endpoint is told who the client is, before anything that it says.
    private mutating func introduce(_ relay: Handle) {
        let client = self.relays[relay].client
        var header = self.tools.buffers.take()
        let destination = client.localAddress ?? SocketAddress(self.relays[relay].peer.address, 0)
        ProxyHeader.write(from: self.relays[relay].peer, to: destination, into: &header)
        self.relays[relay].toEndpoint.begin(with: header)
    }

    mutating func connectFailed(_ relay: Handle) {
        self.counters.connectFailures &+= 1
        self.leaveEndpoint(relay)
        self.connect(relay)
    }

    /// The connection to the endpoint that was chosen is given up.
    mutating func leaveEndpoint(_ relay: Handle) {
        let socket = self.relays[relay].upstream
        guard !socket.isNone else { return }
        socket.close()
        self.relays[relay].upstream = .none
        self.chooser.groups[self.relays[relay].group].endpoints.connectionClosed(self.relays[relay].slot)
    }
}
