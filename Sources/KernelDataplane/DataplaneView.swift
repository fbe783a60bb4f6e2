package import KubernetesAPI
internal import Linux
internal import Networking
package import ServiceModel
internal import Synchronization

/// What the data plane goes by at one moment. It is values throughout: whoever asked can take their time with it, and costs the data
/// plane's thread a few references; and a copy of the tables that change before this is let go, once.
package struct DataplaneView: Sendable {
    package let planner: ServicePlanner
    package let history: EndpointHistory
    /// Everything has been listed once.
    package let isSynced: Bool
    let mode: DataplaneMode
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

/// Questions for the data plane's thread, which answers them between its other work.
final class DataplaneQuestions: Sendable {
    private let inquiries = Mutex<[Inquiry<DataplaneView>]>([])
    private let wakeUp: WakeUp

    init() throws(SystemError) { self.wakeUp = try WakeUp() }

    /// Readable as long as there are any.
    var number: Int32 { self.wakeUp.number }

    /// nil: the thread is busy with something that takes longer, or does not run.
    func ask(within patience: Duration) -> DataplaneView? {
        guard let inquiry = try? Inquiry<DataplaneView>(of: 1) else { return nil }
        self.inquiries.withLock { $0.append(inquiry) }
        self.wakeUp.signal()
        return inquiry.wait(patience)?.first
    }

    func answer(_ view: () -> DataplaneView) {
        self.wakeUp.clear()
        let inquiries = self.inquiries.withLock { inquiries in
            defer { inquiries = [] }
            return inquiries
        }
        for inquiry in inquiries { inquiry.answer(view()) }
    }
}
