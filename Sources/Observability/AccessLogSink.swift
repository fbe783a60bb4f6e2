package import Linux
internal import Synchronization

/// How a line of the access log is written.
package enum AccessLogFormat: String, Hashable, Sendable, CaseIterable {
    /// As nginx' `combined`, with more at its end.
    case text
    /// An object for each request.
    case json
}

/// Where lines of the access log are left, by any thread: whole lines, many at once. Never waits for whoever writes them;
/// what there is no room for is dropped and counted.
package final class AccessLogSink: Sendable {
    /// How long a line may wait with who wrote it until it is left here.
    package static let flushInterval = Duration.seconds(1)
    /// Bytes that wait here at most.
    package static let defaultRoom = 16 << 20

    private struct State {
        var blocks: [[UInt8]] = []
        var bytes = 0
        var droppedLines: UInt64 = 0
    }

    private let state = Mutex(State())
    private let room: Int
    private let wakeUp: WakeUp

    package init(room: Int = AccessLogSink.defaultRoom) throws(SystemError) {
        self.room = room
        self.wakeUp = try WakeUp()
    }

    /// Leaves a block of whole lines, the last one with its line feed.
    package func write(_ block: [UInt8]) {
        guard !block.isEmpty else { return }
        let isFirst = self.state.withLock { state in
            guard state.bytes + block.count <= self.room else {
                state.droppedLines += Self.lines(in: block)
                return false
            }
            state.blocks.append(block)
            state.bytes += block.count
            return state.blocks.count == 1
        }
        if isFirst { self.wakeUp.signal() }
    }

    // MARK: - For the writer

    /// Readable when something has been left.
    var number: Int32 { self.wakeUp.number }

    func take() -> [[UInt8]] {
        self.wakeUp.clear()
        return self.state.withLock { state in
            defer {
                state.blocks = []
                state.bytes = 0
            }
            return state.blocks
        }
    }

    /// Of a block that was taken and cannot be written.
    func drop(_ block: some Sequence<UInt8>) {
        let lines = Self.lines(in: block)
        self.state.withLock { $0.droppedLines += lines }
    }

    /// Lines that nobody will ever read.
    package var droppedLines: UInt64 { self.state.withLock { $0.droppedLines } }

    private static func lines(in block: some Sequence<UInt8>) -> UInt64 {
        block.reduce(0) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    }
}
