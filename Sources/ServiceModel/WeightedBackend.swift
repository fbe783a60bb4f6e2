/// An endpoint and how many shares of new connections it gets.
package struct WeightedBackend: Hashable, Sendable, Comparable {
    package let backend: Backend
    /// At least 1.
    package let weight: Int

    package init(_ backend: Backend, weight: Int = 1) {
        self.backend = backend
        self.weight = weight
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.backend != right.backend ? left.backend < right.backend : left.weight < right.weight
    }

    /// The most shares of all endpoints of a frontend together, unless it has more endpoints than that.
    package static let maximumShares = 65_536

    /// A sorted list, with weights as small as they can be. An endpoint of weight 0 gets nothing, unless
    /// all have 0: then they are equal.
    static func list(_ endpoints: [(Backend, Int)]) -> [WeightedBackend] {
        let divisor = endpoints.reduce(0) { self.greatestCommonDivisor($0, $1.1) }
        guard divisor > 0 else { return endpoints.map { WeightedBackend($0.0) }.sorted() }
        let total = endpoints.reduce(0) { $0 + $1.1 / divisor }
        return endpoints.compactMap { backend, weight -> WeightedBackend? in
            guard weight > 0 else { return nil }
            let shares = weight / divisor
            return WeightedBackend(
                backend,
                weight: total <= self.maximumShares ? shares : max(1, shares * self.maximumShares / total))
        }.sorted()
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : self.greatestCommonDivisor(right, left % right)
    }
}
