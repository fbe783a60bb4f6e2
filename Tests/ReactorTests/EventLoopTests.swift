import Bytes
import Linux
import Reactor
import Testing

@Suite struct EventLoopTests {
    @Test func `readiness is told once, when it becomes so`() throws {
        var wire = try Wire()
        var input = ByteBuffer(capacity: 64)
        #expect(wire.events(within: 20) == [:], "what was told is not told again")
        #expect(wire.near.send(ByteBuffer("hello")).count == 5)
        #expect(wire.told(Wire.far, .readable).canRead)
        #expect(wire.events(within: 20) == [:], "not read, and not told again")
        // More comes on top of what nobody read.
        #expect(wire.near.send(ByteBuffer(" world")).count == 6)
        #expect(wire.told(Wire.far, .readable).canRead)
        #expect(wire.far.receive(into: &input).count == 11)
        #expect(wire.far.receive(into: &input).isBlocked)
        #expect(input.text == "hello world")
        // Read to the end, the next byte is told.
        #expect(wire.near.send(ByteBuffer("!")).count == 1)
        #expect(wire.told(Wire.far, .readable).canRead)
    }

    @Test func `the end of what a peer sends is told, and the other direction goes on`() throws {
        var wire = try Wire()
        wire.near.finishWriting()
        let told = wire.told(Wire.far, .peerClosed)
        #expect(told.isEnd && told.canRead && told.canWrite && !told.isReset)
        var input = ByteBuffer(capacity: 8)
        #expect(wire.far.receive(into: &input).hasEnded)
        #expect(wire.far.send(ByteBuffer("late")).count == 4)
        #expect(wire.told(Wire.near, .readable).canRead)
        #expect(wire.near.receive(into: &input).count == 4)
        wire.far.finishWriting()
        let gone = wire.told(Wire.near, .hungUp)
        #expect(!gone.isReset && gone.isEnd && gone.canRead)
    }

    @Test func `a reset is told, and met by reading`() throws {
        var wire = try Wire()
        wire.closesNear = false
        wire.near.reset()
        let told = wire.told(Wire.far, .broken)
        #expect(told.isReset && told.canRead && told.canWrite)
        var input = ByteBuffer(capacity: 8)
        #expect(wire.far.receive(into: &input).errno == 104, "ECONNRESET")
        // And by writing, which raises no signal.
        #expect(wire.far.send(ByteBuffer("x")).errno == 32, "EPIPE")
    }

    @Test func `watched for reading alone, it is told for as long as it is so`() throws {
        var loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        try loop.watchReading(mailbox.number, token: 77)
        loop.wait(milliseconds: 0)
        #expect(loop.told == [:])
        mailbox.post(1)
        for _ in 0..<3 {
            loop.wait(milliseconds: 5_000)
            #expect(loop.told == [77: .readable])
        }
        _ = mailbox.take()
        loop.wait(milliseconds: 0)
        #expect(loop.told == [:])
        mailbox.post(2)
        loop.unwatch(mailbox.number)
        loop.wait(milliseconds: 20)
        #expect(loop.told == [:], "unwatched")
    }

    @Test func `more than it takes at once is told with the next waits`() throws {
        var loop = try EventLoop(capacity: 2)
        let mailboxes = try (0..<5).map { _ in try Mailbox<Int>() }
        for (index, mailbox) in mailboxes.enumerated() {
            try loop.watchReading(mailbox.number, token: UInt64(index))
            mailbox.post(index)
        }
        var told: Set<UInt64> = []
        for _ in 0..<10 where told.count < 5 {
            loop.wait(milliseconds: 5_000)
            #expect(loop.count <= 2)
            for token in loop.told.keys {
                told.insert(token)
                _ = mailboxes[Int(token)].take()
            }
        }
        #expect(told == [0, 1, 2, 3, 4])
    }

    @Test func `tokens of 64 bits come back as they were given`() throws {
        var loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        try loop.watchReading(mailbox.number, token: 0xfedc_ba98_7654_3210)
        mailbox.post(1)
        loop.wait(milliseconds: 5_000)
        #expect(loop.count == 1)
        #expect(loop.event(0).token == 0xfedc_ba98_7654_3210)
    }

    @Test func `a wait ends after its time, and the loop's clock is that of the end`() throws {
        var loop = try EventLoop()
        let before = MonotonicClock.milliseconds
        #expect(loop.now <= before)
        loop.wait(milliseconds: 30)
        #expect(loop.count == 0)
        // The kernel's time-outs and the clock round differently.
        #expect(loop.now >= before + 29)
        #expect(loop.now <= MonotonicClock.milliseconds)
        #expect(MonotonicClock.microseconds / 1_000 >= loop.now)
    }

    @Test func `what cannot be watched is said`() throws {
        let loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        try loop.watchReading(mailbox.number, token: 1)
        let twice = #expect(throws: SystemError.self) { try loop.watchReading(mailbox.number, token: 2) }
        #expect(twice?.number == 17 && twice?.call == "epoll_ctl", "EEXIST")
        let none = #expect(throws: SystemError.self) { try loop.watch(-1, token: 2) }
        #expect(none?.number == 9, "EBADF")
    }

    @Test(
        arguments: [
            (0x1, true, false, false, false), (0x4, false, true, false, false), (0x8, true, true, true, true),
            (0x10, true, true, true, false), (0x2000, true, false, true, false), (0x2001, true, false, true, false),
            (0x5, true, true, false, false), (0, false, false, false, false),
        ] as [(UInt32, Bool, Bool, Bool, Bool)])
    func `what readiness means`(raw: UInt32, canRead: Bool, canWrite: Bool, isEnd: Bool, isReset: Bool) {
        let readiness = Readiness(rawValue: raw)
        #expect(readiness.canRead == canRead)
        #expect(readiness.canWrite == canWrite)
        #expect(readiness.isEnd == isEnd)
        #expect(readiness.isReset == isReset)
    }
}
