/// What a worker's UDP has come to since it started.
package struct DatagramCounters: BitwiseCopyable, Hashable, Sendable {
    package var sessions: UInt64 = 0
    /// Ended for their time was over.
    package var sessionsExpired: UInt64 = 0
    /// The longest idle ones, which made room for others: there were as many as there may be, or no descriptor or port was left.
    package var sessionsEvicted: UInt64 = 0
    /// Moved to another endpoint because theirs was taken away.
    package var sessionsMoved: UInt64 = 0
    /// No descriptor, port or memory was left for one.
    package var exhaustions: UInt64 = 0

    package var datagramsFromClients: UInt64 = 0
    package var datagramsToEndpoints: UInt64 = 0
    package var datagramsFromEndpoints: UInt64 = 0
    package var datagramsToClients: UInt64 = 0
    package var bytesFromClients: UInt64 = 0
    package var bytesFromEndpoints: UInt64 = 0
    /// Of clients, that went nowhere for whatever reason.
    package var datagramsDropped: UInt64 = 0
    /// Of endpoints, that the kernel did not take.
    package var answersDropped: UInt64 = 0
    /// ICMP errors of endpoints, and of ways to them.
    package var endpointErrors: UInt64 = 0
    /// Clients that were told so, or that there is nobody; and those that could not be, or were too many.
    package var errorsTold: UInt64 = 0
    package var errorsUntold: UInt64 = 0

    package init() {}

    mutating func add(_ other: DatagramCounters) {
        self.sessions &+= other.sessions
        self.sessionsExpired &+= other.sessionsExpired
        self.sessionsEvicted &+= other.sessionsEvicted
        self.sessionsMoved &+= other.sessionsMoved
        self.exhaustions &+= other.exhaustions
        self.datagramsFromClients &+= other.datagramsFromClients
        self.datagramsToEndpoints &+= other.datagramsToEndpoints
        self.datagramsFromEndpoints &+= other.datagramsFromEndpoints
        self.datagramsToClients &+= other.datagramsToClients
        self.bytesFromClients &+= other.bytesFromClients
        self.bytesFromEndpoints &+= other.bytesFromEndpoints
        self.datagramsDropped &+= other.datagramsDropped
        self.answersDropped &+= other.answersDropped
        self.endpointErrors &+= other.endpointErrors
        self.errorsTold &+= other.errorsTold
        self.errorsUntold &+= other.errorsUntold
    }
}
