internal import Observability

/// An item of one of the lists that the ingress role answers.
package protocol ListItem: Hashable, Sendable {
    static var listKind: String { get }
    /// Of what `fairlead get` prints.
    static var header: [String] { get }
    static var wideHeader: [String] { get }
    /// As many as ``header`` has, and then as many as ``wideHeader``.
    var cells: [String] { get }
    /// As `-o name` has it.
    var name: String { get }
    init(reading json: inout JSONReader) throws(JSONReader.Malformed)
}

extension ListItem {
    /// Reads a whole list. Members that are new are passed over.
    package static func list(json: [UInt8]) throws(APIFailure) -> [Self] {
        var items: [Self] = []
        let isOne = APIDocument.read(json, Self.listKind) { (name, json) throws(JSONReader.Malformed) in
            guard name == "items" else { return try json.skip() }
            try json.array { (json) throws(JSONReader.Malformed) in items.append(try Self(reading: &json)) }
        }
        guard isOne else {
            throw APIFailure(code: 502, message: "the answer is no \(Self.listKind) of \(APIDocument.version)")
        }
        return items
    }

    package static func table(_ items: [Self], isWide: Bool) -> String {
        let header = Self.header + (isWide ? Self.wideHeader : [])
        var table = TextTable(header: header)
        for item in items { table.append(Array(item.cells.prefix(header.count))) }
        return table.text
    }
}

/// A path that requests are matched with: an item of `GET /v1/routes`.
package struct RouteItem: ListItem {
    package private(set) var host = ""
    package private(set) var path = ""
    package private(set) var pathType = ""
    package private(set) var ingress: String?
    package private(set) var isDefault = false
    package private(set) var backend: String?
    /// `available`, or why its requests are answered with an error.
    package private(set) var state = ""
    package private(set) var redirects = false
    package private(set) var demandsCertificate = false
    /// Since the process has known it with this Ingress and backend; nil: it is not counted by itself.
    package private(set) var requests: Int?
    /// Of those, how many were answered with 5xx.
    package private(set) var serverErrors: Int?
    /// Half of its requests took so many milliseconds, or less; nil: it had none, or it was longer than any bound.
    package private(set) var median: Int?
    /// The same of 99 percent.
    package private(set) var slowest: Int?

    package static let listKind = "RouteList"
    package static let header = ["HOST", "PATH", "TYPE", "INGRESS", "BACKEND", "STATE"]
    package static let wideHeader = ["HTTPS-REDIRECT", "CLIENT-CERTIFICATE", "REQUESTS", "5XX", "P50", "P99"]

    package var cells: [String] {
        func time(_ milliseconds: Int?) -> String { milliseconds.map { "<=\($0)ms" } ?? "-" }
        return [
            self.host.isEmpty ? "*" : self.host, self.isDefault ? "<default>" : self.path, self.pathType,
            self.ingress ?? "<none>", self.backend ?? "<none>", self.state, self.redirects ? "yes" : "no",
            self.demandsCertificate ? "yes" : "no", self.requests.map { "\($0)" } ?? "-",
            self.serverErrors.map { "\($0)" } ?? "-", time(self.median), time(self.slowest),
        ]
    }

    package var name: String { "route/\(self.host.isEmpty ? "*" : self.host)\(self.path)" }

    package init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "host": self.host = try json.string()
            case "path": self.path = try json.string()
            case "pathType": self.pathType = try json.string()
            case "ingress": self.ingress = try json.string()
            case "default": self.isDefault = try json.boolean()
            case "backend": self.backend = try json.string()
            case "state": self.state = try json.string()
            case "sslRedirect": self.redirects = try json.boolean()
            case "clientCertificate": self.demandsCertificate = try json.boolean()
            case "requests": self.requests = try json.integer()
            case "serverErrors": self.serverErrors = try json.integer()
            case "p50Milliseconds": self.median = try json.integer()
            case "p99Milliseconds": self.slowest = try json.integer()
            default: try json.skip()
            }
        }
        guard !self.path.isEmpty, !self.state.isEmpty else { throw json.malformed }
    }
}

/// A certificate that is shown or asked for: an item of `GET /v1/certificates`.
package struct CertificateItem: ListItem {
    package private(set) var secret: String?
    package private(set) var isDefault = false
    /// `valid`, `expiring`, `expired`, `missing` or `invalid`.
    package private(set) var state = ""
    package private(set) var problem: String?
    package private(set) var hosts: [String] = []
    package private(set) var names: [String] = []
    package private(set) var issuer = ""
    package private(set) var key = ""
    package private(set) var notAfter = ""

    package static let listKind = "CertificateList"
    package static let header = ["SECRET", "STATE", "NOT-AFTER", "HOSTS", "NAMES"]
    package static let wideHeader = ["DEFAULT", "KEY", "ISSUER", "PROBLEM"]

    package var cells: [String] {
        func text(_ list: [String]) -> String { list.isEmpty ? "<none>" : list.joined(separator: ",") }
        func text(_ value: String) -> String { value.isEmpty ? "<none>" : value }
        return [
            self.secret ?? "<generated>", self.state, text(self.notAfter), text(self.hosts), text(self.names),
            self.isDefault ? "yes" : "no", text(self.key), text(self.issuer), self.problem ?? "<none>",
        ]
    }

    package var name: String { "certificate/\(self.secret ?? "<generated>")" }

    package init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "secret": self.secret = try json.string()
            case "default": self.isDefault = try json.boolean()
            case "state": self.state = try json.string()
            case "problem": self.problem = try json.string()
            case "hosts": self.hosts = try json.strings()
            case "names": self.names = try json.strings()
            case "issuer": self.issuer = try json.string()
            case "key": self.key = try json.string()
            case "notAfter": self.notAfter = try json.string()
            default: try json.skip()
            }
        }
        guard !self.state.isEmpty else { throw json.malformed }
    }
}

/// What an object asks for and does not get: an item of `GET /v1/problems`.
package struct ProblemItem: ListItem {
    package private(set) var object = ""
    /// `note`, `warning` or `error`.
    package private(set) var severity = ""
    package private(set) var reason = ""
    package private(set) var message = ""

    package static let listKind = "ProblemList"
    package static let header = ["OBJECT", "SEVERITY", "REASON", "MESSAGE"]
    package static let wideHeader: [String] = []

    package var cells: [String] { [self.object, self.severity, self.reason, self.message] }
    package var name: String { "problem/\(self.object)/\(self.reason)" }

    package init(reading json: inout JSONReader) throws(JSONReader.Malformed) {
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "object": self.object = try json.string()
            case "severity": self.severity = try json.string()
            case "reason": self.reason = try json.string()
            case "message": self.message = try json.string()
            default: try json.skip()
            }
        }
        guard !self.object.isEmpty, !self.message.isEmpty else { throw json.malformed }
    }
}
