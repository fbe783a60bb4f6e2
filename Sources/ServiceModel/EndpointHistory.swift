package import KubernetesAPI
internal import Networking

/// Since when endpoints have the condition that they have, as far as has been seen: objects do not say. Times are nanoseconds since
/// 1970.
package struct EndpointHistory: Sendable {
    /// By slice; in the order of its endpoints.
    private var times: [ObjectName: [Int64]] = [:]

    package init() {}

    /// A slice changes, or goes.
    package mutating func update(
        _ name: ObjectName, from former: EndpointSlice?, to slice: EndpointSlice?, at now: Int64
    ) {
        guard let slice else {
            self.times[name] = nil
            return
        }
        guard let former, let times = self.times[name], times.count == former.endpoints.count else {
            self.times[name] = Array(repeating: now, count: slice.endpoints.count)
            return
        }
        // Mostly a few change, and the others are where they were. The rest is looked for, by a table that is made for the first of them.
        var places: [IPAddress: Int]?
        self.times[name] = slice.endpoints.enumerated().map { index, endpoint in
            var place: Int?
            if former.endpoints.indices.contains(index), former.endpoints[index].address == endpoint.address {
                place = index
            } else {
                let known =
                    places
                    ?? Dictionary(
                        former.endpoints.enumerated().map { ($1.address, $0) }, uniquingKeysWith: { first, _ in first })
                places = known
                place = known[endpoint.address]
            }
            guard let place, EndpointCondition(former.endpoints[place]) == EndpointCondition(endpoint) else {
                return now
            }
            return times[place]
        }
    }

    /// Of the endpoints of a slice, in their order; empty where nothing is known of it.
    func times(of slice: ObjectName) -> [Int64] { self.times[slice] ?? [] }
}
