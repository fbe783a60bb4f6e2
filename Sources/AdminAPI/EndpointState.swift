// AdminAPI: what the admin API says and what the command line makes of it. Pure: plans and reports to documents, documents to JSON and
// back, documents to tables. Who asks and who answers, over which socket, is not known here.
internal import ServiceModel

/// What becomes of new connections to an endpoint. Closed: the raw values are those of the API, and what has another one is of another
/// version of it.
package enum EndpointState: String, Hashable, Sendable, CaseIterable {
    /// It takes its share.
    case ready = "Ready"
    /// Slow start: it takes a growing part of its share.
    case warmingUp = "WarmingUp"
    /// It fails its active health check: it takes none, unless all do.
    case unhealthy = "Unhealthy"
    /// It is terminating and serves still, or EndpointSlices do not list it any more: it keeps the connections that it has.
    case draining = "Draining"
    /// EndpointSlices say so.
    case notReady = "NotReady"
}

/// Who has the connections of a Service port. Closed, as ``EndpointState``.
package enum EndpointServer: String, Hashable, Sendable, CaseIterable {
    case kernel
    case userspace
}

/// A state, and since when it holds.
struct EndpointStanding: Hashable, Sendable {
    var state: EndpointState
    /// Nanoseconds since 1970.
    var since: Int64?
    /// How much of its weight counts, in percent; nil: all of it.
    var share: Int?

    /// What EndpointSlices say goes before what checks say, and that before slow start: the first of them keeps connections away,
    /// whatever the others say.
    ///
    /// - Parameters:
    ///   - since: since when the condition holds.
    ///   - report: what the balancer knows; nil where it does not serve, or has nothing to tell.
    init(_ condition: EndpointCondition, since: Int64?, _ report: StreamEndpointReport?) {
        self.since = since
        switch condition {
        case .notReady: self.state = .notReady
        case .draining: self.state = .draining
        case .ready:
            self.state = .ready
            guard let report else { return }
            if !report.isUsable {
                self.state = .unhealthy
                self.since = report.usableSince ?? since
            } else if report.share < StreamEndpointReport.fullShare {
                self.state = .warmingUp
                self.since = report.shareSince ?? since
                self.share = report.share
            } else {
                self.since = [since, report.usableSince, report.shareSince].compactMap(\.self).max()
            }
        }
    }
}
