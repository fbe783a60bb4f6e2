internal import Networking
internal import ServiceModel

/// What `fairlead get endpoints` prints.
package enum EndpointTable {
    private static let none = "<none>"
    private static let header = [
        "NAMESPACE", "SERVICE", "PORT", "ENDPOINT", "SERVED-BY", "STATE", "CONNECTIONS", "AGE",
    ]
    private static let wideHeader = ["NODE", "ZONE", "LAST-FAILURE"]

    /// - Parameters:
    ///   - isWide: as `-o wide`.
    ///   - now: nanoseconds since 1970.
    package static func text(_ list: EndpointList, isWide: Bool = false, now: Int64) -> String {
        var table = TextTable(header: self.header + (isWide ? self.wideHeader : []))
        for item in list.items {
            var cells = [
                item.namespace, item.service, "\(item.portText)/\(item.transport.kubernetesName)", item.address,
                item.servedBy?.rawValue ?? self.none, self.state(item), item.connections.map { "\($0)" } ?? "-",
                item.since.map { Age.text(seconds: (now - $0) / 1_000_000_000) } ?? Age.unknown,
            ]
            if isWide { cells += [item.node ?? self.none, item.zone ?? self.none, item.lastFailure ?? self.none] }
            table.append(cells)
        }
        return table.text
    }

    /// `-o name`: a line for each endpoint.
    package static func names(_ list: EndpointList) -> String {
        list.items.map { "endpoint/\($0.namespace)/\($0.service)/\($0.portText)/\($0.address)\n" }.joined()
    }

    private static func state(_ item: EndpointItem) -> String {
        item.share.map { "\(item.state.rawValue)(\($0)%)" } ?? item.state.rawValue
    }
}
