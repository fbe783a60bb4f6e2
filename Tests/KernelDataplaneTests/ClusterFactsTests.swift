import KernelDataplane
import KubernetesAPI
import Networking
import Testing

@Suite struct ClusterFactsTests {
    private static func node(_ name: String, zone: String? = nil, blocks: [String] = []) -> KubernetesObject {
        let labels = zone.map { ["topology.kubernetes.io/zone": $0] } ?? [:]
        return .node(
            Node(
                metadata: ObjectMeta(name: ObjectName(namespace: "", name: name), labels: labels),
                podCIDRs: blocks.compactMap { CIDR($0) }))
    }

    private static func blocks(_ name: String, _ blocks: String...) -> KubernetesObject {
        .serviceCIDR(
            ServiceCIDR(
                metadata: ObjectMeta(name: ObjectName(namespace: "", name: name)), cidrs: blocks.compactMap { CIDR($0) }
            ))
    }

    /// Holds facts, so that what is news can be asked in an expectation.
    private final class Holder {
        var facts = ClusterFacts(nodeName: "here")

        func take(_ object: KubernetesObject) -> Bool { self.facts.take(object.key, object) }
        func lose(_ object: KubernetesObject) -> Bool { self.facts.take(object.key, nil) }
    }

    @Test func theOwnNodeCountsAndNoOther() {
        let holder = Holder()
        #expect(holder.facts.zone == nil)
        #expect(holder.facts.podCIDRs == nil)
        let other = Self.node("there", zone: "b", blocks: ["10.244.2.0/24"])
        #expect(!holder.take(other))
        #expect(holder.facts.zone == nil)
        let own = Self.node("here", zone: "a", blocks: ["10.244.1.0/24"])
        #expect(holder.take(own))
        #expect(holder.facts.zone == "a")
        #expect(holder.facts.podCIDRs?.map(\.description) == ["10.244.1.0/24"])
        // Said again, it is no news; nor is what nobody asks about.
        #expect(!holder.take(own))
        let moved = Self.node("here", zone: "b", blocks: ["10.244.1.0/24"])
        #expect(holder.take(moved))
        #expect(holder.facts.zone == "b")
        let renumbered = Self.node("here", zone: "b", blocks: ["10.244.3.0/24"])
        #expect(holder.take(renumbered))
        #expect(!holder.lose(other))
        #expect(holder.lose(own))
        #expect(holder.facts.zone == nil && holder.facts.podCIDRs == nil)
        #expect(!holder.lose(own))
    }

    @Test func aNodeWithoutBlocksIsKnownAllTheSame() {
        let holder = Holder()
        let own = Self.node("here")
        #expect(holder.take(own))
        #expect(holder.facts.podCIDRs == [])
    }

    @Test func aNodeThatIsToGoIsNotEligible() {
        let holder = Holder()
        #expect(holder.facts.isNodeEligible == nil)
        func node(_ name: String, deleted: Bool = false, marked: Bool = false) -> KubernetesObject {
            .node(
                Node(
                    metadata: ObjectMeta(name: ObjectName(namespace: "", name: name)), isBeingDeleted: deleted,
                    isMarkedForDeletion: marked))
        }
        _ = holder.take(node("there", deleted: true))
        #expect(holder.facts.isNodeEligible == nil)
        for (deleted, marked) in [(false, false), (true, false), (false, true), (false, false)] {
            _ = holder.take(node("here", deleted: deleted, marked: marked))
            #expect(holder.facts.isNodeEligible == (!deleted && !marked))
        }
        _ = holder.lose(node("here"))
        #expect(holder.facts.isNodeEligible == nil)
    }

    @Test func blocksOfAllServiceCIDRs() {
        let holder = Holder()
        let (first, second) = (
            Self.blocks("kubernetes", "10.96.0.0/16", "fd00::/112"), Self.blocks("more", "10.97.0.0/16")
        )
        #expect(holder.take(first))
        #expect(holder.take(second))
        #expect(!holder.take(second))
        #expect(
            holder.facts.serviceBlocks == Set(["10.96.0.0/16", "fd00::/112", "10.97.0.0/16"].compactMap { CIDR($0) }))
        let changed = Self.blocks("more", "10.98.0.0/16")
        #expect(holder.take(changed))
        #expect(holder.lose(first))
        #expect(!holder.lose(first))
        #expect(holder.facts.serviceBlocks == Set(["10.98.0.0/16"].compactMap { CIDR($0) }))
    }

    @Test func othersAreNoFacts() {
        let holder = Holder()
        let service = KubernetesObject.service(
            Service(metadata: ObjectMeta(name: ObjectName(namespace: "default", name: "here"))))
        #expect(!holder.take(service))
        #expect(!holder.lose(service))
    }
}
