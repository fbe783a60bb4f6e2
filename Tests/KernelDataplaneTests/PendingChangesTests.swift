import ClusterState
import KernelDataplane
import KubernetesAPI
import Networking
import TestSupport
import Testing

@Suite struct PendingChangesTests {
    private func slice(_ name: String, _ time: Int64?, family: EndpointSlice.AddressType = .ipv4) -> ObjectChange {
        var slice = Make.slice(name, of: "web", endpoints: [])
        slice.family = family.family
        slice.lastChangeTriggerTime = time
        return change(.endpointSlice(slice))
    }

    private func change(_ object: KubernetesObject) -> ObjectChange { ObjectChange(key: object.key, object: object) }

    @Test func changesAreCountedUntilTheyAreInForce() {
        var pending = PendingChanges(since: 0)
        pending.take([
            change(.service(Make.service("a", clusterIPs: ["10.96.0.1"]))),
            ObjectChange(key: ObjectKey(kind: .service, name: Make.name("b")), object: nil), slice("a-1", nil),
            change(.node(Node(metadata: ObjectMeta(name: ObjectName(namespace: "", name: "n"))))),
        ])
        pending.take([slice("a-1", nil), slice("a-2", nil)])
        #expect(pending.services == 2)
        #expect(pending.endpointSlices == 3)
        #expect(pending.programmed() == [])
        #expect(pending == PendingChanges(since: 0))
    }

    @Test func theOldestTriggerOfASliceIsMeasured() {
        var pending = PendingChanges(since: 100)
        pending.take([slice("a", 300), slice("b", 250, family: .ipv6), slice("c", 100), slice("d", 99)])
        pending.take([slice("a", 400), slice("fqdn", 500, family: .fqdn)])
        pending.take([slice("a", nil)])
        let triggers = pending.programmed().sorted { $0.time < $1.time }
        #expect(triggers.map(\.time) == [250, 300])
        #expect(triggers.map(\.family) == [.ipv6, .ipv4])
        #expect(pending.programmed() == [])
    }

    @Test func aSliceThatIsGoneSaysNothingOfWhen() {
        var pending = PendingChanges(since: 0)
        pending.take([slice("a", 300), slice("b", 300)])
        pending.take([ObjectChange(key: ObjectKey(kind: .endpointSlice, name: Make.name("a")), object: nil)])
        #expect(pending.programmed().count == 1)
    }
}
