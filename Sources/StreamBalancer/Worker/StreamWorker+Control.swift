internal import Balancing
internal import HealthChecking
internal import Linux
internal import Networking
internal import Reactor
internal import ServiceModel

/// A socket that is a worker's from now on.
enum StreamSocketOffer: Sendable {
    case connections(ListeningSocket)
    case datagrams(DatagramListener)
}

/// What a worker is told.
enum StreamLetter: Sendable {
    /// Listening sockets are those of addresses that are new.
    case change(StreamBoard.Delta, sockets: [StreamAddress: StreamSocketOffer], ClientDetection)
    case health(HealthSnapshot)
    /// No more is accepted; what is open may end within so many milliseconds.
    case drain(UInt64)
    /// How many connections are open at an address.
    case census(IPAddress, Inquiry<Int>)
    /// What is known of endpoints.
    case tally(Inquiry<[EndpointTally]>)
}

extension StreamWorker {
    mutating func readMail() {
        for letter in self.mailbox.take() {
            switch letter {
            case .change(let delta, let sockets, let detection):
                self.chooser.detection = detection
                self.adopt(delta, sockets)
            case .health(let snapshot): self.adopt(snapshot)
            case .drain(let milliseconds): self.drain(milliseconds)
            case .census(let address, let inquiry): inquiry.answer(self.openConnections(at: address))
            case .tally(let inquiry): inquiry.answer(self.chooser.tallies(now: self.loop.now))
            }
        }
    }

    private mutating func adopt(_ delta: StreamBoard.Delta, _ sockets: [StreamAddress: StreamSocketOffer]) {
        for plan in delta.groups { self.adopt(plan) }
        if !delta.groups.isEmpty { self.reviewSessions(Set(delta.groups.map(\.number))) }
        for frontend in delta.frontends { self.adopt(frontend, sockets[frontend.address]) }
        for address in delta.withdrawn { self.withdraw(address) }
        for plan in delta.retired { self.chooser.retire(plan) }
    }

    // MARK: - Groups

    private mutating func adopt(_ plan: GroupPlan) {
        self.scheduleWeighing(self.chooser.adopt(plan, now: self.loop.now))
    }

    /// Sessions whose endpoints are others now find out with their next datagram whether they may stay.
    private mutating func reviewSessions(_ groups: Set<Int>) {
        for (listener, number) in self.datagramListeners.values where self.chooser.leads(number, to: groups) {
            self.datagrams.update(listener, frontend: UInt32(number))
        }
    }

    private mutating func adopt(_ snapshot: HealthSnapshot) {
        for number in self.chooser.numbers.indices {
            let group = self.chooser.numbers[number]
            guard self.chooser.groups.contains(group) else { continue }
            self.chooser.groups[group].adopt(snapshot.backends[number], now: self.loop.now)
            self.scheduleWeighing(group)
        }
    }

    private mutating func scheduleWeighing(_ group: Handle) {
        guard let time = self.chooser.groups[group].nextWeighing(now: self.loop.now) else { return }
        if let planned = self.timers.deadline(self.weighingTimer), planned <= time { return }
        self.timers.set(self.weighingTimer, deadline: time)
    }

    mutating func weighGroups() {
        self.timers.clear(self.weighingTimer)
        for number in self.chooser.numbers.indices {
            let group = self.chooser.numbers[number]
            guard self.chooser.groups.contains(group),
                self.chooser.groups[group].nextWeighing(now: self.loop.now) != nil
            else {
                continue
            }
            self.chooser.groups[group].weigh(now: self.loop.now)
            self.scheduleWeighing(group)
        }
    }

    // MARK: - Listeners

    private mutating func adopt(_ frontend: ServedFrontend, _ socket: StreamSocketOffer?) {
        guard frontend.isServed else { return self.withdraw(frontend.address) }
        switch socket {
        case .connections(let socket): self.listen(frontend, socket)
        case .datagrams(let socket): self.receive(frontend, socket)
        case nil: break
        }
        if let listener = self.listenersByAddress[frontend.address] { self.update(listener, frontend) }
        if let (listener, number) = self.datagramListeners[frontend.address] {
            self.chooser.update(number, frontend)
            self.datagrams.update(listener, frontend: UInt32(number))
        }
    }

    private mutating func listen(_ frontend: ServedFrontend, _ socket: ListeningSocket) {
        guard !self.isDraining else { return }
        let listener = self.listeners.insert(StreamListener(frontend, socket))
        self.listenersByAddress[frontend.address] = listener
        do throws(SystemError) {
            try self.loop.watchReading(socket.number, token: listener.token(kind: TokenKind.listener))
        } catch {
            self.log.lacks("a listener cannot be watched", error.number, now: self.loop.now)
        }
    }

    private mutating func receive(_ frontend: ServedFrontend, _ socket: DatagramListener) {
        guard !self.isDraining else { return }
        let number = self.chooser.makeDatagramFrontend(frontend)
        do throws(SystemError) {
            let listener = try self.datagrams.serve(socket, frontend: UInt32(number), self.loop)
            self.datagramListeners[frontend.address] = (listener, number)
        } catch {
            self.chooser.removeDatagramFrontend(number)
            self.log.lacks("a listener cannot be watched", error.number, now: self.loop.now)
        }
    }

    private mutating func update(_ listener: Handle, _ frontend: ServedFrontend) {
        self.listeners[listener].served = frontend
        self.listeners[listener].service = frontend.port.hashValue
        self.listeners[listener].targets = self.chooser.resolve(frontend)
        self.listeners[listener].named = []
        for named in frontend.named {
            var targets = FrontendTargets(main: self.chooser.resolve(named.target))
            if let outside = named.outside { targets.outside = self.chooser.resolve(outside) }
            self.listeners[listener].named.append(
                StreamListener.NamedTargets(name: ServerNamePattern(named.name), targets: targets))
        }
    }

    private mutating func withdraw(_ address: StreamAddress) {
        if let (listener, number) = self.datagramListeners.removeValue(forKey: address) {
            self.datagrams.close(listener, &self.chooser)
            self.chooser.removeDatagramFrontend(number)
        }
        guard let listener = self.listenersByAddress.removeValue(forKey: address) else { return }
        self.acceptWaiting(listener)
        self.loop.unwatch(self.listeners[listener].socket.number)
        _ = self.listeners.remove(listener)
    }

    // MARK: - The end

    private mutating func drain(_ milliseconds: UInt64) {
        guard !self.isDraining else { return }
        self.isDraining = true
        self.drainDeadline = self.loop.now + milliseconds
        for address in Array(self.listenersByAddress.keys) { self.withdraw(address) }
        self.datagrams.drain(now: self.loop.now, &self.timers)
        if milliseconds == 0 { self.cutAll() }
    }

    mutating func cutAll() {
        for position in 0..<self.relays.positions {
            if let relay = self.relays.handle(at: position) { self.close(relay, resetting: true) }
        }
    }

    private func openConnections(at address: IPAddress) -> Int {
        var count = 0
        for position in 0..<self.relays.positions {
            if let relay = self.relays.handle(at: position), self.relays[relay].local == address { count += 1 }
        }
        for (listening, listener) in self.datagramListeners where listening.address == address {
            count += self.datagrams.sessionCount(listener.handle)
        }
        return count
    }
}
