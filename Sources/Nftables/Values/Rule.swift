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
    /// `fib saddr type local`: the address is one of this host's own; or `!= local`.
    case isLocal(Selector.AddressDirection, isInverted: Bool = false)
    /// `iifname "cni0"`, or a name that ends in `*` for all that start like it.
    case inputInterface(String)
    /// `ip saddr 10.0.0.1`.
    case address(Selector.AddressDirection, IPAddress)
    /// `th dport 80`.
    case destinationPort(UInt16)
    /// `tcp flags ! syn`: a TCP segment that asks for no connection.
    case segmentWithoutSYN
    /// `tcp flags syn / syn,ack`: the first segment of a connection (RFC 9293 section 3.5).
    case connectionRequest
    /// `ct status dnat`: the connection's destination was translated.
    case destinationTranslated
    case verdict(Verdict)
    /// `dnat ip to SELECTORS map @name`: a map that yields address and port.
    case destinationNAT(Selector.AddressKind, [Selector], map: String)
    /// `ip daddr set SELECTORS map @name`: writes into the packet what the map yields; ends the rule if
    /// it yields nothing.
    case setAddress(Selector.AddressKind, Selector.AddressDirection, [Selector], map: String)
    /// `ip daddr set ct original ip daddr`: puts back what the connection's first packet had.
    case restoreAddress(Selector.AddressKind, Selector.AddressDirection)
    /// `update @name { KEY timeout Ns : VALUE }`: adds an element to a dynamic set or map, or lets one that
    /// stands live on for so many seconds. A value that stands is left as it is.
    case update(set: String, [Selector], value: [Selector] = [], timeout: UInt32)
    /// `delete @name { KEY : VALUE }`: removes an element from a dynamic map, if it is there.
    case forget(map: String, [Selector], value: [Selector])
    /// `masquerade fully-random`.
    case masquerade
    /// `reject with tcp reset`, or `reject` (ICMP and ICMPv6 port unreachable).
    case reject(Rejection)
    case counter
    /// `limit rate N/second burst N packets`: for at most so many packets.
    case limit(perSecond: UInt32)
    /// `meta nftrace set 1`: the kernel tells of every rule that the packet meets from here on.
    case trace

    public enum Rejection: Sendable, Hashable {
        case tcpReset
        case portUnreachable
    }
}
