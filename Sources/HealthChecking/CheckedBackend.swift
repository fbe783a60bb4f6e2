package import Reactor
package import ServiceModel
package import TLS

/// A backend whose endpoints are to be checked.
package struct CheckedBackend: Sendable {
    /// For the log; and so that whoever is told of it knows that it is still the same.
    package let name: String
    package let policy: HealthCheckPolicy
    package let transport: ProbeTransport
    package let endpoints: [SocketAddress]

    package init(
        name: String, policy: HealthCheckPolicy, transport: ProbeTransport, endpoints: [SocketAddress]
    ) {
        self.name = name
        self.policy = policy
        self.transport = transport
        self.endpoints = endpoints
    }

    /// Whether an endpoint is asked the same in the same way.
    func asks(like other: CheckedBackend) -> Bool {
        self.name == other.name && self.policy == other.policy && self.transport.isSame(as: other.transport)
    }
}

/// What endpoints speak, as for requests.
package enum ProbeTransport: Sendable {
    /// HTTP/1.1; HTTP/2 with prior knowledge for gRPC.
    case plain
    /// HTTP/2 with prior knowledge.
    case plainHTTP2
    /// What is chosen in the handshake (ALPN).
    case tls(TLSClientContext)

    func isSame(as other: ProbeTransport) -> Bool {
        switch (self, other) {
        case (.plain, .plain), (.plainHTTP2, .plainHTTP2): true
        case (.tls(let one), .tls(let other)): one === other
        default: false
        }
    }
}

/// From now on the backend with that key is this one; nil for none.
package struct HealthCheckChange: Sendable {
    package let key: Int
    package let backend: CheckedBackend?

    package init(key: Int, backend: CheckedBackend?) {
        self.key = key
        self.backend = backend
    }
}
