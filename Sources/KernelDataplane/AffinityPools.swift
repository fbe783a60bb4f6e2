internal import KubernetesAPI
internal import Networking
internal import Nftables
internal import ServiceModel

/// The pools of all Service ports with ClientIP affinity, and the number each port is known by.
struct AffinityPools: Sendable {
    /// By chain, the pools it chooses among.
    private(set) var chains: [AffinityChain: [AddressFamily: AffinityPool]] = [:]
    private var numbers: [ServicePortIdentity: UInt32] = [:]
    private var holders: [UInt32: ServicePortIdentity] = [:]
    /// How many pools use a number.
    private var uses: [ServicePortIdentity: Int] = [:]

    func rules(_ chain: AffinityChain) -> [Rule] { chain.rules(self.chains[chain] ?? [:]) }

    /// The chain of a Service port, which has a number from now on, until its last pool is removed.
    mutating func chain(_ port: ServicePortIdentity, _ policy: TrafficPolicy) -> AffinityChain {
        let number: UInt32
        if let known = self.numbers[port] {
            number = known
        } else {
            var free = AffinityChain.preferredNumber(port)
            while self.holders[free] != nil { free &+= 2 }
            number = free
            self.numbers[port] = number
            self.holders[number] = port
        }
        return AffinityChain(number: number, transport: port.transport, policy: policy)
    }

    func pool(_ key: AffinityPoolKey) -> AffinityPool? {
        guard let number = self.numbers[key.port] else { return nil }
        let chain = AffinityChain(number: number, transport: key.port.transport, policy: key.policy)
        return self.chains[chain]?[key.family]
    }

    /// Puts a pool in the place of what was there.
    mutating func set(_ key: AffinityPoolKey, _ pool: AffinityPool?, _ changes: inout ElementChanges) -> AffinityChain {
        let chain = self.chain(key.port, key.policy)
        let old = self.chains[chain]?[key.family]
        if (old == nil) != (pool == nil) { self.uses[key.port, default: 0] += pool == nil ? -1 : 1 }
        self.chains[chain, default: [:]][key.family] = pool
        if self.chains[chain]?.isEmpty == true { self.chains[chain] = nil }
        if self.uses[key.port] ?? 0 == 0 {
            self.uses[key.port] = nil
            self.numbers[key.port] = nil
            self.holders[chain.number] = nil
        }
        guard old?.slots != pool?.slots else { return chain }
        let before = Set(old.map { chain.elements(key.family, $0) } ?? [])
        let after = Set(pool.map { chain.elements(key.family, $0) } ?? [])
        for placed in before.subtracting(after) { changes.delete(placed) }
        for placed in after.subtracting(before) { changes.add(placed) }
        return chain
    }
}
