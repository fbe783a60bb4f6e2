import Lab
import Networking
import ServiceModel
import TestSupport
import Testing

@Suite struct RendezvousHashingTests {
    private static func backends(_ numbers: some Sequence<Int>, weight: (Int) -> Int = { _ in 1 }) -> [WeightedBackend]
    {
        numbers.map { WeightedBackend(Backend(Make.ip("10.244.0.\($0)"), 8080), weight: weight($0)) }
    }

    private static func shares(_ table: [Backend]) -> [Backend: Int] {
        Dictionary(table.map { ($0, 1) }, uniquingKeysWith: +)
    }

    @Test func everyPlaceIsTaken() {
        #expect(RendezvousHashing.table([], size: 64).isEmpty)
        #expect(Set(RendezvousHashing.table(Self.backends(1...1), size: 64)).count == 1)
        #expect(RendezvousHashing.table(Self.backends(1...3), size: 64).count == 64)
    }

    @Test(arguments: [64, 4096])
    func oneThatGoesGivesUpItsOwnPlacesOnly(size: Int) {
        let all = RendezvousHashing.table(Self.backends(1...10), size: size)
        for gone in 1...10 {
            let lost = Backend(Make.ip("10.244.0.\(gone)"), 8080)
            let rest = RendezvousHashing.table(Self.backends((1...10).filter { $0 != gone }), size: size)
            for (before, after) in zip(all, rest) where before != lost { #expect(before == after) }
            #expect(!rest.contains(lost))
        }
    }

    @Test func oneThatComesOnlyTakes() {
        let (before, after) = (
            RendezvousHashing.table(Self.backends(1...10), size: 4096),
            RendezvousHashing.table(Self.backends(1...11), size: 4096)
        )
        let new = Backend(Make.ip("10.244.0.11"), 8080)
        #expect(zip(before, after).allSatisfy { $0 == $1 || $1 == new })
        // It takes from all of them.
        #expect(Set(zip(before, after).filter { $1 == new }.map(\.0)).count == 10)
    }

    /// A share is binomial: within four standard deviations of what it should be, for several sets of endpoints.
    @Test(arguments: [2, 10, 100])
    func sharesAreEven(count: Int) {
        let size = 4096
        let chance = 1.0 / Double(count)
        let deviation = (Double(size) * chance * (1 - chance)).squareRoot()
        let shares = Self.shares(RendezvousHashing.table(Self.backends(1...count), size: size))
        #expect(shares.count == count)
        for share in shares.values { #expect(abs(Double(share) - Double(size) * chance) < 4 * deviation) }
    }

    @Test func weightsAreShares() {
        let size = 4096
        let table = RendezvousHashing.table(Self.backends(1...2) { $0 == 1 ? 3 : 1 }, size: size)
        let heavy = Self.shares(table)[Backend(Make.ip("10.244.0.1"), 8080)] ?? 0
        let deviation = (Double(size) * 0.75 * 0.25).squareRoot()
        #expect(abs(Double(heavy) - 0.75 * Double(size)) < 4 * deviation)
        // A weight that grows only takes.
        let more = RendezvousHashing.table(Self.backends(1...2) { $0 == 1 ? 4 : 1 }, size: size)
        let gaining = Backend(Make.ip("10.244.0.1"), 8080)
        #expect(zip(table, more).allSatisfy { $0 == $1 || $1 == gaining })
    }

    /// All nodes make the same table, in whichever order they learned of endpoints.
    @Test func orderDoesNotMatter() {
        var random = SeededGenerator(seed: 3)
        let backends = Self.backends(1...20) { 1 + $0 % 3 }
        let table = RendezvousHashing.table(backends, size: 512)
        for _ in 0..<5 {
            #expect(RendezvousHashing.table(backends.shuffled(using: &random), size: 512) == table)
        }
        let ports = [WeightedBackend(Backend(Make.ip("fd00::1"), 1)), WeightedBackend(Backend(Make.ip("fd00::1"), 2))]
        #expect(Set(RendezvousHashing.table(ports, size: 512)).count == 2, "ports of one address are two")
        #expect(RendezvousHashing.table(ports, size: 512) == RendezvousHashing.table(ports.reversed(), size: 512))
    }
}
