internal import Linux
package import Nftables

/// What of a host only the data plane knows how to ask, for who wants to know whether it will work here.
package enum HostTrial {
    /// Has the kernel take a table with everything that Fairlead ever writes, under a name of its own, in one transaction that deletes it
    /// again: nothing is ever in force. Throws what the kernel refuses of it.
    ///
    /// - Parameter name: of a table that nobody has.
    package static func takeTable(_ kernel: NetlinkKernel, name: String) throws(NftablesError) {
        var ruleset = TableProgram(node: NodeSettings(pods: .interface("eth*"))).ruleset()
        // A chain of each kind: what they are made of depends on the Services.
        let balancers = [
            Balancer(.address, slots: 2), Balancer(.nodePort, slots: 2), Balancer(.address, .clientIPHash, slots: 2),
            Balancer(.address, .flowHash, slots: 2), Balancer(.address, .affinity(10), slots: 2),
        ]
        ruleset.chains += balancers.map { (Chain(name: $0.name), $0.rules) }
        var transaction = ruleset.replacement(of: TableReference(FairleadTable.reference.family, name))
        transaction.append(.deleteTable)
        _ = try kernel.commit(transaction)
    }

    /// What kube-proxy left in this network namespace, part by part, and what could not be looked at.
    package static func leftovers(_ kernel: NetlinkKernel) -> (parts: [String], obstacles: [String]) {
        let leftovers = KubeProxySearch(kernel: kernel).find()
        return (leftovers.parts.map(\.description), leftovers.obstacles)
    }

    /// Whether a table is Fairlead's, or one that ``leftovers(_:)`` tells of.
    package static func isKnown(_ table: TableReference) -> Bool {
        table == FairleadTable.reference || KubeProxyLeftovers.isOwn(table)
    }
}
