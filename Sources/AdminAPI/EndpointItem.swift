package import Networking
package import ServiceModel

/// One endpoint of one port of a Service: an item of `GET /v1/endpoints`.
package struct EndpointItem: Hashable, Sendable {
    package var namespace: String
    package var service: String
    /// The port's name; empty if it has none.
    package var portName: String
    /// The Service's port; nil where that is gone.
    package var portNumber: UInt16?
    package var transport: TransportProtocol
    package var backend: Backend
    package var node: String?
    package var zone: String?
    /// nil: nobody serves the port.
    package var servedBy: EndpointServer?
    package var state: EndpointState
    /// Since when the state holds, as far as the process knows: nanoseconds since 1970.
    package var since: Int64?
    /// How much of its weight counts, in percent, while it is warming up.
    package var share: Int?
    /// Open connections and UDP sessions; nil: the kernel has them, and does not count them by endpoint.
    package var connections: Int?
    /// What the active health check last found wrong.
    package var lastFailure: String?

    package init(
        namespace: String, service: String, portName: String, portNumber: UInt16?, transport: TransportProtocol,
        backend: Backend, state: EndpointState
    ) {
        self.namespace = namespace
        self.service = service
        self.portName = portName
        self.portNumber = portNumber
        self.transport = transport
        self.backend = backend
        self.state = state
    }

    /// `http`, or the number of a port without a name.
    package var portText: String {
        self.portName.isEmpty ? self.portNumber.map { "\($0)" } ?? "<none>" : self.portName
    }

    /// `10.244.1.5:8080`, `[fd00::5]:8080`.
    package var address: String { self.backend.text }
}
