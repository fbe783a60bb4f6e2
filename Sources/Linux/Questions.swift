internal import Synchronization

/// Questions for a thread that waits for descriptors: it answers them between its other work.
package final class Questions<Answer: Sendable>: Sendable {
    private let inquiries = Mutex<[Inquiry<Answer>]>([])
    private let wakeUp: WakeUp

    package init() throws(SystemError) { self.wakeUp = try WakeUp() }

    /// Readable as long as there are any.
    package var number: Int32 { self.wakeUp.number }

    /// nil: the thread is busy with something that takes longer, or does not run.
    package func ask(within patience: Duration) -> Answer? {
        guard let inquiry = try? Inquiry<Answer>(of: 1) else { return nil }
        self.inquiries.withLock { $0.append(inquiry) }
        self.wakeUp.signal()
        return inquiry.wait(patience)?.first
    }

    package func answer(_ answer: () -> Answer) {
        self.wakeUp.clear()
        let inquiries = self.inquiries.withLock { inquiries in
            defer { inquiries = [] }
            return inquiries
        }
        for inquiry in inquiries { inquiry.answer(answer()) }
    }
}
