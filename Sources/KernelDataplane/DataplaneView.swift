package import KubernetesAPI
internal import Networking
package import ServiceModel

/// What the data plane goes by at one moment. It is values throughout: whoever asked can take their time with it, and costs the data
/// plane's thread a few references; and a copy of the tables that change before this is let go, once.
package struct DataplaneView: Sendable {
    package let planner: ServicePlanner
    package let history: EndpointHistory
    /// Everything has been listed once.
    package let isSynced: Bool
    /// What the table depends on besides Services.
    package let node: NodeSettings
    package let mode: DataplaneMode
    /// nil: there is no userspace balancer.
    let streams: StreamProgram?

    /// Who serves a port of a Service; nil: nobody, as nothing but nftables serves SCTP.
    package func server(of port: ServicePort, of service: ObjectName) -> DataplaneMode.Name? {
        guard self.mode == .nftables else { return port.transport == .sctp ? nil : .userspace }
        let isHandedOver =
            self.streams?.handsOver(service) { frontend in
                guard frontend.transport == port.transport else { return false }
                return switch frontend.location {
                case .address: frontend.port == port.port
                case .node: frontend.port == port.nodePort
                }
            } ?? false
        return isHandedOver ? .userspace : .nftables
    }
}
