// modules: Networking KubernetesAPI ServiceModel Routing
// invariants: Tests/RoutingTests/Invariants

/// Rules and requests, put to the compiled table and to a plain reading of the rules; once more with hashes that all collide.
func examine(_ bytes: [UInt8]) throws {
    for collide in [false, true] {
        if let difference = RouteTableProbe.difference(bytes, collide: collide) { throw RouteDifference(difference) }
    }
}

private struct RouteDifference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
