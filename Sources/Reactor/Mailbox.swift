public import Linux
internal import Synchronization

/// Letters from other threads to a worker, which wakes up for them. The only thing of a worker that others reach.
public final class Mailbox<Letter: Sendable>: Sendable {
    private enum State {
        case open([Letter])
        /// Who answers in the worker's stead.
        case closed(@Sendable (Letter) -> Void)
    }

    private let state = Mutex(State.open([]))
    private let wakeUp: WakeUp

    public init() throws(SystemError) { self.wakeUp = try WakeUp() }

    /// To be watched for reading.
    public var number: Int32 { self.wakeUp.number }

    public func post(_ letter: Letter) {
        let heir = self.state.withLock { state -> (@Sendable (Letter) -> Void)? in
            switch state {
            case .open(var letters):
                state = .open([])
                letters.append(letter)
                state = .open(letters)
                return nil
            case .closed(let heir): return heir
            }
        }
        guard let heir else { return self.wakeUp.signal() }
        heir(letter)
    }

    /// Everything that has come, in order.
    public func take() -> [Letter] {
        self.wakeUp.clear()
        return self.state.withLock { state in
            guard case .open(let letters) = state else { return [] }
            state = .open([])
            return letters
        }
    }

    /// The worker ends: nobody is to wait for it.
    ///
    /// - Parameter heir: gets what it has not taken, and on the thread of who posts it whatever comes from now on.
    public func close(_ heir: @escaping @Sendable (Letter) -> Void) {
        for letter in self.state.withLock({ state -> [Letter] in
            guard case .open(let letters) = state else { return [] }
            state = .closed(heir)
            return letters
        }) { heir(letter) }
    }
}
