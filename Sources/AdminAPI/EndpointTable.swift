internal import Networking
internal import ServiceModel

/// What `fairlead get endpoints` prints.
extension EndpointList: PagedList {
    private static let none = "<none>"
    private static let header = [
        "NAMESPACE", "SERVICE", "PORT", "ENDPOINT", "SERVED-BY", "STATE", "CONNECTIONS", "AGE",
    ]
    private static let wideHeader = ["NODE", "ZONE", "LAST-FAILURE"]

    package var isEmpty: Bool { self.items.isEmpty }

    package static func table(isWide: Bool) -> TextTable {
        TextTable(header: self.header + (isWide ? self.wideHeader : []))
    }

    package func append(to table: inout TextTable, isWide: Bool, now: Int64) {
        for item in self.items {
            var cells = [
                item.namespace, item.service, "\(item.portText)/\(item.transport.kubernetesName)", item.address,
                item.servedBy?.rawValue ?? Self.none, Self.state(item), item.connections.map { "\($0)" } ?? "-",
                item.since.map { Age.text(seconds: (now - $0) / 1_000_000_000) } ?? Age.unknown,
            ]
            if isWide { cells += [item.node ?? Self.none, item.zone ?? Self.none, item.lastFailure ?? Self.none] }
            table.append(cells)
        }
    }

    package var names: String {
        self.items.map { "endpoint/\($0.namespace)/\($0.service)/\($0.portText)/\($0.address)\n" }.joined()
    }

    private static func state(_ item: EndpointItem) -> String {
        item.share.map { "\(item.state.rawValue)(\($0)%)" } ?? item.state.rawValue
    }
}
