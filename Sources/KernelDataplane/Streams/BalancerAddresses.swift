package import Networking
internal import ServiceModel

/// Where the kernel finds the userspace balancer of this node: an address of each family, which no other host has, and
/// the ports there.
package struct BalancerAddresses: Hashable, Sendable {
    /// Link-local (RFC 3927), so that no network has it.
    package var ipv4 = IPAddress(169, 254, 77, 77)
    /// fd66:6169:726c::1, unique local (RFC 4193).
    package var ipv6 = IPAddress(ipv6High: 0xfd66_6169_726c_0000, low: 1)
    /// Below those that NodePorts and outgoing connections have by default. A program that listens on one of them at all addresses
    /// would be in the way.
    package var ports: ClosedRange<UInt16> = Self.defaultPorts

    package static let defaultPorts: ClosedRange<UInt16> = 20_000...29_999

    package init() {}

    package subscript(family: AddressFamily) -> IPAddress {
        get { family == .ipv4 ? self.ipv4 : self.ipv6 }
        set { if family == .ipv4 { self.ipv4 = newValue } else { self.ipv6 = newValue } }
    }

    func contains(_ address: IPAddress) -> Bool { self[address.family] == address }
}

/// Which port of the balancer is for which way into a Service port.
///
/// A port is a hash of what it is for, so that it mostly is the same at every start; if another has it already, or it cannot be had, the
/// next that is free.
struct BalancerPorts: Sendable {
    /// Clients whom the kernel tells apart, and the balancer so need not.
    enum Entrance: String, Hashable, Sendable {
        /// By a ClusterIP.
        case clusterIP = "cluster-ip"
        /// By any other address; where the policy is Local, pods and this node.
        case external
        /// By any other address, from outside, where the policy is Local.
        case outside
    }

    struct Key: Hashable, Sendable {
        let port: ServicePortIdentity
        let family: AddressFamily
        let entrance: Entrance

        fileprivate var text: String {
            "\(self.port)/\(self.port.transport)/\(self.family.rawValue)/\(self.entrance.rawValue)"
        }
    }

    private struct Place: Hashable, Sendable {
        let transport: TransportProtocol
        let family: AddressFamily
        let number: UInt16
    }

    private let range: ClosedRange<UInt16>
    private var numbers: [Key: UInt16] = [:]
    private var holders: [Place: Key] = [:]
    /// Those that somebody else listens on.
    private var taken: Set<Place> = []

    init(_ range: ClosedRange<UInt16>) {
        self.range = range
    }

    subscript(key: Key) -> UInt16? { self.numbers[key] }

    /// The port of `key`, which has one from now on; nil where there is none left.
    ///
    /// - Parameter preferring: the one it had before.
    mutating func number(_ key: Key, preferring: UInt16? = nil) -> UInt16? {
        if let known = self.numbers[key] { return known }
        let count = self.range.count
        var offset = Self.hash(key.text) % UInt64(count)
        if let preferring, self.range.contains(preferring) { offset = UInt64(preferring - self.range.lowerBound) }
        for _ in 0..<count {
            let place = Place(
                transport: key.port.transport, family: key.family, number: self.range.lowerBound + UInt16(offset))
            if self.holders[place] == nil, !self.taken.contains(place) {
                self.holders[place] = key
                self.numbers[key] = place.number
                return place.number
            }
            offset = (offset + 1) % UInt64(count)
        }
        return nil
    }

    mutating func release(_ key: Key) {
        guard let number = self.numbers.removeValue(forKey: key) else { return }
        self.holders[Place(transport: key.port.transport, family: key.family, number: number)] = nil
    }

    /// Gives `key` another port when it is asked for the next time: this one is somebody else's.
    mutating func avoid(_ number: UInt16, of key: Key) {
        self.taken.insert(Place(transport: key.port.transport, family: key.family, number: number))
        self.release(key)
    }

    /// What others listen on may be free again.
    mutating func forgetTaken() { self.taken = [] }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
