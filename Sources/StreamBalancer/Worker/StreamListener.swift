internal import Networking
internal import Reactor
internal import ServiceModel

/// Where a worker takes connections, and what becomes of them.
struct StreamListener: ~Copyable {
    struct NamedTargets {
        let name: ServerNamePattern
        let targets: FrontendTargets
    }

    let address: StreamAddress
    let socket: ListeningSocket
    var served: ServedFrontend
    var targets = FrontendTargets()
    /// By server name, where TLS is passed through.
    var named: [NamedTargets] = []
    /// Of the Service port, whichever of its frontends this is.
    var service: Int

    init(_ served: ServedFrontend, _ socket: ListeningSocket) {
        self.address = served.address
        self.socket = socket
        self.served = served
        self.service = served.port.hashValue
    }
}
