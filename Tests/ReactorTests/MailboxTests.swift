import Linux
import Reactor
import Synchronization
import Testing

@Suite struct MailboxTests {
    @Test func `letters come in the order in which they were posted, once`() throws {
        let mailbox = try Mailbox<String>()
        #expect(mailbox.take() == [])
        for letter in ["a", "b", "c"] { mailbox.post(letter) }
        #expect(mailbox.take() == ["a", "b", "c"])
        #expect(mailbox.take() == [])
        mailbox.post("d")
        #expect(mailbox.take() == ["d"])
    }

    @Test func `what a worker has not read when it ends, and what comes later, is answered for it`() throws {
        let mailbox = try Mailbox<String>()
        let answered = Mutex<[String]>([])
        mailbox.post("read")
        #expect(mailbox.take() == ["read"])
        mailbox.post("left")
        mailbox.close { letter in answered.withLock { $0.append(letter) } }
        mailbox.post("late")
        #expect(answered.withLock { $0 } == ["left", "late"])
        #expect(mailbox.take() == [])
    }

    /// As workers do it: wait, take, wait. A letter that wakes nobody would be waited for until the test's time is over.
    @Test func `no letter of any thread is lost or left lying`() async throws {
        let mailbox = try Mailbox<[Int]>()
        let (senders, letters) = (3, 2_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<senders {
                group.addTask {
                    try await WorkerThread.run(name: "sender") {
                        for number in 0..<letters { mailbox.post([sender, number]) }
                    }
                }
            }
            group.addTask {
                let (order, isComplete) = try await WorkerThread.run(name: "receiver") { () -> ([[Int]], Bool) in
                    var order = [[Int]](repeating: [], count: senders)
                    guard var loop = try? EventLoop(), (try? loop.watchReading(mailbox.number, token: 1)) != nil else {
                        return (order, false)
                    }
                    var taken = 0
                    while taken < senders * letters {
                        loop.wait(milliseconds: 20_000)
                        guard loop.count > 0 else { return (order, false) }
                        for letter in mailbox.take() {
                            order[letter[0]].append(letter[1])
                            taken += 1
                        }
                    }
                    return (order, true)
                }
                #expect(isComplete)
                for numbers in order { #expect(numbers == Array(0..<letters)) }
            }
            try await group.waitForAll()
        }
        #expect(mailbox.take() == [])
    }
}

@Suite struct ProcessorsTests {
    @Test func `there is at least one, and each is there once`() {
        let usable = Processors.usable
        #expect(!usable.isEmpty)
        #expect(usable == Set(usable).sorted())
    }

    @Test func `a thread is kept where it is put, and others are not`() async throws {
        let usable = Processors.usable
        for processor in usable.prefix(4) {
            let kept = try await WorkerThread.run(name: "pinned") {
                Processors.pin(to: processor) ? Processors.usable : []
            }
            #expect(kept == [processor])
        }
        let fresh = try await WorkerThread.run(name: "free") { Processors.usable }
        #expect(fresh == usable)
    }

    @Test func `a processor that there is not is refused`() async throws {
        let outcome = try await WorkerThread.run(name: "pinned") {
            [Processors.pin(to: 1_000_000), Processors.pin(to: 1_000), Processors.pin(to: -1)]
        }
        #expect(outcome == [false, false, false])
    }
}
