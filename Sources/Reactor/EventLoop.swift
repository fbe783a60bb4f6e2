// Reactor: what a worker thread of the request path is made of. An epoll loop, sockets, places for connections,
// timers, a mailbox. Nothing in it is shared between threads but the mailbox, and nothing of it allocates, locks or
// counts references for an event.
//
// A worker is a value on its thread's stack that has an ``EventLoop`` beside its ``Slab``s; the loop tells events by
// tokens, the worker knows what they stand for.
internal import CReactor
public import Linux

/// What epoll says about a descriptor. Edge-triggered: it is said once, when it becomes so.
@frozen
public struct Readiness: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// EPOLLIN
    public static let readable = Readiness(rawValue: 0x001)
    /// EPOLLOUT
    public static let writable = Readiness(rawValue: 0x004)
    /// EPOLLERR
    public static let broken = Readiness(rawValue: 0x008)
    /// EPOLLHUP: closed in both directions.
    public static let hungUp = Readiness(rawValue: 0x010)
    /// EPOLLRDHUP: the peer sends no more.
    public static let peerClosed = Readiness(rawValue: 0x2000)
    /// There is something to read, be it the end or an error.
    @inlinable public var canRead: Bool { self.rawValue & 0x2019 != 0 }
    /// Writing can go on, or would fail.
    @inlinable public var canWrite: Bool { self.rawValue & 0x1c != 0 }
    /// The peer sends no more, or is gone.
    @inlinable public var isEnd: Bool { self.rawValue & 0x2018 != 0 }
    /// Reset: there is nobody to talk to.
    @inlinable public var isReset: Bool { self.rawValue & 0x8 != 0 }

    /// EPOLLET
    static let edgeTriggered = Readiness(rawValue: 1 << 31)
}

/// One `epoll(7)` instance and the events it gave last.
///
/// **Unsafe, and why it is right.** `events` has room for `capacity` events, is owned by this value alone and read only
/// below the count that the kernel returned.
@safe
public struct EventLoop: ~Copyable {
    private let epoll: Descriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int32
    /// How many events the last ``wait(milliseconds:)`` found.
    public private(set) var count = 0
    /// Milliseconds of the monotonic clock at the end of the last wait. Good enough for every timeout here.
    public private(set) var now: UInt64

    /// - Parameter capacity: events taken at once.
    public init(capacity: Int = 256) throws(SystemError) {
        self.epoll = Descriptor(owning: try Outcome.check("epoll_create", fairlead_epoll_create()))
        unsafe self.events = .allocate(capacity: capacity)
        self.capacity = Int32(capacity)
        self.now = fairlead_milliseconds()
    }

    deinit { unsafe self.events.deallocate() }

    /// Waits until something happens, at most so long.
    public mutating func wait(milliseconds: UInt64) {
        let timeout = Int32(clamping: milliseconds)
        let count = unsafe fairlead_epoll_wait(self.epoll.number, self.events, self.capacity, timeout)
        precondition(count >= 0, "epoll_wait: \(SystemError.text(of: -count))")
        self.count = Int(count)
        self.now = fairlead_milliseconds()
    }

    /// One of the events of the last wait.
    @inline(__always)
    public func event(_ index: Int) -> (token: UInt64, readiness: Readiness) {
        precondition(index >= 0 && index < self.count)
        return unsafe (
            fairlead_event_token(self.events, Int32(index)),
            Readiness(rawValue: fairlead_event_flags(self.events, Int32(index)))
        )
    }

    /// Everything that ever happens to a connection, from now on and edge-triggered: one call for its whole life.
    public func watch(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        let all = Readiness.readable.union(.writable).union(.peerClosed).union(.edgeTriggered)
        _ = try Outcome.check("epoll_ctl", fairlead_epoll_add(self.epoll.number, descriptor, all.rawValue, token))
    }

    /// A listener or a wake-up: told as long as there is something to read.
    public func watchReading(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        let events = Readiness.readable
        _ = try Outcome.check("epoll_ctl", fairlead_epoll_add(self.epoll.number, descriptor, events.rawValue, token))
    }

    /// A datagram socket: told, edge-triggered, when something has come. Whether it can be written to is not asked: it mostly can, and
    /// each datagram that has left it would be told of.
    public func watchArrivals(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        let events = Readiness.readable.union(.edgeTriggered)
        _ = try Outcome.check("epoll_ctl", fairlead_epoll_add(self.epoll.number, descriptor, events.rawValue, token))
    }

    /// What is watched for arrivals is told once more, if there is something to read.
    public func remindOfArrivals(_ descriptor: Int32, token: UInt64) {
        let events = Readiness.readable.union(.edgeTriggered)
        _ = fairlead_epoll_change(self.epoll.number, descriptor, events.rawValue, token)
    }

    /// The number that the next descriptor of this process will have: the lowest that is free. nil if none is left.
    public var nextDescriptor: Int32? {
        let number = fairlead_next_descriptor(self.epoll.number)
        return number < 0 ? nil : number
    }

    public func unwatch(_ descriptor: Int32) { _ = fairlead_epoll_remove(self.epoll.number, descriptor) }
}

/// The clocks of the request path.
public enum MonotonicClock {
    /// The clock of ``EventLoop/now``.
    public static var milliseconds: UInt64 { fairlead_milliseconds() }
    public static var microseconds: UInt64 { fairlead_microseconds() }
}

/// What a call of CReactor gave, which is -errno on failure.
enum Outcome {
    static func check(_ call: String, _ result: Int32, _ subject: String = "") throws(SystemError) -> Int32 {
        guard result < 0 else { return result }
        throw SystemError(number: -result, call: call, subject: subject)
    }
}
