package import KubernetesAPI
package import Networking
package import ServiceModel

/// Service ports whose policy is Local and that have endpoints, but none on this node: what comes for them is
/// dropped here.
package struct LocalPolicyGaps: Hashable, Sendable {
    /// Which of the two policies, and for which family.
    package struct Kind: Hashable, Sendable {
        package enum Policy: String, Hashable, Sendable, CaseIterable {
            case `internal`, external
        }

        package let family: AddressFamily
        package let policy: Policy
    }

    package private(set) var counts: [Kind: Int] = [:]
    /// Of Services that have any.
    private var byService: [ObjectName: [Kind: Int]] = [:]

    package init() {}

    package mutating func update(_ service: ObjectName, _ plan: ServicePlan?) {
        let gaps = plan.map(Self.gaps) ?? [:]
        let former =
            gaps.isEmpty
            ? self.byService.removeValue(forKey: service) : self.byService.updateValue(gaps, forKey: service)
        for (kind, count) in former ?? [:] { self.counts[kind, default: 0] -= count }
        for (kind, count) in gaps { self.counts[kind, default: 0] += count }
    }

    /// How many ports of a Service have a gap. All its addresses and its NodePort share their endpoints, so
    /// a port counts once.
    private static func gaps(of plan: ServicePlan) -> [Kind: Int] {
        var ports: [Kind: Set<ServicePortIdentity>] = [:]
        for frontend in plan.frontends {
            if frontend.role == .clusterIP, frontend.route == .drop {
                ports[Kind(family: frontend.frontend.family, policy: .internal), default: []].insert(frontend.port)
            }
            if frontend.externalRoute == .drop {
                ports[Kind(family: frontend.frontend.family, policy: .external), default: []].insert(frontend.port)
            }
        }
        return ports.mapValues(\.count)
    }
}
