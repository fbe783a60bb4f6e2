import KernelDataplane
import Nftables
import Testing

/// When the userspace balancer takes over from the kernel, and back.
@Suite struct DataplaneFallbackTests {
    private static func error(_ number: Int32, _ code: NftablesError.Code = .refused) -> NftablesError {
        NftablesError(code, number: number, subject: "table inet fairlead", reason: "no")
    }

    /// Holds one, so that what it answers can be asked in an expectation.
    private final class Holder {
        var fallback: DataplaneFallback

        init(_ choice: DataplaneChoice) { self.fallback = DataplaneFallback(choice) }

        var mode: DataplaneMode { self.fallback.mode }
        func failed(_ error: NftablesError, isFull: Bool) -> Bool { self.fallback.failed(error, isFull: isFull) }
        func succeeded() -> Bool { self.fallback.succeeded() }
    }

    @Test(arguments: DataplaneChoice.allCases)
    func whoServesAtTheStart(choice: DataplaneChoice) {
        let fallback = DataplaneFallback(choice)
        #expect(fallback.mode == (choice == .userspace ? .userspace(reason: nil) : .nftables))
        #expect(fallback.usesKernel == (choice != .userspace))
    }

    /// What would be refused a moment later as well needs no second try.
    @Test(
        arguments: [
            (1, true, true), (1, false, true),  // EPERM
            (13, false, true),  // EACCES
            (93, true, true),  // EPROTONOSUPPORT
            (95, true, true), (95, false, true),  // EOPNOTSUPP
            (97, true, true),  // EAFNOSUPPORT
            (2, true, true), (2, false, false),  // ENOENT: a table that somebody has taken away is made anew
            (17, true, false),  // EEXIST
            (12, true, false),  // ENOMEM
            (105, true, false),  // ENOBUFS
        ] as [(Int32, Bool, Bool)])
    func someFailuresAreFinal(number: Int32, isFull: Bool, isFinal: Bool) {
        let fallback = Holder(.auto)
        #expect(fallback.failed(Self.error(number), isFull: isFull) == isFinal)
        #expect((fallback.mode != .nftables) == isFinal)
    }

    @Test func failuresInARowAddUp() {
        let fallback = Holder(.auto)
        for _ in 1..<DataplaneFallback.failuresInARow { #expect(!fallback.failed(Self.error(12), isFull: true)) }
        #expect(!fallback.succeeded())
        for _ in 1..<DataplaneFallback.failuresInARow { #expect(!fallback.failed(Self.error(12), isFull: true)) }
        #expect(fallback.failed(Self.error(12), isFull: true))
        #expect(fallback.mode == .userspace(reason: "table inet fairlead: no"))
        // Taking over is once.
        #expect(!fallback.failed(Self.error(1), isFull: true))
        #expect(fallback.succeeded())
        #expect(fallback.mode == .nftables)
        #expect(!fallback.succeeded())
    }

    /// Who commits all the time keeps nobody from programming for ever.
    @Test func aRaceIsNoFailureOfTheKernel() {
        let fallback = Holder(.auto)
        for _ in 0..<20 { #expect(!fallback.failed(Self.error(85, .changedMeanwhile), isFull: true)) }
    }

    @Test(arguments: [DataplaneChoice.nftables, .userspace])
    func whoHasChosenHasChosen(choice: DataplaneChoice) {
        let fallback = Holder(choice)
        let mode = fallback.mode
        for _ in 0..<20 { #expect(!fallback.failed(Self.error(1, .notPermitted), isFull: true)) }
        #expect(!fallback.succeeded())
        #expect(fallback.mode == mode)
    }
}
