internal import CReactor
internal import Linux
public import Networking

/// Tells senders of datagrams that these did not arrive. Needs `CAP_NET_RAW`; without it nobody is told.
///
/// **Unsafe, and why it is right.** Pointers are to local values, for the one call.
public struct UnreachableSocket: ~Copyable {
    private let ipv4: Descriptor?
    private let ipv6: Descriptor?

    public init() {
        let numbers = (fairlead_icmp_socket(4), fairlead_icmp_socket(6))
        self.ipv4 = numbers.0 < 0 ? nil : Descriptor(owning: numbers.0)
        self.ipv6 = numbers.1 < 0 ? nil : Descriptor(owning: numbers.1)
    }

    public func canTell(_ family: AddressFamily) -> Bool { self.number(family) >= 0 }

    private func number(_ family: AddressFamily) -> Int32 {
        func number(_ descriptor: borrowing Descriptor?) -> Int32 {
            switch descriptor {
            case .some(let descriptor): descriptor.number
            case .none: -1
            }
        }
        return family == .ipv4 ? number(self.ipv4) : number(self.ipv6)
    }

    /// Whether the packet was sent.
    public func tell(_ sender: PeerAddress, _ reason: Unreachability, of target: PeerAddress, payload: Int = 0) -> Bool
    {
        let (source, destination) = (sender.socketAddress, target.socketAddress)
        let number = self.number(source.address.family)
        guard number >= 0, destination.address.family == source.address.family else { return false }
        let message = UnreachableMessage(reason, of: source, to: destination, payload: payload)
        let bytes = message.bytes
        var (to, from) = (sender.raw, target.raw)
        return unsafe bytes.span.withUnsafeBytes {
            unsafe fairlead_icmp_send(number, $0.baseAddress, message.count, &from, &to)
        } >= 0
    }
}
