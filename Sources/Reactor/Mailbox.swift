public import Linux
internal import Synchronization

/// Letters from other threads to a worker, which wakes up for them. The only thing of a worker that others reach.
public final class Mailbox<Letter: Sendable>: Sendable {
    private let letters = Mutex<[Letter]>([])
    private let wakeUp: WakeUp

    public init() throws(SystemError) { self.wakeUp = try WakeUp() }

    /// To be watched for reading.
    public var number: Int32 { self.wakeUp.number }

    public func post(_ letter: Letter) {
        self.letters.withLock { $0.append(letter) }
        self.wakeUp.signal()
    }

    /// Everything that has come, in order.
    public func take() -> [Letter] {
        self.wakeUp.clear()
        return self.letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}
