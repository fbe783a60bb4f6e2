/// The transport protocols a Service port may name; the raw value is the IP protocol number.
@frozen
public enum TransportProtocol: UInt8, Sendable, Hashable, CaseIterable {
    case tcp = 6
    case udp = 17
    case sctp = 132

    /// From the spelling of the Kubernetes API: `TCP`, `UDP`, `SCTP`.
    public init?(kubernetesName: String) {
        switch kubernetesName {
        case "TCP": self = .tcp
        case "UDP": self = .udp
        case "SCTP": self = .sctp
        default: return nil
        }
    }

    /// The spelling of the Kubernetes API.
    public var kubernetesName: String {
        switch self {
        case .tcp: "TCP"
        case .udp: "UDP"
        case .sctp: "SCTP"
        }
    }
}

extension TransportProtocol: CustomStringConvertible, Comparable {
    /// The spelling of `nft` and `/etc/protocols`.
    public var description: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        case .sctp: "sctp"
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
