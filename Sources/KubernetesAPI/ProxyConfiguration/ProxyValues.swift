package import Networking

/// `mode`, `--proxy-mode`: what kube-proxy programs. Fairlead programs nftables whatever it says; two
/// defaults follow the mode, and so does the section that `masqueradeAll` and the periods are read from.
package enum ProxyMode: String, Hashable, Sendable, CaseIterable {
    /// Nothing said. To kube-proxy before 1.40 that is iptables.
    case unset = ""
    case iptables
    case ipvs
    case nftables
}

extension ProxyMode: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        if let mode = ProxyMode(rawValue: text) {
            self = mode
            return
        }
        switch text {
        case "userspace", "kernelspace":
            throw ConfigurationValueError(
                "must be nftables, iptables or ipvs: mode \(text) is \(text == "userspace" ? "long gone" : "for Windows")"
            )
        default:
            throw ConfigurationValueError(text, mustBe: "nftables, iptables or ipvs")
        }
    }

    var isZero: Bool { self == .unset }
    var literal: ConfigurationLiteral { .string(self.rawValue) }
}

/// `detectLocalMode`: how pods are told from everybody else.
package enum DetectLocalMode: String, Hashable, Sendable, CaseIterable {
    case clusterCIDR = "ClusterCIDR"
    case nodeCIDR = "NodeCIDR"
    case bridgeInterface = "BridgeInterface"
    case interfaceNamePrefix = "InterfaceNamePrefix"
}

extension DetectLocalMode: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        if text.isEmpty {
            self = .clusterCIDR
        } else if let mode = DetectLocalMode(rawValue: text) {
            self = mode
        } else {
            let names = Self.allCases.map(\.rawValue)
            throw ConfigurationValueError(
                text, mustBe: names.dropLast().joined(separator: ", ") + " or " + (names.last ?? ""))
        }
    }

    var isZero: Bool { false }
    var literal: ConfigurationLiteral { .string(self.rawValue) }
}

/// `clusterCIDR`: where pods' addresses come from, at most one block of each family, divided by a comma.
package struct ClusterBlocks: Hashable, Sendable {
    package let blocks: [CIDR]

    package init(_ blocks: [CIDR] = []) { self.blocks = blocks }
}

extension ClusterBlocks: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        guard !text.isEmpty else {
            self.blocks = []
            return
        }
        var blocks: [CIDR] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let block = CIDR(String(part)) else {
                throw ConfigurationValueError(
                    String(part), mustBe: "address blocks such as 10.244.0.0/16 or fd00:10:244::/48")
            }
            guard !blocks.contains(where: { $0.family == block.family }) else {
                throw ConfigurationValueError(text, mustBe: "at most one block of each IP version")
            }
            blocks.append(block)
        }
        self.blocks = blocks
    }

    var isZero: Bool { self.blocks.isEmpty }
    var literal: ConfigurationLiteral { .string(self.blocks.map(\.description).joined(separator: ",")) }
}

/// `nodePortAddresses`: which of the node's addresses take NodePorts.
package enum NodePortAddresses: Hashable, Sendable {
    /// Nothing said: the mode decides.
    case unset
    /// The node's primary address of each family.
    case primary
    /// Those in the blocks. A family without a block answers on all its addresses.
    case blocks([CIDR])
}

extension NodePortAddresses: ConfigurationValue {
    init(parsing text: String) throws(ConfigurationValueError) {
        let items = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        self = try Self.of(items)
    }

    /// The keywords are kube-proxy's: `primary`, and since 1.37 `all` and `localhost`.
    private static func of(_ items: [String]) throws(ConfigurationValueError) -> NodePortAddresses {
        if items.isEmpty { return .unset }
        if items == ["primary"] { return .primary }
        var blocks: [CIDR] = []
        for item in items {
            switch item {
            case "primary":
                throw ConfigurationValueError("primary must be the only one")
            case "all":
                blocks += ["0.0.0.0/0", "::/0"].compactMap { CIDR($0) }
            case "localhost":
                blocks += ["127.0.0.0/8", "::1/128"].compactMap { CIDR($0) }
            default:
                guard let block = CIDR(item) else {
                    throw ConfigurationValueError(
                        item, mustBe: "primary or address blocks such as 192.0.2.0/24 or 2001:db8::/64")
                }
                blocks.append(block)
            }
        }
        return .blocks(blocks)
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> NodePortAddresses? {
        guard let list = StringList.read(node, &reader) else { return nil }
        do throws(ConfigurationValueError) {
            return try self.of(list.items)
        } catch {
            reader.fail(node, error.reason)
            return nil
        }
    }

    var isZero: Bool { self == .unset }

    var literal: ConfigurationLiteral {
        switch self {
        case .unset: .null
        case .primary: .list([.string("primary")])
        case .blocks(let blocks): .list(blocks.map { .string($0.description) })
        }
    }
}

/// `featureGates`: switches by name. Only `AllowServiceExternalIPs` has a meaning here.
package struct FeatureGates: Hashable, Sendable {
    package var switches: [String: Bool]

    package init(_ switches: [String: Bool] = [:]) { self.switches = switches }

    /// `AllowServiceExternalIPs` (KEP-5707): whether `spec.externalIPs` counts.
    package var allowsExternalIPs: Bool { self.switches[Self.externalIPs] ?? true }

    static let externalIPs = "AllowServiceExternalIPs"
}

extension FeatureGates: ConfigurationValue {
    /// `NAME=true,NAME=false`.
    init(parsing text: String) throws(ConfigurationValueError) {
        self.switches = [:]
        for gate in text.split(separator: ",") {
            let sides = gate.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2, let value = try? Bool(parsing: sides[1]) else {
                throw ConfigurationValueError(String(gate), mustBe: "NAME=true or NAME=false")
            }
            self.switches[sides[0]] = value
        }
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> FeatureGates? {
        guard reader.isMapping(node) else { return nil }
        var gates = FeatureGates()
        var name: String?
        for (position, child) in node.children.enumerated() {
            if position.isMultiple(of: 2) {
                name = child.isScalar ? child.text : nil
            } else if let name, !child.isNull, let value = Bool.read(child, &reader) {
                gates.switches[name] = value
            }
        }
        return gates
    }

    var isZero: Bool { self.switches.isEmpty }

    var literal: ConfigurationLiteral {
        .mapping(self.switches.sorted { $0.key < $1.key }.map { .init($0.key, .boolean($0.value)) })
    }
}
