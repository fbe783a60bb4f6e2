internal import CLinux
internal import Glibc

/// An `eventfd(2)`: wakes a thread that waits in ``Poller``. Signals coalesce.
public final class WakeUp: Sendable {
    private let descriptor: Descriptor

    public init() throws(SystemError) {
        self.descriptor = Descriptor(owning: try systemCall("eventfd") { fairlead_eventfd() })
    }

    /// To be waited on for reading.
    public var number: Int32 { self.descriptor.number }

    public func signal() {
        var one: UInt64 = 1
        // EAGAIN: the counter is full, so the waiter is awake anyway.
        _ = unsafe Glibc.write(self.descriptor.number, &one, 8)
    }

    /// Takes back all signals so far.
    public func clear() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(self.descriptor.number, &count, 8)
    }
}

/// Waits for several descriptors at once with `poll(2)`. For control threads with a handful of
/// descriptors; the request path has its reactor.
public enum Poller {
    /// Which of `descriptors` are readable (or broken); empty after `timeout`. nil waits for ever.
    public static func wait(readable descriptors: [Int32], timeout: Duration?) throws(SystemError) -> [Int32] {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = entries.count
        let milliseconds = timeout.map(Self.milliseconds) ?? -1
        do throws(SystemError) {
            _ = try systemCallOnce("poll") { unsafe poll(&entries, nfds_t(count), milliseconds) }
        } catch  where error.number == EINTR {
            return []
        }
        return entries.filter { $0.revents != 0 }.map(\.fd)
    }

    /// Waits until something can be written to `descriptor`, or it is broken; false if `other` becomes readable first,
    /// or after `timeout`. nil waits for ever.
    package static func wait(
        writable descriptor: Int32, unless other: Int32?, timeout: Duration?
    ) throws(SystemError) -> Bool {
        var entries = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        if let other { entries.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0)) }
        let count = entries.count
        let milliseconds = timeout.map(Self.milliseconds) ?? -1
        _ = try systemCall("poll") { unsafe poll(&entries, nfds_t(count), milliseconds) }
        return entries[0].revents != 0
    }

    /// Rounded up, so that a deadline has passed when the wait ends.
    private static func milliseconds(_ duration: Duration) -> Int32 {
        guard duration > .zero else { return 0 }
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: milliseconds)
    }

    private static func systemCallOnce(_ call: String, _ body: () -> Int32) throws(SystemError) -> Int32 {
        let result = body()
        guard result == -1 else { return result }
        throw SystemError(number: errno, call: call)
    }
}
