package import Reactor

/// Datagrams of endpoints.
extension DatagramForwarder {
    /// Something has come to a session's socket: answers, or an error.
    package mutating func sessionReady(
        _ token: UInt64, now: UInt64, _ loop: borrowing EventLoop, _ timers: inout TimerWheel,
        _ picker: inout some DatagramPicking & ~Copyable
    ) {
        guard let session = self.sessions.handle(token: token) else { return }
        // What an endpoint says that is none any more does not count.
        guard self.stays(session, &picker) else { return }
        let socket = self.sessions[session].socket.number
        var failure: Unreachability?
        for _ in 0..<Self.batchesPerTurn {
            if self.answers.room == 0 { self.flush() }
            let (first, room) = (self.answers.count, self.answers.room)
            switch self.answers.receive(from: socket) {
            case .datagrams(let count):
                self.pass(first..<first + count, session, now: now, &timers)
                guard count < room else { continue }
            case .none: break
            case .failed(let number):
                // An error is told before the answers that came earlier.
                self.counters.endpointErrors &+= 1
                failure = failure ?? Unreachability(errno: number)
                continue
            }
            if let failure { self.fail(session, failure, now: now, &picker) }
            return
        }
        // Edge-triggered, it would not be told of again.
        if let failure { return self.fail(session, failure, now: now, &picker) }
        loop.remindOfArrivals(socket, token: token)
    }

    private mutating func pass(_ slots: Range<Int>, _ session: Handle, now: UInt64, _ timers: inout TimerWheel) {
        let client = self.sessions[session].client
        let socket = self.listeners[self.sessions[session].listener].socket
        for slot in slots {
            self.counters.bytesFromEndpoints &+= UInt64(self.answers.length(slot))
            self.answers.address(slot, to: client, over: socket)
        }
        self.counters.datagramsFromEndpoints &+= UInt64(slots.count)
        if self.sessions[session].isAnswered {
            self.touch(session, now: now)
        } else {
            self.settle(session, now: now, &timers)
        }
    }
}
