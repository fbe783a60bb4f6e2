internal import Networking
internal import Observability
package import ServiceModel

/// An address or node port at which the kernel serves a Service: an item of `GET /v1/frontends`.
package struct FrontendItem: ListItem {
    package private(set) var service = ""
    /// As traces spell it.
    package private(set) var frontend = ""
    /// `exact`, `differs` or `changing`.
    package private(set) var kernel = ""
    package private(set) var wrongElements = 0
    package private(set) var connections = 0
    package private(set) var bytes: Int?

    package static let listKind = "FrontendList"
    package static let header = ["SERVICE", "FRONTEND", "KERNEL", "CONNECTIONS"]
    package static let wideHeader = ["WRONG-ELEMENTS", "BYTES"]

    package var cells: [String] {
        [
            self.service, self.frontend, self.kernel, "\(self.connections)", "\(self.wrongElements)",
            self.bytes.map { "\($0)" } ?? "<not accounted>",
        ]
    }

    package var name: String { "frontend/\(self.frontend)" }

    /// - Parameters:
    ///   - service: `namespace/name:port`.
    ///   - bytes: nil where the kernel does not account.
    package init(
        service: String, frontend: Frontend, kernel: String, wrongElements: Int, connections: Int, bytes: UInt64?
    ) {
        self.service = service
        self.frontend = "\(frontend)"
        self.kernel = kernel
        self.wrongElements = wrongElements
        self.connections = connections
        self.bytes = bytes.map { Int(clamping: $0) }
    }

    package init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "service": self.service = try json.string()
            case "frontend": self.frontend = try json.string()
            case "kernel": self.kernel = try json.string()
            case "wrongElements": self.wrongElements = try json.integer()
            case "connections": self.connections = try json.integer()
            case "bytes": self.bytes = try json.integer()
            default: try json.skip()
            }
        }
        guard !self.service.isEmpty, !self.frontend.isEmpty, !self.kernel.isEmpty else { throw json.malformed }
    }

    /// What a list says of the table as a whole; nil: nothing.
    package static func isTableExact(json: [UInt8]) -> Bool? {
        var isExact: Bool?
        let isOne = APIDocument.read(json, Self.listKind) { (name, json) throws(JSONReader.Malformed) in
            if name == "tableIsExact" { isExact = try json.boolean() } else { try json.skip() }
        }
        return isOne ? isExact : nil
    }

    /// The list, sorted by Service and frontend.
    ///
    /// - Parameter isTableExact: all is as planned, and nothing else is there; nil: it was changing.
    package static func document(_ items: [FrontendItem], isTableExact: Bool?) -> String {
        APIDocument.text(Self.listKind) { json in
            if let isTableExact { json.member("tableIsExact", isTableExact) }
            json.array("items") { json in
                for item in items.sorted(by: { ($0.service, $0.frontend) < ($1.service, $1.frontend) }) {
                    json.object { json in
                        json.member("service", item.service)
                        json.member("frontend", item.frontend)
                        json.member("kernel", item.kernel)
                        json.member("wrongElements", item.wrongElements)
                        json.member("connections", item.connections)
                        if let bytes = item.bytes { json.member("bytes", bytes) }
                    }
                }
            }
        }
    }
}
