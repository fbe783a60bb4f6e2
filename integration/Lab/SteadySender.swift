internal import Glibc
internal import Linux
internal import Networking
import Synchronization

/// A UDP client that keeps its socket and sends every few milliseconds, whatever becomes of it: to
/// conntrack one flow that never ends. Keeps what it was told, and when.
package final class SteadySender: Sendable {
    /// One thing that came back.
    package struct Reply: Sendable {
        package let time: ContinuousClock.Instant
        /// nil if it was a refusal.
        package let answer: Answer?
    }

    package let name: String
    private let socket: Socket
    private let interval: Duration
    private let history = Mutex<[Reply]>([])
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<OSThread?>(nil)

    /// Starts at once. `sourcePort` is one of the host's own address; 0 lets the kernel choose.
    package init(
        from host: Host, to target: SocketAddress, sourcePort: UInt16 = 0, interval: Duration = .milliseconds(5)
    ) throws {
        self.name = "\(host.name) to \(target)"
        self.interval = interval
        self.socket = try host.run {
            let socket = try Socket(.datagram, target.address.family)
            try socket.bind(to: SocketAddress(host.address(target.address.family), sourcePort))
            try socket.connect(to: target)
            return socket
        }
        let thread = try OSThread { [weak self] in
            while let self, !self.isStopped.load(ordering: .relaxed) { self.exchange() }
        }
        self.thread.withLock { $0 = thread }
    }

    /// What came back so far, oldest first.
    package var replies: [Reply] { self.history.withLock { $0 } }

    package var latest: Reply? { self.history.withLock { $0.last } }

    /// Ends the thread; what came back stays.
    package func stop() {
        self.isStopped.store(true, ordering: .relaxed)
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    /// Sends one datagram and listens for as long as the interval.
    private func exchange() {
        let end = ContinuousClock.now + self.interval
        do throws(SystemError) {
            _ = try self.socket.send(Array("hello\n".utf8)[...])
        } catch {
            self.note(error)
        }
        while true {
            let remaining = end - ContinuousClock.now
            guard remaining > .zero else { return }
            guard Readiness.wait(self.socket, writing: false, timeout: remaining) else { continue }
            do throws(SystemError) {
                guard let bytes = try self.socket.receive() else { continue }
                if let answer = Answer(line: String(decoding: bytes, as: UTF8.self)) { self.note(answer) }
            } catch {
                self.note(error)
            }
        }
    }

    private func note(_ answer: Answer?) {
        let reply = Reply(time: .now, answer: answer)
        self.history.withLock { $0.append(reply) }
    }

    /// A packet that our own output hook stopped gives EPERM; a refusal leaves ECONNREFUSED for the next call.
    private func note(_ error: SystemError) {
        if error.number == ECONNREFUSED { self.note(nil) }
    }
}
