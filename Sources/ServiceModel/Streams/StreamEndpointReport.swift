/// One endpoint of a Service port, as the userspace balancer knows it.
package struct StreamEndpoint: Hashable, Sendable {
    package let port: ServicePortIdentity
    package let backend: Backend

    package init(port: ServicePortIdentity, backend: Backend) {
        self.port = port
        self.backend = backend
    }
}

/// What the userspace balancer tells of an endpoint. Times are nanoseconds since 1970.
package struct StreamEndpointReport: Hashable, Sendable {
    package static let fullShare = 100

    /// Open ones, and UDP sessions, of all workers.
    package var connections = 0
    /// How much of its weight counts, in percent: less during slow start.
    package var share = Self.fullShare
    /// Since when slow start goes on, or is over; nil: there was none.
    package var shareSince: Int64?
    package var isChecked = false
    /// What active health checks say; true where there are none.
    package var isUsable = true
    /// Since when they say so; nil: from the beginning.
    package var usableSince: Int64?
    /// What a check last found wrong, however long ago.
    package var lastFailure: String?

    package init() {}
}
