extension Expression {
    /// What the expressions of a rule do, in words of the nft language: the sets that are looked at, and what becomes of the packet.
    /// What they compare is left out.
    public static func summary(_ expressions: [Expression]) -> String {
        expressions.compactMap(\.summary).joined(separator: " ")
    }

    private var summary: String? {
        switch self {
        case .lookup(let set, _, let register, let isInverted):
            register == nil ? "\(isInverted ? "!= " : "")@\(set)" : "map @\(set)"
        case .lookupVerdict(let map, _): "vmap @\(map)"
        case .changeSet(let operation, let set, _, _, _): "\(operation) @\(set)"
        case .writePayload: "set address"
        case .destinationNAT: "dnat"
        case .masquerade: "masquerade"
        case .reject: "reject"
        case .counter: "counter"
        case .limit: "limit"
        case .other(let name): name
        // The kernel tells of verdicts itself.
        case .meta, .setMeta, .load, .payload, .addressType, .hash, .conntrack, .compare, .mask, .random, .verdict: nil
        }
    }
}
