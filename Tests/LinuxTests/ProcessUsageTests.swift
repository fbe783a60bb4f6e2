import Testing

@testable import Linux

@Suite struct ProcessUsageTests {
    /// Fields 3 to 24 of proc(5).
    private static func stat(name: String) -> String {
        "77 (\(name)) S 1 77 77 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 12345 622845952 6603 18446744073709551615\n"
    }

    @Test(arguments: ["fairlead", "two words", ") S 1 (", ""])
    func theNameOfTheProgramMayHoldAnything(name: String) throws {
        let usage = try #require(ProcessUsage(stat: Self.stat(name: name), ticksPerSecond: 100, pageSize: 4096))
        #expect(usage.cpuSeconds == 3)
        #expect(usage.startedAfterBoot == 123.45)
        #expect(usage.virtualBytes == 622_845_952)
        #expect(usage.residentBytes == 6603 * 4096)
    }

    @Test(arguments: ["", "77", "77 (x) S 1 2", "77 (x) S 1 77 77 0 -1 4194560 900 0 0 0 a b 0 0 20 0 9 0 1 2 3 4"])
    func whatIsNoStatusIsNone(text: String) {
        #expect(ProcessUsage(stat: text, ticksPerSecond: 100, pageSize: 4096) == nil)
    }

    @Test func theNumberAfterALabel() {
        let limits = "Limit      Soft Limit  Hard Limit  Units\nMax open files   1024   524288  files\n"
        #expect(ProcessUsage.value(after: "Max open files ", in: limits) == 1024)
        #expect(ProcessUsage.value(after: "Max processes ", in: limits) == nil)
        #expect(ProcessUsage.value(after: "Max open files ", in: "Max open files unlimited unlimited files") == nil)
    }

    @Test func thisProcessHasUsedSomething() throws {
        let usage = try #require(ProcessUsage.current())
        #expect(usage.residentBytes > 1 << 20)
        #expect(usage.virtualBytes >= usage.residentBytes)
        #expect(try #require(ProcessUsage.openDescriptors()) >= 3)
        #expect(try #require(ProcessUsage.bootTime()) > 0)
    }
}
