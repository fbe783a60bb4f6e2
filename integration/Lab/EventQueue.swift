internal import CLab
internal import Glibc
internal import Linux

// epoll(7) for the parts of the lab that carry load, apart from the reactor that they measure. Unsafe code: each pointer
// made here points into a variable or an array that lives for the whole call, and is not kept by the kernel; of the union in
// `epoll_event` only the number is ever written or read.

/// Waits for many descriptors at once, level-triggered, and for a point in time to the nanosecond. Whoever registers a
/// descriptor closes it only after ``remove(_:)``, or together with the queue.
@safe struct EventQueue: ~Copyable {
    /// What a registered descriptor is ready for.
    struct Event {
        /// What it was registered as.
        let token: Int
        let isWritable: Bool
    }

    private let queue: Descriptor
    private let timer: Descriptor
    private var events: [epoll_event]
    private var count = 0
    /// What the timer is set to, until it has expired.
    private var armedFor: Int64?

    private static let timerToken = UInt64.max

    /// At most `capacity` events are told of at a time; others come with the next ``wait(until:)``.
    init(capacity: Int = 512) throws(SystemError) {
        let queue = Descriptor(owning: try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
        let timer = Descriptor(
            owning: try systemCall("timerfd_create") {
                timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
            })
        try Self.control(queue.number, EPOLL_CTL_ADD, timer.number, EPOLLIN.rawValue, Self.timerToken)
        self.queue = queue
        self.timer = timer
        unsafe self.events = [epoll_event](repeating: epoll_event(), count: capacity)
    }

    /// Tells of `number` as `token` when it is readable or broken, or, if `writing`, when it is writable or broken.
    func add(_ number: Int32, as token: Int, writing: Bool = false) throws(SystemError) {
        try Self.control(self.queue.number, EPOLL_CTL_ADD, number, Self.mask(writing), UInt64(token))
    }

    func change(_ number: Int32, as token: Int, writing: Bool) throws(SystemError) {
        try Self.control(self.queue.number, EPOLL_CTL_MOD, number, Self.mask(writing), UInt64(token))
    }

    func remove(_ number: Int32) throws(SystemError) {
        try Self.control(self.queue.number, EPOLL_CTL_DEL, number, 0, 0)
    }

    /// Waits until something is ready or until `deadline`, in nanoseconds of `CLOCK_MONOTONIC`. How many events there are.
    mutating func wait(until deadline: Int64?) throws(SystemError) -> Int {
        if let deadline, deadline != self.armedFor {
            try self.setTimer(deadline)
            self.armedFor = deadline
        }
        let capacity = unsafe Int32(self.events.count)
        let number = self.queue.number
        let ready = try systemCall("epoll_wait") { unsafe epoll_wait(number, &self.events, capacity, -1) }
        self.count = Int(ready)
        for index in 0..<self.count where unsafe self.events[index].data.u64 == Self.timerToken {
            var expirations: UInt64 = 0
            _ = unsafe read(self.timer.number, &expirations, 8)
            self.armedFor = nil
            unsafe self.events.swapAt(index, self.count - 1)
            self.count -= 1
            break
        }
        return self.count
    }

    /// The events of the last ``wait(until:)``, by place.
    subscript(_ index: Int) -> Event {
        let event = unsafe self.events[index]
        return unsafe Event(token: Int(event.data.u64), isWritable: event.events & EPOLLOUT.rawValue != 0)
    }

    private static func mask(_ writing: Bool) -> UInt32 { writing ? EPOLLOUT.rawValue : EPOLLIN.rawValue }

    private static func control(
        _ queue: Int32, _ operation: Int32, _ number: Int32, _ mask: UInt32, _ token: UInt64
    ) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = mask
        unsafe event.data.u64 = token
        _ = try systemCall("epoll_ctl") { unsafe epoll_ctl(queue, operation, number, &event) }
    }

    private func setTimer(_ deadline: Int64) throws(SystemError) {
        // A value of zero would disarm it.
        let deadline = max(deadline, 1)
        var setting = itimerspec()
        setting.it_value.tv_sec = Int(deadline / 1_000_000_000)
        setting.it_value.tv_nsec = Int(deadline % 1_000_000_000)
        let flags = Int32(TFD_TIMER_ABSTIME)
        _ = try systemCall("timerfd_settime") { unsafe timerfd_settime(self.timer.number, flags, &setting, nil) }
    }
}
