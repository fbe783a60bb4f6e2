// ServiceModel: what Services and EndpointSlices mean. Pure: objects in, frontends with their
// backends out; no sockets, clock, logger or Foundation. The kernel's data plane and the userspace
// balancer are both driven by these plans.
package import Networking

/// Where clients knock: an address and port, or a port of the node.
package struct Frontend: Hashable, Sendable {
    package enum Location: Hashable, Sendable {
        /// A ClusterIP or external IP.
        case address(IPAddress)
        /// A NodePort, on the node's addresses of one family.
        case node(AddressFamily)
    }

    package let location: Location
    package let transport: TransportProtocol
    package let port: UInt16

    package init(_ location: Location, _ transport: TransportProtocol, _ port: UInt16) {
        self.location = location
        self.transport = transport
        self.port = port
    }

    package var family: AddressFamily {
        switch self.location {
        case .address(let address): address.family
        case .node(let family): family
        }
    }
}

extension Frontend: CustomStringConvertible {
    /// `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`, `nodePort 30080/tcp (IPv4)`.
    package var description: String {
        switch self.location {
        case .address(let address) where address.family == .ipv6: "[\(address)]:\(self.port)/\(self.transport)"
        case .address(let address): "\(address):\(self.port)/\(self.transport)"
        case .node(let family): "nodePort \(self.port)/\(self.transport) (IPv\(family.rawValue))"
        }
    }
}

/// Where a connection goes: an endpoint's address and port.
package struct Backend: Hashable, Sendable, Comparable {
    package let address: IPAddress
    package let port: UInt16

    package init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `10.244.1.5:8080`, `[fd00::5]:8080`.
    package var text: String { self.address.text(port: self.port) }

    package static func < (left: Self, right: Self) -> Bool {
        left.address != right.address ? left.address < right.address : left.port < right.port
    }
}
