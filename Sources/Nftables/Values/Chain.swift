/// A table's family and name, the address of everything in it.
public struct TableReference: Sendable, Hashable, CustomStringConvertible {
    public enum Family: UInt8, Sendable, Hashable {
        // NFPROTO_* of linux/netfilter.h.
        case inet = 1
        case ipv4 = 2
        case ipv6 = 10

        public var keyword: String {
            switch self {
            case .inet: "inet"
            case .ipv4: "ip"
            case .ipv6: "ip6"
            }
        }
    }

    public let family: Family
    public let name: String

    public init(_ family: Family, _ name: String) {
        self.family = family
        self.name = name
    }

    /// `table inet fairlead`, as `nft` and messages name it.
    public var description: String { "table \(self.family.keyword) \(self.name)" }
}

/// A chain: a base chain hangs on a netfilter hook, any other is only jumped to.
public struct Chain: Sendable, Hashable {
    /// Where a base chain hangs.
    public struct Base: Sendable, Hashable {
        public enum Kind: String, Sendable, Hashable {
            case filter
            case nat
            case route
        }

        /// `enum nf_inet_hooks`.
        public enum Hook: UInt32, Sendable, Hashable {
            case prerouting = 0
            case input = 1
            case forward = 2
            case output = 3
            case postrouting = 4
        }

        public let kind: Kind
        public let hook: Hook
        /// Lower runs first; -100 is `dstnat`, 0 `filter`, 100 `srcnat`.
        public let priority: Int32

        public init(_ kind: Kind, _ hook: Hook, priority: Int32) {
            self.kind = kind
            self.hook = hook
            self.priority = priority
        }
    }

    public let name: String
    public let base: Base?

    public init(name: String, base: Base? = nil) {
        self.name = name
        self.base = base
    }
}
