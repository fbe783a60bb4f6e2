import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

@testable import KernelDataplane

/// The numbers by which rules know Service ports and endpoints.
@Suite struct AffinityPortsTests {
    private static func key(_ name: String, _ family: AddressFamily = .ipv4) -> AffinityPortKey {
        AffinityPortKey(
            port: ServicePortIdentity(service: Make.name(name), name: "http", transport: .tcp), family: family)
    }

    private static func backends(_ numbers: [Int]) -> [Backend] {
        numbers.map { Backend(Make.ip("10.244.0.\($0)"), 8080) }
    }

    /// What clients are remembered under must be the same after a restart, and in the next version.
    @Test func aPortsNumberIsItsOwn() {
        var (ports, others) = (AffinityPorts(), AffinityPorts())
        for number in 0..<100 { _ = others.number(Self.key("svc-\(number)")) }
        #expect(ports.number(Self.key("web")) == others.number(Self.key("web")))
        #expect(ports.number(Self.key("web")) == 3_872_586_930)
        #expect(ports.number(Self.key("web")) != ports.number(Self.key("web", .ipv6)))
    }

    @Test func numbersThatCollideAreNextToEachOther() {
        var numbers = AffinityNumbers<String>()
        let first = numbers.number("first", "the same text")
        let second = numbers.number("second", "the same text")
        #expect(second == first + 1)
        // It keeps its number when the first one goes, and the number that is free is given again.
        numbers.release("first")
        #expect(numbers["second"] == second)
        #expect(numbers["first"] == nil)
        #expect(numbers.number("third", "the same text") == first)
    }

    @Test func oneEndpointIsThreeElements() {
        var ports = AffinityPorts()
        var changes = ElementChanges()
        let key = Self.key("web")
        ports.set(key, [.cluster: Self.backends([1, 2, 3])], &changes)
        #expect(changes.count == 9)
        changes = ElementChanges()
        ports.set(key, [.cluster: Self.backends([1, 2, 3, 4])], &changes)
        #expect(changes.count == 3)
        changes = ElementChanges()
        // More shares of one endpoint are more slots, and the endpoint is one still.
        ports.set(key, [.cluster: Self.backends([1, 2, 3, 4, 4])], &changes)
        #expect(changes.count == 1)
        changes = ElementChanges()
        // Those of policy Local have slots of their own, and are endpoints already.
        ports.set(key, [.cluster: Self.backends([1, 2, 3, 4, 4]), .local: Self.backends([2])], &changes)
        #expect(changes.count == 2)
        changes = ElementChanges()
        ports.set(key, [:], &changes)
        #expect(changes.additions.isEmpty)
        #expect(ports.elements.isEmpty)
    }

    /// Two ports of one address are two endpoints.
    @Test func anEndpointIsAnAddressAndAPort() {
        var ports = AffinityPorts()
        var changes = ElementChanges()
        let address = Make.ip("10.244.0.1")
        ports.set(Self.key("web"), [.cluster: [Backend(address, 8080), Backend(address, 8081)]], &changes)
        let endpoints = changes.additions[FairleadSet(.affinityEndpoints, .ipv4)] ?? []
        #expect(Set(endpoints.map(\.key)).count == 2)
        let targets = endpoints.compactMap { element -> UInt16? in
            guard case .bytes(let value)? = element.value else { return nil }
            return value.port(at: 4)
        }
        #expect(targets.sorted() == [8080, 8081])
    }

    @Test func slotsAreFoundAgainByNumber() {
        var ports = AffinityPorts()
        let key = Self.key("web")
        var changes = ElementChanges()
        ports.set(key, [.cluster: Self.backends([3, 1, 2])], &changes)
        var restarted = AffinityPorts()
        let numbers = (changes.additions[FairleadSet(.affinitySlots, .ipv4)] ?? []).sorted { $0.key < $1.key }
            .compactMap { element -> UInt32? in
                guard case .bytes(let value)? = element.value else { return nil }
                return value.address(.ipv4, at: 0).map { UInt32(truncatingIfNeeded: $0.low) }
            }
        let wanted = Self.backends([1, 2, 3]).map { WeightedBackend($0) }
        #expect(
            restarted.slots(key, among: wanted, hinted: [ports.number(key): numbers]) == Self.backends([3, 1, 2]))
        #expect(restarted.slots(key, among: wanted, hinted: [:]).isEmpty)
    }
}
