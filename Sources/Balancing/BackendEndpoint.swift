public import Networking

/// An endpoint of a backend, as the control plane tells it to a worker.
@frozen
public struct BackendEndpoint: BitwiseCopyable, Hashable, Sendable {
    public let address: IPAddress
    public let port: UInt16
    /// Its share of new requests in proportion to the others'. 0 takes no new request but keeps its sessions; if all
    /// have 0 they are equal. What is below 0 counts as 0, what is above ``maximumWeight`` as that.
    public let weight: Int
    /// Whether it is in the zone of this proxy.
    public let isSameZone: Bool

    public static let maximumWeight = 65_535

    @inlinable
    public init(address: IPAddress, port: UInt16, weight: Int = 1, isSameZone: Bool = false) {
        self.address = address
        self.port = port
        self.weight = weight
        self.isSameZone = isSameZone
    }
}
