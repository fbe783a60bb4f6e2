import Lab
import Testing

@testable import Reactor

/// An element that says when it is freed.
struct Probe: ~Copyable {
    final class Tally {
        /// How often each has been freed.
        var freed: [Int: Int] = [:]
    }

    let number: Int
    var changes = 0
    let tally: Tally

    init(_ number: Int, _ tally: Tally) {
        self.number = number
        self.tally = tally
    }

    deinit { self.tally.freed[self.number, default: 0] += 1 }
}

/// Unsafe invariant of this file: an address is used for the access that it was asked for.
extension Slab where Element == Probe {
    subscript(handle: Handle) -> Probe {
        unsafeAddress { unsafe UnsafePointer(self.places.address(of: handle).assumingMemoryBound(to: Probe.self)) }
        unsafeMutableAddress { unsafe self.places.address(of: handle).assumingMemoryBound(to: Probe.self) }
    }

    func address(_ handle: Handle) -> Int { unsafe Int(bitPattern: self.places.address(of: handle)) }
}

@Suite struct SlabTests {
    /// Against a dictionary.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func `elements come and go, and each handle names its own alone`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let tally = Probe.Tally()
        var inserted = 0
        var removed: Set<Int> = []
        do {
            var slab = Slab<Probe>()
            var model: [Handle: (number: Int, changes: Int, address: Int)] = [:]
            var stale: [Handle] = []
            for step in 0..<6_000 {
                // Grows, shrinks, grows.
                let grows = step / 1_500 % 2 == 0
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<(grows ? 7 : 2):
                    let handle = slab.insert(Probe(inserted, tally))
                    #expect(!handle.isNone && model[handle] == nil)
                    model[handle] = (inserted, 0, slab.address(handle))
                    inserted += 1
                case 9:
                    guard let (handle, known) = model.randomElement(using: &random) else { continue }
                    slab[handle].changes += 1
                    model[handle] = (known.number, known.changes + 1, known.address)
                default:
                    guard let (handle, known) = model.randomElement(using: &random) else { continue }
                    let probe = slab.remove(handle)
                    #expect(probe.number == known.number && probe.changes == known.changes)
                    #expect(tally.freed[known.number] == nil, "whoever removes it owns it")
                    model[handle] = nil
                    stale.append(handle)
                    removed.insert(known.number)
                }
                #expect(slab.count == model.count)
                if let old = stale.randomElement(using: &random) {
                    #expect(slab.contains(old) == false)
                    #expect(slab.handle(token: old.token(kind: 3)) == nil)
                }
                if let (handle, known) = model.randomElement(using: &random) {
                    #expect(slab.contains(handle) == true)
                    #expect(slab.handle(token: handle.token(kind: UInt8(truncatingIfNeeded: step))) == handle)
                    #expect(slab[handle].number == known.number && slab[handle].changes == known.changes)
                    #expect(slab.address(handle) == known.address, "growing moves nothing")
                    #expect(known.address % 64 == 0 || MemoryLayout<Probe>.stride % 64 != 0)
                }
            }
            // Walking over the positions meets each element once.
            var met: Set<Handle> = []
            for position in 0..<slab.positions {
                if let handle = slab.handle(at: position) { #expect(met.insert(handle).inserted) }
            }
            #expect(met == Set(model.keys))
            #expect(slab.handle(at: slab.positions) == nil)
            #expect(Set(tally.freed.keys) == removed, "what is in it lives")
        }
        // Gone with the slab, once each.
        #expect(tally.freed.count == inserted)
        #expect(tally.freed.values.allSatisfy { $0 == 1 })
    }

    @Test func `a place is used again under another name`() {
        let tally = Probe.Tally()
        var slab = Slab<Probe>()
        let first = slab.insert(Probe(1, tally))
        let address = slab.address(first)
        _ = slab.remove(first)
        let second = slab.insert(Probe(2, tally))
        #expect(slab.address(second) == address)
        #expect(first != second)
        #expect(slab.contains(first) == false)
        #expect(slab.contains(second) == true)
        #expect(first.token(kind: 1) != second.token(kind: 1))
        #expect(slab.handle(token: first.token(kind: 1)) == nil)
        #expect(slab.handle(token: second.token(kind: 1)) == second)
        #expect(slab.handle(at: 0) == second)
    }

    @Test func `no handle names nothing`() {
        let tally = Probe.Tally()
        var slab = Slab<Probe>()
        #expect(Handle.none.isNone)
        #expect(slab.contains(.none) == false)
        #expect(slab.handle(token: Handle.none.token(kind: 3)) == nil)
        let handle = slab.insert(Probe(0, tally))
        #expect(!handle.isNone)
        #expect(slab.contains(.none) == false)
        #expect(slab.handle(token: Handle.none.token(kind: 3)) == nil)
        // Another slab's, and places that there are not.
        let empty = Slab<Probe>()
        #expect(empty.contains(handle) == false)
        #expect(empty.handle(token: handle.token(kind: 3)) == nil)
        #expect(slab.handle(token: handle.token(kind: 3) | 0xffff_ffff) == nil)
        #expect(slab.handle(at: 63) == nil && slab.handle(at: 64) == nil)
    }

    @Test func `a token has its kind in the upper byte and is its own for each element`() {
        let tally = Probe.Tally()
        var slab = Slab<Probe>()
        var tokens: Set<UInt64> = []
        for number in 0..<200 {
            let token = slab.insert(Probe(number, tally)).token(kind: 0xab)
            #expect(token >> 56 == 0xab)
            #expect(tokens.insert(token).inserted)
        }
    }

    @Test func `an element that is not there cannot be reached`() async {
        await #expect(processExitsWith: .failure) {
            var slab = Slab<Probe>()
            let handle = slab.insert(Probe(0, Probe.Tally()))
            _ = slab.remove(handle)
            _ = slab.remove(handle)
        }
        await #expect(processExitsWith: .failure) {
            var slab = Slab<Probe>()
            let handle = slab.insert(Probe(0, Probe.Tally()))
            _ = slab.remove(handle)
            _ = slab.insert(Probe(1, Probe.Tally()))
            slab[handle].changes = 1
        }
        await #expect(processExitsWith: .failure) {
            let slab = Slab<Probe>()
            _ = slab[.none].changes
        }
    }
}
