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
    var yaml: String { self.rawValue.yaml }
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
    var yaml: String { self.rawValue.yaml }
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
    var yaml: String { self.blocks.map(\.description).joined(separator: ",").yaml }
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

    var yaml: String {
        switch self {
        case .unset: "null"
        case .primary: "[primary]"
        case .blocks(let blocks): StringList(blocks.map(\.description)).yaml
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

    var yaml: String {
        let entries = self.switches.sorted { $0.key < $1.key }.map { "\($0.key.yaml): \($0.value)" }
        return "{\(entries.joined(separator: ", "))}"
    }
}

/// `logging.flushFrequency`: a duration, or nanoseconds as a number.
package struct FlushFrequency: ConfigurationValue {
    package var duration: GoDuration

    package init(_ duration: GoDuration) { self.duration = duration }

    init(parsing text: String) throws(ConfigurationValueError) { self.duration = try GoDuration(parsing: text) }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> FlushFrequency? {
        if node.isScalar, case .integer(let nanoseconds) = node.form {
            return FlushFrequency(GoDuration(nanoseconds: nanoseconds))
        }
        return GoDuration.read(node, &reader).map { FlushFrequency($0) }
    }

    var isZero: Bool { self.duration.isZero }
    var yaml: String { self.duration.yaml }
}

/// A `resource.Quantity`, which nothing here reads: text or a number.
package struct QuantityText: ConfigurationValue {
    package var text: String

    package init(_ text: String) { self.text = text }
    init(parsing text: String) { self.text = text }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> QuantityText? {
        guard node.isScalar else {
            reader.fail(node, "must be a quantity such as 0 or 64Ki, not \(ManifestReader.describe(node))")
            return nil
        }
        return QuantityText(node.text)
    }

    var isZero: Bool { self.text.isEmpty || self.text == "0" }
    var yaml: String { self.text.yaml }
}

/// `logging.vmodule`: verbosity by file of kube-proxy's source, as `pattern=N`.
package struct VerbosityByFile: ConfigurationValue {
    package var patterns: [String: Int]

    package init(_ patterns: [String: Int] = [:]) { self.patterns = patterns }

    init(parsing text: String) throws(ConfigurationValueError) {
        self.patterns = [:]
        for item in text.split(separator: ",") {
            let sides = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2, let verbosity = UInt32(sides[1]) else {
                throw ConfigurationValueError(String(item), mustBe: "PATTERN=N")
            }
            self.patterns[sides[0]] = Int(verbosity)
        }
    }

    static func read(_ node: ManifestNode, _ reader: inout ManifestReader) -> VerbosityByFile? {
        guard node.kind == .sequence else {
            reader.fail(node, "must be a list, not \(ManifestReader.describe(node))")
            return nil
        }
        var value = VerbosityByFile()
        for item in node.children where reader.isMapping(item) {
            guard let pattern = reader.string("filePattern", of: item) else { continue }
            value.patterns[pattern] = reader.integer("verbosity", of: item, in: 0...Int(UInt32.max)) ?? 0
        }
        return value
    }

    var isZero: Bool { self.patterns.isEmpty }

    var yaml: String {
        let items = self.patterns.sorted { $0.key < $1.key }.map {
            "{filePattern: \($0.key.yaml), verbosity: \($0.value)}"
        }
        return "[\(items.joined(separator: ", "))]"
    }
}
