internal import Networking
internal import Observability
package import ServiceModel

/// An address or node port at which the kernel serves a Service: an item of `GET /v1/frontends`.
package struct FrontendItem: Hashable, Sendable {
    package private(set) var service = ""
    /// As traces spell it.
    package private(set) var frontend = ""
    /// `exact`, `differs` or `changing`.
    package private(set) var kernel = ""
    package private(set) var wrongElements = 0
    package private(set) var connections = 0
    package private(set) var bytes: Int?

    static let header = ["SERVICE", "FRONTEND", "KERNEL", "CONNECTIONS"]
    static let wideHeader = ["WRONG-ELEMENTS", "BYTES"]

    /// As many as ``header`` has, and then as many as ``wideHeader``.
    var cells: [String] {
        [
            self.service, self.frontend, self.kernel, "\(self.connections)", "\(self.wrongElements)",
            self.bytes.map { "\($0)" } ?? "<not accounted>",
        ]
    }

    /// As `-o name` has it.
    var name: String { "frontend/\(self.frontend)" }

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

    init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
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

    func write(to json: inout JSONText) {
        json.member("service", self.service)
        json.member("frontend", self.frontend)
        json.member("kernel", self.kernel)
        json.member("wrongElements", self.wrongElements)
        json.member("connections", self.connections)
        if let bytes { json.member("bytes", bytes) }
    }
}
