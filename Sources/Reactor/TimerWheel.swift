/// Deadlines by the thousand: a hierarchical timing wheel (Varghese and Lauck, 1987) of four levels with 64 slots.
///
/// A tick is 16 ms, so the levels reach 1 s, 65 s, 70 min and 3 days; a deadline beyond waits in the last slot and is looked at
/// again. Setting and cancelling cost the same whatever the number of timers. A timer never fires early, and late by at
/// most a tick.
///
/// Timers belong to owners that set them again and again (each request gives a connection a new deadline). So a
/// **later** deadline is only written down: the timer fires when it would have, sees the new one and moves on.
public struct TimerWheel: ~Copyable {
    public static let tickMilliseconds: UInt64 = 16
    private static let levels = 4
    private static let slotBits = 6
    private static let slots = 1 << Self.slotBits

    /// One timer, in the list of its slot.
    private struct Node {
        /// In milliseconds; 0 while it is not set.
        var deadline: UInt64 = 0
        /// The tick for which it is in a slot.
        var scheduled: UInt64 = 0
        var previous: Int32 = -1
        var next: Int32 = -1
        /// Which slot of which level; -1 while it is in none. The next free node while the timer is free.
        var slot: Int32 = -1
        var owner: UInt64 = 0
    }

    private var nodes: [Node] = []
    private var freeNode: Int32 = -1
    private var heads: [Int32]
    /// Which slots of a level have timers.
    private var occupied: [UInt64]
    /// The tick up to which everything has fired.
    private var current: UInt64

    /// - Parameter now: milliseconds of the clock that deadlines are told in.
    public init(now: UInt64) {
        self.heads = [Int32](repeating: -1, count: Self.levels * Self.slots)
        self.occupied = [UInt64](repeating: 0, count: Self.levels)
        self.current = now / Self.tickMilliseconds
    }

    /// A timer; not set.
    public mutating func make(owner: UInt64 = 0) -> Int32 {
        if self.freeNode >= 0 {
            let timer = self.freeNode
            self.freeNode = self.nodes[Int(timer)].next
            self.nodes[Int(timer)] = Node(owner: owner)
            return timer
        }
        self.nodes.append(Node(owner: owner))
        return Int32(self.nodes.count - 1)
    }

    /// Whom ``next(now:)`` names when the timer fires.
    public mutating func setOwner(_ timer: Int32, _ owner: UInt64) { self.nodes[Int(timer)].owner = owner }

    /// The timer is given up.
    public mutating func free(_ timer: Int32) {
        self.unlink(timer)
        self.nodes[Int(timer)].deadline = 0
        self.nodes[Int(timer)].next = self.freeNode
        self.freeNode = timer
    }

    /// Sets a timer, or sets it anew.
    public mutating func set(_ timer: Int32, deadline: UInt64) {
        let index = Int(timer)
        self.nodes[index].deadline = deadline
        let tick = (deadline + Self.tickMilliseconds - 1) / Self.tickMilliseconds
        if self.nodes[index].slot >= 0 {
            if self.nodes[index].scheduled <= tick { return }
            self.unlink(timer)
        }
        self.link(timer, tick)
    }

    /// The timer does not fire until it is set again.
    public mutating func clear(_ timer: Int32) { self.nodes[Int(timer)].deadline = 0 }

    public func deadline(_ timer: Int32) -> UInt64? {
        let deadline = self.nodes[Int(timer)].deadline
        return deadline == 0 ? nil : deadline
    }

    /// The owner of a timer whose deadline has passed, and which is no longer set; nil when there is no more.
    public mutating func next(now: UInt64) -> UInt64? {
        let target = now / Self.tickMilliseconds
        while true {
            let slot = Int(self.current & UInt64(Self.slots - 1))
            let timer = self.heads[slot]
            if timer >= 0 {
                self.unlink(timer)
                let node = self.nodes[Int(timer)]
                if node.deadline == 0 { continue }
                if node.deadline > now {
                    self.set(timer, deadline: node.deadline)
                    continue
                }
                self.nodes[Int(timer)].deadline = 0
                return node.owner
            }
            guard self.current < target else { return nil }
            self.advance(to: target)
        }
    }

    /// Milliseconds until something may be due, at most `limit`.
    public func delay(now: UInt64, limit: UInt64) -> UInt64 {
        let tick = now / Self.tickMilliseconds
        guard self.occupied[0] != 0 else {
            // The upper levels come down where a turn of the first begins.
            guard self.occupied.contains(where: { $0 != 0 }) else { return limit }
            let turn = (self.current | UInt64(Self.slots - 1)) + 1
            return Self.delay(from: now, to: turn, limit)
        }
        let base = UInt64(self.current) & UInt64(Self.slots - 1)
        let rotated = self.occupied[0] >> base | (base == 0 ? 0 : self.occupied[0] << (64 - base))
        let due = self.current + UInt64(rotated.trailingZeroBitCount)
        return due <= tick ? 0 : Self.delay(from: now, to: due, limit)
    }

    private static func delay(from now: UInt64, to tick: UInt64, _ limit: UInt64) -> UInt64 {
        let due = tick * Self.tickMilliseconds
        return due <= now ? 0 : min(due - now, limit)
    }

    // MARK: - Slots

    /// Goes to the next tick that has something to do, at most to `target`.
    private mutating func advance(to target: UInt64) {
        let mask = UInt64(Self.slots - 1)
        let position = self.current & mask
        let later = position == mask ? 0 : self.occupied[0] & (~UInt64(0) << (position + 1))
        let turn = (self.current | mask) + 1
        let next = later == 0 ? turn : (self.current & ~mask) + UInt64(later.trailingZeroBitCount)
        self.current = min(next, target)
        if self.current & mask == 0 { self.cascade() }
    }

    /// A turn of a level is over: the next slot of the level above it is spread over it.
    private mutating func cascade() {
        var level = 1
        while level < Self.levels {
            let slot = Int(self.current >> UInt64(level * Self.slotBits)) & (Self.slots - 1)
            var timer = self.heads[level * Self.slots + slot]
            while timer >= 0 {
                let next = self.nodes[Int(timer)].next
                self.unlink(timer)
                if self.nodes[Int(timer)].deadline != 0 {
                    let deadline = self.nodes[Int(timer)].deadline
                    self.link(timer, (deadline + Self.tickMilliseconds - 1) / Self.tickMilliseconds)
                }
                timer = next
            }
            if slot != 0 { return }
            level += 1
        }
    }

    private mutating func link(_ timer: Int32, _ tick: UInt64) {
        let reach = UInt64(1) << UInt64(Self.levels * Self.slotBits)
        // What is due goes where it is looked at first.
        let tick = min(max(tick, self.current), self.current + reach - 1)
        // The level on which the two ticks first differ: there the slot comes up before its turn is over.
        let difference = tick ^ self.current
        let level = difference == 0 ? 0 : min((63 - difference.leadingZeroBitCount) / Self.slotBits, Self.levels - 1)
        let slot = Int(tick >> UInt64(level * Self.slotBits)) & (Self.slots - 1)
        let place = level * Self.slots + slot
        let head = self.heads[place]
        self.nodes[Int(timer)].scheduled = tick
        self.nodes[Int(timer)].slot = Int32(place)
        self.nodes[Int(timer)].previous = -1
        self.nodes[Int(timer)].next = head
        if head >= 0 { self.nodes[Int(head)].previous = timer }
        self.heads[place] = timer
        self.occupied[level] |= 1 << UInt64(slot)
    }

    private mutating func unlink(_ timer: Int32) {
        let node = self.nodes[Int(timer)]
        guard node.slot >= 0 else { return }
        if node.previous >= 0 {
            self.nodes[Int(node.previous)].next = node.next
        } else {
            self.heads[Int(node.slot)] = node.next
            if node.next < 0 {
                self.occupied[Int(node.slot) / Self.slots] &= ~(1 << UInt64(Int(node.slot) % Self.slots))
            }
        }
        if node.next >= 0 { self.nodes[Int(node.next)].previous = node.previous }
        self.nodes[Int(timer)].slot = -1
    }
}
