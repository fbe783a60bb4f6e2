internal import Linux
import Synchronization

/// Requests at a steady rate on one HTTP/2 connection, one after the other, from a thread of its own: an innocent
/// client beside others. Each answer has to be 200 and its own.
package final class HTTP2Load: Sendable {
    private let report = Mutex(HTTPLoadReport())
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    /// The connection is there when this returns.
    package init(from host: Host, to target: SocketAddress, authority: String, path: String, rate: Int) throws {
        let conversation = try host.converseByHTTP2(with: target)
        let thread = try OSThread { self.run(conversation, authority, path, interval: .seconds(1) / max(1, rate)) }
        self.thread.withLock { $0 = thread }
    }

    deinit { _ = self.stop() }

    private func run(_ conversation: HTTP2Conversation, _ authority: String, _ path: String, interval: Duration) {
        var due = ContinuousClock.now
        var number = 0
        while !self.isStopped.load(ordering: .acquiring) {
            number += 1
            let target = "\(path)?\(number)"
            let result = Result { try conversation.exchange(HTTP2Request("GET", target, authority: authority)) }
            let latency = ContinuousClock.now - due
            self.report.withLock { report in
                report.sent += 1
                switch result {
                case .success(let response) where response.status == 200 && response.echoed?.target == target:
                    report.answered += 1
                    report.answeredBy[response.backend ?? "", default: 0] += 1
                    report.latencies.append(latency)
                case .success(let response): report.fail("to \(target): \(response)")
                case .failure(let error): report.fail("to \(target): \(error)")
                }
            }
            if case .failure = result { return }
            due = max(due + interval, .now)
            pause(due - .now)
        }
    }

    /// Waits for the last answer, and says what came of all.
    package func stop() -> HTTPLoadReport {
        self.isStopped.store(true, ordering: .releasing)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
        return self.report.withLock { $0 }
    }
}
