import Balancing
import Networking
import Testing

@Suite struct SessionTests {
    /// That of number 0.
    private static func cookie(_ set: borrowing EndpointSet) throws -> AffinityValue {
        guard let cookie = set.affinityValue(set.slot(0)) else { throw Missing() }
        return cookie
    }

    @Test func `a session stays, with its cookie, until its endpoint leaves`() throws {
        var set = EndpointSet(endpoints(0..<10))
        let first = set.pick(session: nil, at: 1)
        let cookie = try #require(first.cookie)
        guard case .slot(let slot) = first.outcome else { throw Missing() }
        #expect(cookie == set.affinityValue(slot))
        for _ in 0..<100 {
            #expect(set.pick(session: cookie, at: 1) == SessionPick(.slot(slot)), "no new cookie")
        }
        let number = set.number(first.outcome)
        _ = set.update(to: endpoints((0..<20).filter { $0 != number }))
        let second = set.pick(session: cookie, at: 1)
        #expect(set.number(second.outcome) != number && second.outcome != first.outcome)
        guard case .slot(let other) = second.outcome else { throw Missing() }
        #expect(second.cookie == set.affinityValue(other) && second.cookie != cookie)
        // It comes back, under the same name.
        _ = set.update(to: endpoints(0..<20))
        #expect(set.number(set.pick(session: cookie, at: 1).outcome) == number)
    }

    @Test func `one that drains gets no request of its sessions either`() throws {
        var set = EndpointSet(endpoints(0..<2))
        let cookie = try Self.cookie(set)
        let slot = set.slot(0)
        set.requestStarted(slot)
        _ = set.update(to: endpoints(1..<2))
        #expect(set.contains(slot) == true)
        let pick = set.pick(session: cookie, at: 1)
        #expect(set.number(pick.outcome) == 1 && pick.cookie == set.affinityValue(set.slot(1)))
    }

    @Test func `a new session is spread as other requests are`() {
        var set = EndpointSet(endpoints(0..<10))
        var numbers: Set<Int> = []
        for turn in 0..<10 {
            // A value that names nobody is none.
            let pick = set.pick(session: turn % 2 == 0 ? nil : AffinityValue(rawValue: UInt64(turn)), at: 1)
            numbers.insert(set.number(pick.outcome))
            #expect(pick.cookie != nil)
        }
        #expect(numbers.count == 10)
    }

    private enum Trouble: CaseIterable { case ejected, full, tried }

    private static func away(_ set: inout EndpointSet, _ trouble: Trouble) -> TriedEndpoints {
        var tried = TriedEndpoints()
        switch trouble {
        case .ejected: _ = set.fail(0, at: 1)
        case .full:
            set.policy.maximumRequests = 1
            set.requestStarted(set.slot(0))
        case .tried: tried.insert(set.slot(0))
        }
        return tried
    }

    @Test(arguments: Trouble.allCases, [false, true])
    private func `while its endpoint is away another stands in`(trouble: Trouble, moves: Bool) throws {
        var set = EndpointSet(endpoints(0..<3)) { $0.sessionsMoveOnFailure = moves }
        let cookie = try Self.cookie(set)
        let tried = Self.away(&set, trouble)
        for _ in 0..<10 {
            let pick = set.pick(session: cookie, tried: tried, at: 2)
            #expect(set.number(pick.outcome) > 0)
            guard case .slot(let slot) = pick.outcome else { throw Missing() }
            #expect(pick.cookie == (moves ? set.affinityValue(slot) : nil))
        }
        if trouble == .full { _ = set.requestEnded(set.slot(0), .success, at: 2) }
        #expect(set.pick(session: cookie, at: 60_000) == SessionPick(.slot(set.slot(0))))
    }

    @Test func `weight 0 keeps its sessions and gets no new ones`() throws {
        var set = EndpointSet([endpoint(0, weight: 0), endpoint(1)])
        let cookie = try Self.cookie(set)
        #expect(set.number(set.pick(session: cookie, at: 1).outcome) == 0)
        for _ in 0..<10 { #expect(set.number(set.pick(session: nil, at: 1).outcome) == 1) }
    }

    /// Replicas, workers and the next version have to agree: these values are for ever.
    @Test(arguments: [("10.244.1.7", 8080, "2f49256a7b96d508"), ("fd00::1:7", 8080, "a115d934476222ba")])
    func `names of endpoints do not change`(address: String, port: UInt16, text: String) throws {
        let value = AffinityKey.standard.value(address: try #require(IPAddress(address)), port: port)
        let digits = (0..<AffinityValue.digits).map { value.digit($0) }
        #expect(String(decoding: digits, as: UTF8.self) == text)
        #expect(AffinityValue(digits.span) == value)
        let capitals = Array(text.uppercased().utf8)
        #expect(AffinityValue(capitals.span) == value)
        #expect(AffinityKey(1, 2).value(address: try #require(IPAddress(address)), port: port) != value)
    }

    @Test(arguments: [
        "", "2f49256a7b96d50", "2f49256a7b96d5080", "2f49256a7b96d50g", " f49256a7b96d508", "2f49256a-b96d508",
    ])
    func `what is no value names nobody`(text: String) {
        let bytes = Array(text.utf8)
        #expect(AffinityValue(bytes.span) == nil)
    }

    /// The reference implementation's vectors: key 00 01 ... 0f, message 00 01 ... of this length.
    @Test(arguments: [
        (0, UInt64(0x726f_db47_dd0e_0e31)), (1, 0x74f8_39c5_93dc_67fd), (8, 0x93f5_f579_9a93_2462),
        (15, 0xa129_ca61_49be_45e5), (16, 0x3f2a_cc7f_57c2_9bdb), (63, 0x958a_324c_eb06_4572),
    ])
    func `hashes are SipHash-2-4`(length: Int, hash: UInt64) {
        let message = (0..<length).map { UInt8($0) }
        #expect(AffinityKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908).key(message.span) == hash)
    }
}

struct Missing: Error {}
