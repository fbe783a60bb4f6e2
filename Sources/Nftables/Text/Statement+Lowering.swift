internal import Networking

/// Turns the statements of one rule into the kernel's expressions, as `nft` does: an address
/// selector in an `inet` table first asks for the packet's IP version, unless the rule has done
/// so already.
struct Lowering {
    private(set) var expressions: [Expression] = []
    private var knownFamily: Selector.AddressKind?
    private let tableFamily: TableReference.Family

    init(in family: TableReference.Family) {
        self.tableFamily = family
    }

    static func expressions(of rule: Rule, in family: TableReference.Family) -> [Expression] {
        var lowering = Lowering(in: family)
        for statement in rule.statements { lowering.lower(statement) }
        return lowering.expressions
    }

    private static let firstRegister = Expression.Register(0)

    private mutating func lower(_ statement: Statement) {
        let first = Self.firstRegister
        switch statement {
        case .transportProtocol(let transport):
            self.expressions.append(.meta(.transportProtocol, into: first))
            self.expressions.append(.compare(.equal, first, [transport.rawValue]))
        case .networkProtocol(let kind):
            self.require(kind)
        case .lookup(let selectors, let set, let isInverted):
            self.load(selectors)
            self.expressions.append(.lookup(set: set, key: first, into: nil, isInverted: isInverted))
        case .verdictMap(let selectors, let map):
            self.load(selectors)
            self.expressions.append(.lookupVerdict(map: map, key: first))
        case .isLocal(let direction, let isInverted):
            self.expressions.append(.addressType(isSource: direction == .source, into: first))
            self.expressions.append(.compare(isInverted ? .notEqual : .equal, first, [2, 0, 0, 0]))  // RTN_LOCAL
        case .inputInterface(let name):
            self.expressions.append(.meta(.inputInterfaceName, into: first))
            self.expressions.append(.compare(.equal, first, Self.interfaceName(name)))
        case .address(let direction, let address):
            self.load([.address(address.family == .ipv4 ? .ipv4 : .ipv6, direction)])
            self.expressions.append(.compare(.equal, first, address.bytes))
        case .destinationPort(let port):
            self.load([.destinationPort])
            self.expressions.append(.compare(.equal, first, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]))
        // RFC 9293 section 3.1: of the 14th byte SYN is the second bit, ACK the fifth.
        case .segmentWithoutSYN:
            self.compareFlags(among: 0x02, with: 0)
        case .connectionRequest:
            self.compareFlags(among: 0x12, with: 0x02)
        case .destinationTranslated:
            self.expressions.append(.conntrack(.status, isDirected: false, into: first))
            // IPS_DST_NAT, a host-order bit mask.
            self.expressions.append(.mask(first, with: [0x20, 0, 0, 0]))
            self.expressions.append(.compare(.notEqual, first, [0, 0, 0, 0]))
        case .verdict(let verdict):
            self.expressions.append(.verdict(verdict))
        case .destinationNAT(let kind, let selectors, let map):
            self.load(selectors)
            self.expressions.append(.lookup(set: map, key: first, into: first, isInverted: false))
            let portRegister = Expression.Register(UInt32(kind.datatype.paddedLength / 4))
            self.expressions.append(
                .destinationNAT(kind == .ipv4 ? .ipv4 : .ipv6, address: first, port: portRegister)
            )
        case .setAddress(let kind, let direction, let selectors, let map):
            self.require(kind)
            self.load(selectors)
            self.expressions.append(.lookup(set: map, key: first, into: first, isInverted: false))
            self.writeAddress(kind, direction)
        case .restoreAddress(let kind, let direction):
            self.require(kind)
            self.load([.originalAddress(kind, direction)])
            self.writeAddress(kind, direction)
        case .update(let set, let key, let value, let timeout):
            self.change(.update, set, key, value, timeout: UInt64(timeout) * 1000)
        case .forget(let map, let key, let value):
            self.change(.delete, map, key, value, timeout: 0)
        case .masquerade:
            self.expressions.append(.masquerade(flags: 0x10))  // NF_NAT_RANGE_PROTO_RANDOM_FULLY
        case .reject(.tcpReset):
            self.expressions.append(.reject(kind: 1, code: 0))  // NFT_REJECT_TCP_RST
        case .reject(.portUnreachable):
            self.expressions.append(.reject(kind: 2, code: 1))  // NFT_REJECT_ICMPX_UNREACH, port
        case .counter:
            self.expressions.append(.counter)
        case .limit(let rate):
            self.expressions.append(.limit(perSecond: UInt64(rate), burst: rate))
        case .trace:
            self.expressions.append(.load([1], into: first))
            self.expressions.append(.setMeta(.trace, from: first))
        }
    }

    private mutating func compareFlags(among mask: UInt8, with flags: UInt8) {
        self.lower(.transportProtocol(.tcp))
        self.expressions.append(.payload(.transport, offset: 13, length: 1, into: Self.firstRegister))
        self.expressions.append(.mask(Self.firstRegister, with: [mask]))
        self.expressions.append(.compare(.equal, Self.firstRegister, [flags]))
    }

    /// Writes the first registers into one of the packet's addresses.
    private mutating func writeAddress(_ kind: Selector.AddressKind, _ direction: Selector.AddressDirection) {
        self.expressions.append(
            .writePayload(
                .network, offset: Self.offset(kind, direction), length: UInt32(kind.datatype.length),
                from: Self.firstRegister, kind == .ipv4 ? .ipv4 : .ipv6))
    }

    /// Where an address is in the IP header (RFC 791, RFC 8200).
    private static func offset(_ kind: Selector.AddressKind, _ direction: Selector.AddressDirection) -> UInt32 {
        switch (kind, direction) {
        case (.ipv4, .source): 12
        case (.ipv4, .destination): 16
        case (.ipv6, .source): 8
        case (.ipv6, .destination): 24
        }
    }

    private mutating func change(
        _ operation: Expression.SetOperation,
        _ set: String,
        _ key: [Selector],
        _ value: [Selector],
        timeout: UInt64
    ) {
        self.load(key)
        let end = key.reduce(0) { $0 + UInt32($1.datatype.paddedLength / 4) }
        self.load(value, at: end)
        self.expressions.append(
            .changeSet(
                operation, set: set, key: Self.firstRegister, value: value.isEmpty ? nil : Expression.Register(end),
                timeout: timeout))
    }

    /// A name fills 16 bytes (`IFNAMSIZ`); of a pattern only what is before the `*` is compared.
    private static func interfaceName(_ name: String) -> [UInt8] {
        guard name.hasSuffix("*") else {
            return Array(name.utf8) + [UInt8](repeating: 0, count: max(0, 16 - name.utf8.count))
        }
        return Array(name.utf8.dropLast())
    }

    /// Loads selectors into one run of registers, each part at a register of its own.
    private mutating func load(_ selectors: [Selector], at start: UInt32 = 0) {
        for case .address(let kind, _) in selectors { self.require(kind) }
        for case .hash(let inputs, _, _, _) in selectors {
            for case .address(let kind, _) in inputs { self.require(kind) }
        }
        var index = start
        for selector in selectors {
            let register = Expression.Register(index)
            switch selector {
            case .address(let kind, let direction):
                self.expressions.append(
                    .payload(
                        .network, offset: Self.offset(kind, direction), length: UInt32(kind.datatype.length),
                        into: register))
            case .networkProtocol:
                self.expressions.append(.meta(.networkProtocol, into: register))
            case .transportProtocol:
                self.expressions.append(.meta(.transportProtocol, into: register))
            case .sourcePort:
                self.expressions.append(.payload(.transport, offset: 0, length: 2, into: register))
            case .destinationPort:
                self.expressions.append(.payload(.transport, offset: 2, length: 2, into: register))
            case .originalAddress(let kind, let direction):
                let key: Expression.ConntrackKey =
                    switch (kind, direction) {
                    case (.ipv4, .source): .sourceIPv4
                    case (.ipv4, .destination): .destinationIPv4
                    case (.ipv6, .source): .sourceIPv6
                    case (.ipv6, .destination): .destinationIPv6
                    }
                self.expressions.append(.conntrack(key, isDirected: true, into: register))
            case .originalDestinationPort:
                self.expressions.append(.conntrack(.protocolDestination, isDirected: true, into: register))
            case .random(let modulus, let offset):
                self.expressions.append(.random(modulus: modulus, offset: offset, into: register))
            case .hash(let inputs, let modulus, let offset, let seed):
                // What is hashed may use the registers from here on: the later parts are loaded after it.
                self.load(inputs, at: index)
                let length = inputs.reduce(0) { $0 + UInt32($1.datatype.paddedLength) }
                self.expressions.append(
                    .hash(
                        from: register, length: length, modulus: modulus, offset: offset, seed: seed, into: register))
            }
            index += UInt32(selector.datatype.paddedLength / 4)
        }
    }

    private mutating func require(_ kind: Selector.AddressKind) {
        guard self.tableFamily == .inet, self.knownFamily != kind else { return }
        self.knownFamily = kind
        self.expressions.append(.meta(.networkProtocol, into: Self.firstRegister))
        // NFPROTO_IPV4, NFPROTO_IPV6
        self.expressions.append(.compare(.equal, Self.firstRegister, [kind == .ipv4 ? 2 : 10]))
    }
}

extension Rule {
    /// What the kernel will run for this rule in a table of `family`.
    public func expressions(in family: TableReference.Family) -> [Expression] {
        Lowering.expressions(of: self, in: family)
    }
}
