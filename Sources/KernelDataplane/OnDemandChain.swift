internal import Nftables

/// A chain that stands only while frontends lead to it.
package enum OnDemandChain: Hashable, Sendable {
    case balancer(Balancer)
    case affinity(AffinityChain)

    package var name: String {
        switch self {
        case .balancer(let balancer): balancer.name
        case .affinity(let chain): chain.name
        }
    }

    /// Whether a chain of this name is of these kinds.
    package static func isName(_ name: String) -> Bool {
        AffinityChain.isName(name) || Balancer(name: name) != nil
    }
}
