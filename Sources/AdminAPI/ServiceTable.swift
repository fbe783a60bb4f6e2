internal import Networking

/// What `fairlead get services` prints.
package enum ServiceTable {
    private static let none = "<none>"
    private static let header = [
        "NAMESPACE", "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "READY", "SERVED-BY",
    ]
    private static let wideHeader = ["EXTERNAL-POLICY", "INTERNAL-POLICY", "AFFINITY", "PROBLEMS"]

    /// - Parameter isWide: as `-o wide`.
    package static func text(_ list: ServiceList, isWide: Bool = false) -> String {
        var table = TextTable(header: self.header + (isWide ? self.wideHeader : []))
        for item in list.items {
            var cells = [
                item.namespace, item.name, item.type, self.text(item.clusterIPs), self.text(item.externalIPs),
                self.text(item.ports.map(self.text)), self.ready(item), self.server(item),
            ]
            if isWide {
                cells += [
                    item.externalPolicy, item.internalPolicy, item.affinity.map { "ClientIP(\($0)s)" } ?? self.none,
                    self.text(item.problems, separator: "; "),
                ]
            }
            table.append(cells)
        }
        return table.text
    }

    /// `-o name`: a line for each.
    package static func names(_ list: ServiceList) -> String {
        list.items.map { "service/\($0.namespace)/\($0.name)\n" }.joined()
    }

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
