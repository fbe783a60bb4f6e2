import Glibc
import Linux
import Networking
import Testing

@Suite struct LinuxTests {
    @Test func aFailedCallSaysWhichAndOnWhat() {
        let error = #expect(throws: SystemError.self) { _ = try Descriptor.open("/no/such/file", flags: 0) }
        #expect(error?.number == 2)
        #expect(error?.description == "open /no/such/file: No such file or directory")
    }

    @Test func readingStopsAtTheLimit() throws {
        let file = try Descriptor.open("/proc/self/status", flags: 0)
        #expect(throws: SystemError.self) { try file.readToEnd(limit: 10) }
        let again = try Descriptor.open("/proc/self/status", flags: 0)
        #expect(try again.readToEnd(limit: 1 << 20).count > 100)
    }

    /// A child with a copy of a socket would keep its port taken, and its connection open.
    @Test func aProgramInheritsNoDescriptors() throws {
        let file = try Descriptor.open("/proc/self/status", flags: 0)
        // A duplicate is without close-on-exec.
        let duplicate = Descriptor(owning: dup(file.number))
        let listing = try ChildProcess.run(["ls", "-l", "/proc/self/fd"])
        #expect(listing.succeeded)
        #expect(!listing.output.contains("/status"), "\(listing.output)")
        withExtendedLifetime(duplicate.number) {}
    }

    @Test func aWakeUpWakesUntilItIsCleared() throws {
        let wakeUp = try WakeUp()
        #expect(try Poller.wait(readable: [wakeUp.number], timeout: .zero) == [])
        wakeUp.signal()
        wakeUp.signal()
        #expect(try Poller.wait(readable: [wakeUp.number], timeout: .seconds(5)) == [wakeUp.number])
        wakeUp.clear()
        #expect(try Poller.wait(readable: [wakeUp.number], timeout: .milliseconds(1)) == [])
    }

    @Test func aWaitLastsAtLeastAsLongAsItSays() throws {
        let wakeUp = try WakeUp()
        let clock = ContinuousClock()
        let took = try clock.measure { _ = try Poller.wait(readable: [wakeUp.number], timeout: .microseconds(1500)) }
        #expect(took >= .microseconds(1500))
    }

    @Test func aLockIsTakenOnceAndNamesItsHolder() throws {
        let name = "fairlead-test/\(WallClock.now().nanoseconds)"
        do {
            let lock = try InstanceLock.take(name)
            let taken = #expect(throws: InstanceLock.Taken.self) { _ = try InstanceLock.take(name) }
            #expect(taken?.process.map { $0 > 1 } == true)
            #expect(taken?.command.isEmpty == false)
            withExtendedLifetime(lock) {}
        }
        // Gone with its holder.
        _ = try InstanceLock.take(name)
    }

    @Test func theHostKnowsItself() throws {
        #expect(try HostAddresses.all().contains(IPAddress(127, 0, 0, 1)))
        #expect(!HostSystem.name.isEmpty)
        #expect(HostSystem.name == HostSystem.name.lowercased())
        #expect(HostSystem.setting("kernel.ostype") == "Linux")
        #expect(HostSystem.setting("no.such.setting") == nil)
    }

    @Test func aWorkerReturnsWhatItsBodyDoes() async throws {
        #expect(try await WorkerThread.run(name: "test") { 6 * 7 } == 42)
    }
}
