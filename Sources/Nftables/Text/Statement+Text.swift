internal import Networking

extension Statement {
    /// The statement in the nft language, as `nft list` prints it.
    public var text: String {
        switch self {
        case .transportProtocol(let transport):
            "meta l4proto \(transport)"
        case .networkProtocol(let kind):
            "meta nfproto \(kind == .ipv4 ? "ipv4" : "ipv6")"
        case .lookup(let selectors, let set, let isInverted):
            "\(Self.joined(selectors)) \(isInverted ? "!= " : "")@\(set)"
        case .verdictMap(let selectors, let map):
            "\(Self.joined(selectors)) vmap @\(map)"
        case .isLocal(let direction, let isInverted):
            "fib \(direction.keyword) type \(isInverted ? "!= " : "")local"
        case .inputInterface(let name):
            "iifname \"\(name)\""
        case .address(let direction, let address):
            "\(address.family == .ipv4 ? "ip" : "ip6") \(direction.keyword) \(address)"
        case .destinationPort(let port):
            "th dport \(port)"
        case .segmentWithoutSYN:
            "tcp flags ! syn"
        case .connectionRequest:
            "tcp flags syn / syn,ack"
        case .destinationTranslated:
            "ct status dnat"
        case .verdict(let verdict):
            verdict.text
        case .destinationNAT(let kind, let selectors, let map):
            "dnat \(kind.keyword) to \(Self.joined(selectors)) map @\(map)"
        case .setAddress(let kind, let direction, let selectors, let map):
            "\(kind.keyword) \(direction.keyword) set \(Self.joined(selectors)) map @\(map)"
        case .restoreAddress(let kind, let direction):
            "\(kind.keyword) \(direction.keyword) set \(Selector.originalAddress(kind, direction).text)"
        case .update(let set, let key, let value, let timeout):
            "update @\(set) { \(Self.joined(key)) timeout \(timeout)s\(Self.valueText(value)) }"
        case .forget(let map, let key, let value):
            "delete @\(map) { \(Self.joined(key))\(Self.valueText(value)) }"
        case .masquerade:
            "masquerade fully-random"
        case .reject(.tcpReset):
            "reject with tcp reset"
        case .reject(.portUnreachable):
            "reject"
        case .counter:
            "counter"
        case .limit(let rate):
            "limit rate \(rate)/second burst \(rate) packets"
        case .trace:
            "meta nftrace set 1"
        }
    }

    private static func valueText(_ value: [Selector]) -> String {
        value.isEmpty ? "" : " : \(self.joined(value))"
    }

    private static func joined(_ selectors: [Selector]) -> String {
        selectors.map(\.text).joined(separator: " . ")
    }
}

extension Rule {
    /// The rule in the nft language, on one line.
    public var text: String {
        let statements = self.statements.map(\.text).joined(separator: " ")
        guard let comment else { return statements }
        return "\(statements) comment \"\(comment)\""
    }
}
