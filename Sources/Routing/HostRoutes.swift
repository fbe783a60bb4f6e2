internal import KubernetesAPI

/// The rules of one host, merged and compiled: a piece of ``RouteTable`` whose numbers begin at 0. Immutable, and made
/// anew only when an Ingress that names the host changes.
final class HostRoutes: Sendable {
    /// Empty for the rules, or the default, for all hosts.
    let host: String
    let isWildcard: Bool
    /// Of the host's name in `text`; of a wildcard what follows the `*`.
    let name: TextRange
    let nameHash: UInt64
    /// `root` is -1 where the default for all hosts counts.
    let layout: RouteTable.Paths
    let slots: [RouteTable.PathSlot]
    let text: [UInt8]
    let routes: [Route]
    /// One for each of `routes`.
    let entries: [RouteTable.Entry]
    let clientAuthentication: ClientAuthentication?

    /// - Parameter meters: one for each of the routes.
    init(_ merged: HostMerge, seed: RouteHash.Seed, meters: [RouteMeter]) {
        self.host = merged.host
        self.clientAuthentication = merged.clientAuthentication
        self.isWildcard = HostName.isWildcard(merged.host)
        // The name and the paths side by side: who reads one needs the other.
        var text = Array(self.isWildcard ? merged.host.utf8.dropFirst() : merged.host.utf8[...])
        self.name = TextRange(offset: 0, count: UInt32(text.count))
        self.nameHash = RouteHash.host(text.span, from: 0, seed)

        let paths = PathTable(merged, &text, seed)
        self.layout = paths.layout
        self.slots = paths.slots
        var affinities: [AffinityText: RouteAffinity] = [:]
        self.routes = merged.routes.map(\.route)
        self.entries = merged.routes.enumerated().map { ordinal, item in
            var settings = item.settings
            settings.affinity =
                AffinityText(item.affinity, path: item.route.path).map { Self.affinity($0, &text, &affinities) }
                ?? .none
            settings.meter = meters[ordinal]
            return RouteTable.Entry(target: item.target, block: 0, ordinal: Int32(ordinal), settings: settings)
        }
        self.text = text
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
