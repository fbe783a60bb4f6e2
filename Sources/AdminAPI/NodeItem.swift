internal import Observability

/// The node that is asked: the one item of `GET /v1/nodes`.
package struct NodeItem: ListItem {
    package private(set) var node = ""
    package private(set) var dataplane = ""
    package private(set) var services = 0
    package private(set) var endpoints = 0
    package private(set) var zone: String?
    package private(set) var addresses: [String] = []
    package private(set) var serviceCIDRs: [String] = []
    package private(set) var pods: [String] = []
    package private(set) var version = ""

    package static let listKind = "NodeList"
    package static let header = ["NAME", "DATAPLANE", "SERVICES", "ENDPOINTS", "ZONE", "NODEPORT-ADDRESSES", "VERSION"]
    package static let wideHeader = ["PODS", "SERVICE-CIDRS"]

    package var cells: [String] {
        func text(_ list: [String]) -> String { list.isEmpty ? "<none>" : list.joined(separator: ",") }
        return [
            self.name, self.dataplane, "\(self.services)", "\(self.endpoints)", self.zone ?? "<none>",
            text(self.addresses), self.version, text(self.pods), text(self.serviceCIDRs),
        ]
    }

    package var name: String { self.node }

    /// - Parameters:
    ///   - dataplane: `nftables` or `userspace`.
    ///   - endpoints: of all Services, ready or not.
    ///   - pods: blocks, or interfaces.
    package init(
        node: String, dataplane: String, services: Int, endpoints: Int, zone: String?, addresses: [String],
        serviceCIDRs: [String], pods: [String], version: String
    ) {
        self.node = node
        self.dataplane = dataplane
        self.services = services
        self.endpoints = endpoints
        self.zone = zone
        self.addresses = addresses
        self.serviceCIDRs = serviceCIDRs
        self.pods = pods
        self.version = version
    }

    package init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "name": self.node = try json.string()
            case "dataplane": self.dataplane = try json.string()
            case "services": self.services = try json.integer()
            case "endpoints": self.endpoints = try json.integer()
            case "zone": self.zone = try json.string()
            case "nodePortAddresses": self.addresses = try json.strings()
            case "serviceCIDRs": self.serviceCIDRs = try json.strings()
            case "pods": self.pods = try json.strings()
            case "version": self.version = try json.string()
            default: try json.skip()
            }
        }
        guard !self.node.isEmpty, !self.dataplane.isEmpty else { throw json.malformed }
    }

    package static func document(_ items: [NodeItem]) -> String {
        APIDocument.text(Self.listKind) { json in
            json.array("items") { json in
                for item in items {
                    json.object { json in
                        json.member("name", item.node)
                        json.member("dataplane", item.dataplane)
                        json.member("services", item.services)
                        json.member("endpoints", item.endpoints)
                        json.member("zone", item.zone)
                        json.array("nodePortAddresses", item.addresses)
                        json.array("serviceCIDRs", item.serviceCIDRs)
                        json.array("pods", item.pods)
                        json.member("version", item.version)
                    }
                }
            }
        }
    }
}
