internal import Synchronization

/// A question to other threads, and what they answer: each of those who are asked once.
package final class Inquiry<Answer: Sendable>: Sendable {
    private struct State {
        var missing: Int
        var answers: [Answer] = []
    }

    private let state: Mutex<State>
    private let answered: WakeUp

    /// - Parameter count: how many are asked.
    package init(of count: Int) throws(SystemError) {
        self.state = Mutex(State(missing: count))
        self.answered = try WakeUp()
    }

    package func answer(_ answer: Answer) {
        let isComplete = self.state.withLock { state in
            state.missing -= 1
            state.answers.append(answer)
            return state.missing == 0
        }
        if isComplete { self.answered.signal() }
    }

    /// In the order in which they came; nil if not all have answered in that time: they are busy, or do not run.
    package func wait(_ timeout: Duration) -> [Answer]? {
        _ = try? Poller.wait(readable: [self.answered.number], timeout: timeout)
        return self.state.withLock { $0.missing == 0 ? $0.answers : nil }
    }
}
