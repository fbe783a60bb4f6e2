internal import Networking

/// What `fairlead get services` prints.
extension ServiceList: PagedList {
    private static let none = "<none>"
    private static let header = [
        "NAMESPACE", "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "READY", "SERVED-BY",
    ]
    private static let wideHeader = ["EXTERNAL-POLICY", "INTERNAL-POLICY", "AFFINITY", "PROBLEMS"]

    package var isEmpty: Bool { self.items.isEmpty }

    package static func table(isWide: Bool) -> TextTable {
        TextTable(header: self.header + (isWide ? self.wideHeader : []))
    }

    package func append(to table: inout TextTable, isWide: Bool, now: Int64) {
        for item in self.items {
            var cells = [
                item.namespace, item.name, item.type, Self.text(item.clusterIPs), Self.text(item.externalIPs),
                Self.text(item.ports.map(Self.text)), Self.ready(item), Self.server(item),
            ]
            if isWide {
                cells += [
                    item.externalPolicy, item.internalPolicy, item.affinity.map { "ClientIP(\($0)s)" } ?? Self.none,
                    Self.text(item.problems, separator: "; "),
                ]
            }
            table.append(cells)
        }
    }

    package var names: String { self.items.map { "service/\($0.namespace)/\($0.name)\n" }.joined() }

    private static func text(_ values: [String], separator: String = ",") -> String {
        values.isEmpty ? self.none : values.joined(separator: separator)
    }

    /// `80:30080/TCP`, as kubectl has it.
    private static func text(_ port: ServiceItem.Port) -> String {
        "\(port.number)\(port.nodePort.map { ":\($0)" } ?? "")/\(port.transport.kubernetesName)"
    }

    /// Of the port that has the smallest part of its endpoints: what is wrong is not to be hidden by what is right.
    private static func ready(_ item: ServiceItem) -> String {
        let worst = item.ports.min { $0.ready * max(1, $1.listed) < $1.ready * max(1, $0.listed) }
        return worst.map { "\($0.ready)/\($0.listed)" } ?? "-"
    }

    private static func server(_ item: ServiceItem) -> String {
        let servers = Set(item.ports.map { $0.servedBy?.rawValue ?? "nobody" })
        return servers.isEmpty ? self.none : servers.sorted().joined(separator: ",")
    }
}
