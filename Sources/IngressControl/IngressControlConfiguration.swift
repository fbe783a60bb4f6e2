// IngressControl: the loop around `IngressPlanner`. Changes of objects come in from a queue; Secrets become certificates,
// objects a plan, and both together an immutable snapshot for the workers. It also says what is wrong (log, events,
// pages), and writes where Ingresses are reached into their status. Decisions are values; the thread and the tasks around
// them only carry.
package import Routing
package import TLS

/// What does not change while the loop runs.
package struct IngressControlConfiguration: Sendable {
    package var planner: IngressPlannerOptions
    /// nil while nothing is listened to by TLS.
    package var tls: TLSSettings?
    /// This node as EndpointSlices and its Node spell it; empty where no zone is preferred.
    package var nodeName: String
    /// How long a key makes session tickets; it is accepted for twice as long after that.
    package var ticketKeyInterval: Duration
    /// How long before a certificate expires its owner is told.
    package var expiryNotice: Duration

    package static let defaultExpiryNotice = Duration.seconds(14 * 86_400)

    package init(
        planner: IngressPlannerOptions = IngressPlannerOptions(),
        tls: TLSSettings? = TLSSettings(),
        nodeName: String = "",
        ticketKeyInterval: Duration = TicketKeys.defaultInterval,
        expiryNotice: Duration = Self.defaultExpiryNotice
    ) {
        self.planner = planner
        self.tls = tls
        self.nodeName = nodeName
        self.ticketKeyInterval = ticketKeyInterval
        self.expiryNotice = expiryNotice
    }
}
