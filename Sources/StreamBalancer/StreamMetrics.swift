internal import HealthChecking
package import Observability

/// What is measured of the balancer, as `fairlead_balancer_...`: looked at when somebody asks. No label value comes from a cluster.
package enum StreamMetrics {
    package static func register(_ registry: MetricRegistry, _ report: @escaping @Sendable () -> StreamReport) {
        func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (StreamReport) -> UInt64) {
            registry.counter("fairlead_balancer_\(name)", help) { Double(read(report())) }
        }
        func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable (StreamReport) -> UInt64) {
            registry.gauge("fairlead_balancer_\(name)", help) { Double(read(report())) }
        }
        counter("connections_total", "TCP connections that were accepted.") { $0.connections }
        gauge("connections", "TCP connections that are open.") { $0.open }
        counter("connections_delayed_total", "Put off for want of a descriptor, a port or room.") { $0.delayed }
        counter("connections_refused_total", "Reset: nobody is served there, or the client may not come.") {
            $0.refused
        }
        counter("connections_limited_total", "Reset: the client had as many as it may.") { $0.limited }
        counter("endpoint_connects_total", "Connections to endpoints that were begun.") { $0.connects }
        counter("endpoint_connect_failures_total", "Of those, how many failed; the next endpoint was tried.") {
            $0.connectFailures
        }
        counter("connections_unserved_total", "Reset: no endpoint was left to try.") { $0.unserved }
        counter("connections_timed_out_total", "Ended for their idle time, or for no ClientHello.") { $0.timeouts }
        counter("bytes_to_endpoints_total", "Of TCP connections that have ended.") { $0.bytesToEndpoints }
        counter("bytes_to_clients_total", "Of TCP connections that have ended.") { $0.bytesToClients }
        gauge("pipes", "Pipes for splicing, in use or kept.") { $0.pipes }
        gauge("udp_sessions", "UDP sessions that are remembered.") { $0.sessions }
        counter("udp_sessions_total", "UDP sessions that were begun.") { $0.datagrams.sessions }
        counter("udp_sessions_evicted_total", "Ended to make room for others.") { $0.datagrams.sessionsEvicted }
        counter("udp_sessions_moved_total", "Moved, as their endpoint was taken away.") { $0.datagrams.sessionsMoved }
        counter("udp_datagrams_to_endpoints_total", "Datagrams of clients that were passed on.") {
            $0.datagrams.datagramsToEndpoints
        }
        counter("udp_datagrams_to_clients_total", "Answers that were passed on.") { $0.datagrams.datagramsToClients }
        counter("udp_datagrams_dropped_total", "Datagrams, either way, that went nowhere.") {
            $0.datagrams.datagramsDropped &+ $0.datagrams.answersDropped
        }
        counter("health_checks_failed_total", "Checks of endpoints that failed.") {
            $0.health.unreachable &+ $0.health.timeouts &+ $0.health.tlsFailures &+ $0.health.protocolFailures
                &+ $0.health.badStatuses
        }
        gauge("checked_endpoints", "Endpoints that are checked.") { $0.health.checkedEndpoints }
        gauge("unhealthy_endpoints", "Of those, how many fail their checks.") { $0.health.unhealthyEndpoints }
    }
}
