internal import KubernetesAPI

/// The rules of one host, merged and compiled: a piece of ``RouteTable`` whose numbers begin at 0. Immutable, and made
/// anew only when an Ingress that names the host changes.
final class HostRoutes: Sendable {
    /// A route and what the table keeps of it. The ranges in `settings` are those of this host's `text`.
    struct Planned {
        var route: Route
        var target: RouteTarget
        var settings: RouteSettings
        /// It has no backend of its own and goes where the default for all hosts goes (B7).
        var followsDefault = false
    }

    let host: String
    /// `root` is -1 where the default for all hosts counts.
    let layout: RouteTable.Host
    let slots: [RouteTable.Slot]
    let text: [UInt8]
    let routes: [Planned]
    let clientAuthentication: ClientAuthentication?

    init(_ merged: HostMerge, seed: RouteHash.Seed) {
        self.host = merged.host
        self.clientAuthentication = merged.clientAuthentication
        var text: [UInt8] = []
        var routes: [Planned] = []
        var affinities: [AffinityText: RouteAffinity] = [:]
        for item in merged.routes {
            var planned = item.planned
            planned.settings.affinity = AffinityText(item.affinity, path: planned.route.path)
                .map { Self.affinity($0, &text, &affinities) } ?? .none
            routes.append(planned)
        }
        self.routes = routes

        // By text: each with what it is for Prefix and what for Exact.
        var keys: [String: (prefix: Int32, exact: Int32)] = [:]
        var root = merged.fallback.map { Int32($0) } ?? -1
        for (index, item) in merged.routes.enumerated() where !item.planned.route.isDefault {
            let path = item.path
            if item.isExact {
                keys[path.text, default: (-1, -1)].exact = Int32(index)
            } else if path.element.isEmpty {
                root = Int32(index)
            } else if let other = keys[path.element]?.prefix, other >= 0,
                merged.routes[Int(other)].path.text.utf8.count > path.text.utf8.count
            {
                // The longer text goes first, for both (P4).
                continue
            } else {
                keys[path.element, default: (-1, -1)].prefix = Int32(index)
            }
        }

        var slots: [RouteTable.Slot] = []
        var layout = RouteTable.Host(slots: 0, mask: 0, depth: 0, length: 0, root: root, hasCollisions: false)
        if !keys.isEmpty {
            slots = [RouteTable.Slot](repeating: .none, count: max(2, keys.count * 2).roundedUpToPowerOfTwo)
            layout.mask = UInt32(slots.count - 1)
            // Sorted, so that the same rules are compiled to the same table.
            for (key, value) in keys.sorted(by: { $0.key < $1.key }) {
                let range = TextRange(offset: UInt32(text.count), count: UInt32(key.utf8.count))
                text.append(contentsOf: key.utf8)
                let (hash, depth) = Self.hash(text.span.extracting(range.bounds), seed)
                layout.depth = max(layout.depth, depth)
                layout.length = max(layout.length, range.count)
                var place = UInt32(truncatingIfNeeded: hash) & layout.mask
                while !slots[Int(place)].isEmpty {
                    if slots[Int(place)].hash == hash { layout.hasCollisions = true }
                    place = (place + 1) & layout.mask
                }
                slots[Int(place)] = RouteTable.Slot(
                    hash: hash, text: range, prefix: value.prefix, exact: value.exact)
            }
        }
        self.layout = layout
        self.slots = slots
        self.text = text
    }

    /// Of a key, and how many elements it has.
    private static func hash(_ key: Span<UInt8>, _ seed: RouteHash.Seed) -> (hash: UInt64, depth: UInt32) {
        var hash = RouteHash(seed)
        var depth: UInt32 = 1
        for index in 1..<key.count {
            if key[index] == UInt8(ascii: "/") {
                hash.endElement()
                depth += 1
            } else {
                hash.append(key[index])
            }
        }
        hash.endElement()
        return (hash.value, depth)
    }

    private static func affinity(
        _ affinity: AffinityText, _ text: inout [UInt8], _ known: inout [AffinityText: RouteAffinity]
    ) -> RouteAffinity {
        if let range = known[affinity] { return range }
        func append(_ piece: String) -> TextRange {
            let start = text.count
            text.append(contentsOf: piece.utf8)
            return TextRange(offset: UInt32(start), count: UInt32(text.count - start))
        }
        let range = RouteAffinity(
            kind: affinity.kind, security: affinity.security, name: append(affinity.name),
            attributes: append(affinity.attributes))
        known[affinity] = range
        return range
    }
}

/// What ``RouteAffinity`` leads to, as text.
private struct AffinityText: Hashable {
    let kind: RouteAffinity.Kind
    let security: RouteAffinity.Security
    let name: String
    let attributes: String

    init?(_ policy: AffinityPolicy?, path: String) {
        switch policy {
        case nil: return nil
        case .header(let name):
            self.init(kind: .header, security: .never, name: name, attributes: "")
        case .cookie(let cookie):
            self.init(
                kind: .cookie, security: cookie.security, name: cookie.name,
                attributes: cookie.attributes(path: path))
        }
    }

    private init(kind: RouteAffinity.Kind, security: RouteAffinity.Security, name: String, attributes: String) {
        self.kind = kind
        self.security = security
        self.name = name
        self.attributes = attributes
    }
}

extension RouteTable.Slot {
    static var none: Self { Self(hash: 0, text: .empty, prefix: -1, exact: -1) }
}
