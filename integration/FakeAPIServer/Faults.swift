/// What goes wrong on request. A value: which answers are spoiled and how is decided here, done elsewhere.
package struct Faults: Sendable, Hashable {
    /// How a watch is told that its history is gone.
    package enum Expiry: String, Sendable, Hashable {
        /// `200 OK`, and an ERROR event.
        case event
        /// `410 Gone` instead of an answer.
        case status
    }

    /// An answer in place of the right one.
    package struct Failure: Sendable, Hashable {
        package var code: Int
        package var retryAfter: Int?

        package init(code: Int, retryAfter: Int? = nil) {
            self.code = code
            self.retryAfter = retryAfter
        }
    }

    /// Connections are accepted and requests read, but nothing is answered or sent until this ends.
    package var isFrozen = false
    /// Everything is written in pieces of so many bytes.
    package var chunkSize: Int?
    /// Each answer is no faster than this.
    package var bytesPerSecond: Int?
    /// So many watches to come are expired.
    package var expiredWatches = 0
    package var expiry = Expiry.event
    /// So many requests to come fail.
    package var failures: [Failure] = []
    /// The next object that is sent ends in the middle, with its connection.
    package var cutsNextObject = false
    /// The next watch event is no event.
    package var spoilsNextEvent = false

    package init() {}

    /// Whether this watch is to be expired.
    mutating func takeExpiry() -> Bool {
        guard self.expiredWatches > 0 else { return false }
        self.expiredWatches -= 1
        return true
    }

    mutating func takeFailure() -> Failure? { self.failures.isEmpty ? nil : self.failures.removeFirst() }

    mutating func takeCut() -> Bool {
        defer { self.cutsNextObject = false }
        return self.cutsNextObject
    }

    mutating func takeSpoiling() -> Bool {
        defer { self.spoilsNextEvent = false }
        return self.spoilsNextEvent
    }
}
