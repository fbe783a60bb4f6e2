public import Networking

/// A rule: statements in order, each a piece of the nft language.
public struct Rule: Sendable, Hashable {
    public let statements: [Statement]
    public let comment: String?

    public init(_ statements: Statement..., comment: String? = nil) {
        self.statements = statements
        self.comment = comment
    }

    public init(_ statements: [Statement], comment: String? = nil) {
        self.statements = statements
        self.comment = comment
    }
}

/// One statement of the nft language.
public enum Statement: Sendable, Hashable {
    /// `meta l4proto tcp`.
    case transportProtocol(Networking.TransportProtocol)
    /// `meta nfproto ipv4`.
    case networkProtocol(Selector.AddressKind)
    /// `ip saddr . ip daddr @name`, or `!= @name`.
    case lookup([Selector], set: String, isInverted: Bool = false)
    /// `ip daddr . meta l4proto . th dport vmap @name`.
    case verdictMap([Selector], map: String)
    /// `ct status dnat`: the connection's destination was translated.
    case destinationTranslated
    case verdict(Verdict)
    /// `dnat ip to SELECTORS map @name`: a map that yields address and port.
    case destinationNAT(Selector.AddressKind, [Selector], map: String)
    /// `masquerade fully-random`.
    case masquerade
    /// `reject with tcp reset`, or `reject` (ICMP and ICMPv6 port unreachable).
    case reject(Rejection)
    case counter

    public enum Rejection: Sendable, Hashable {
        case tcpReset
        case portUnreachable
    }
}
