/// How the endpoint of the next request is chosen.
public enum BalancingAlgorithm: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
    /// In turn, each as often as its weight says: ``WeightedRotation``.
    case roundRobin
    /// By chance, in proportion to weights.
    case random
    /// Of two by chance the one with fewer requests in flight for its weight (Mitzenmacher 2001).
    case leastRequests
    /// The same by open connections: for the userspace balancer, where a connection is what is balanced.
    case leastConnections
}

/// How requests are spread over the endpoints of a backend.
public struct BalancingPolicy: BitwiseCopyable, Hashable, Sendable {
    public var algorithm = BalancingAlgorithm.roundRobin

    /// Whether endpoints of the own zone go first.
    ///
    /// They take all requests as long as enough of them are left: their share is the part (by weight) of
    /// them that is not ejected, times ``zoneOverprovisioning``, at most all. The rest of the requests is spread over the
    /// endpoints of all zones, and so is a request for which each endpoint of the own zone is full or was tried. Not for
    /// ``EndpointSet/pick(key:tried:at:)``: replicas in other zones have to choose the same endpoint.
    public var prefersSameZone = false
    /// In percent. With 140 a zone keeps all its requests until more than 29 % of it are ejected, as Envoy's
    /// localities do.
    public var zoneOverprovisioning = 140

    /// Requests in flight to an endpoint from this worker; 0 is any number. What a user asks for counts for all
    /// workers together: the control plane divides it.
    public var maximumRequests = 0

    /// Whether a session whose endpoint is ejected, full or tried in vain gets a new one for good. If not, other
    /// endpoints stand in for it and the session goes back (ingress-nginx: `session-cookie-change-on-failure`).
    public var sessionsMoveOnFailure = false

    public var outliers = OutlierPolicy()

    public init() {}
}
