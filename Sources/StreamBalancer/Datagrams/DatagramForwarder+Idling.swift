package import Reactor

/// When sessions end, and who makes room.
///
/// There is one timer for all of them: each list is in the order in which its sessions end.
extension DatagramForwarder {
    /// A datagram of a session went either way.
    mutating func touch(_ session: Handle, now: UInt64) {
        self.sessions[session].lastActive = now
        let isAnswered = self.sessions[session].isAnswered
        guard now >= self.sessions[session].listedAt + self.idle[isAnswered].precision else { return }
        self.sessions.moveToEnd(session, of: &self.idle[isAnswered], at: now)
    }

    /// The first answer came.
    mutating func settle(_ session: Handle, now: UInt64, _ timers: inout TimerWheel) {
        self.sessions.remove(session, from: &self.idle[false])
        self.sessions[session].isAnswered = true
        self.sessions[session].lastActive = now
        self.sessions.append(session, to: &self.idle[true], at: now)
        self.wake(at: now + self.idle[true].timeout, &timers)
    }

    /// The timer is set for then, if not for earlier.
    mutating func wake(at deadline: UInt64, _ timers: inout TimerWheel) {
        guard deadline < self.wakeAt else { return }
        self.wakeAt = deadline
        timers.set(self.timer, deadline: deadline)
    }

    // MARK: - Expiry

    /// The timer of ``Kinds/timerOwner`` has fired.
    package mutating func timeout(
        now: UInt64, _ timers: inout TimerWheel, _ picker: inout some DatagramPicking & ~Copyable
    ) {
        self.wakeAt = .max
        self.expire(isAnswered: false, now: now, &timers, &picker)
        self.expire(isAnswered: true, now: now, &timers, &picker)
    }

    /// Sessions of a list that are ended in one turn. The others have to wait for the next one, a tick later.
    private static let expiredAtOnce = 256

    private mutating func expire(
        isAnswered: Bool, now: UInt64, _ timers: inout TimerWheel, _ picker: inout some DatagramPicking & ~Copyable
    ) {
        let timeout = self.idle[isAnswered].timeout
        for _ in 0..<Self.expiredAtOnce {
            let session = self.idle[isAnswered].first
            guard !session.isNone, self.sessions[session].listedAt + timeout <= now else { break }
            let lastActive = self.sessions[session].lastActive
            guard lastActive + timeout <= now else {
                // So short a time after it was listed that it was left where it was.
                self.sessions.moveToEnd(session, of: &self.idle[isAnswered], at: lastActive)
                continue
            }
            self.counters.sessionsExpired &+= 1
            self.end(session, &picker)
        }
        let first = self.idle[isAnswered].first
        guard !first.isNone else { return }
        self.wake(at: max(now, self.sessions[first].listedAt + timeout), &timers)
    }

    // MARK: - Making room

    /// Ends the session that has been idle longest.
    mutating func evict(_ picker: inout some DatagramPicking & ~Copyable) {
        var victim = Handle.none
        for _ in 0..<Self.secondChances {
            victim = self.longestIdle
            guard !victim.isNone else { return }
            let (isAnswered, lastActive) = (self.sessions[victim].isAnswered, self.sessions[victim].lastActive)
            guard lastActive > self.sessions[victim].listedAt else { break }
            self.sessions.moveToEnd(victim, of: &self.idle[isAnswered], at: lastActive)
        }
        self.counters.sessionsEvicted &+= 1
        self.end(victim, &picker)
    }

    /// The same for the sake of others than UDP; false if there is no session.
    mutating func makeRoom(_ picker: inout some DatagramPicking & ~Copyable) -> Bool {
        guard self.sessions.count > 0 else { return false }
        self.evict(&picker)
        return true
    }

    /// Sessions that are passed over because they were active shortly after they were listed.
    private static let secondChances = 16

    /// As far as the lists say.
    private var longestIdle: Handle {
        let (unanswered, answered) = (self.idle[false].first, self.idle[true].first)
        if unanswered.isNone || answered.isNone { return unanswered.isNone ? answered : unanswered }
        return self.sessions[unanswered].listedAt < self.sessions[answered].listedAt ? unanswered : answered
    }

    // MARK: - The end

    /// No new sessions. Those that there are end when they have been idle for so long that nobody waits for an answer.
    package mutating func drain(now: UInt64, _ timers: inout TimerWheel) {
        guard !self.isDraining else { return }
        self.isDraining = true
        self.idle.shorten(to: Self.drainTimeout)
        if self.sessions.count > 0 { self.wake(at: now, &timers) }
    }

    /// Milliseconds.
    private static let drainTimeout: UInt64 = 1_000
}
