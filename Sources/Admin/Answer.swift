/// What somebody asks for: `GET /healthz`.
package struct Request: Hashable, Sendable {
    /// GET, or HEAD, which is answered alike and loses its body on the way out; or anything else.
    package let method: String
    /// Without the query, not decoded.
    package let path: String
    /// What stands behind the question mark, not decoded; empty where there is none.
    package let query: String
    /// What the header fields say; nil where they are not there.
    package var host: String?
    package var authorization: String?

    package init(method: String = "GET", path: String, query: String = "") {
        self.method = method
        self.path = path
        self.query = query
    }

    /// From the target of a request line: `/path?query`, or the whole URL as proxies write it (RFC 9112
    /// section 3.2).
    init(method: String, target: String) {
        var path = target[...]
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            let authority = path[scheme.upperBound...]
            path = authority.firstIndex(of: "/").map { authority[$0...] } ?? "/"
        }
        path = path.prefix { $0 != "#" }
        let end = path.firstIndex(of: "?") ?? path.endIndex
        self.init(method: method, path: String(path[..<end]), query: String(path[end...].dropFirst()))
    }
}

/// What is answered.
package struct Answer: Hashable, Sendable {
    package enum Status: Int, Hashable, Sendable {
        case ok = 200
        case badRequest = 400
        case unauthorized = 401
        case notFound = 404
        case methodNotAllowed = 405
        case misdirected = 421
        case serviceUnavailable = 503
    }

    /// A header field besides those of the message itself.
    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var status: Status
    /// Sent in this order.
    package var fields: [Field]
    package var body: String

    /// - Parameters:
    ///   - type: what the body is. Browsers are told not to guess.
    ///   - fields: further header fields.
    package init(type: String, _ body: String, status: Status = .ok, fields: [Field] = []) {
        self.status = status
        self.fields = [Field("Content-Type", type), Field("X-Content-Type-Options", "nosniff")] + fields
        self.body = body
    }

    package static func json(_ body: String, status: Status = .ok, fields: [Field] = []) -> Answer {
        Answer(type: "application/json", body, status: status, fields: fields)
    }

    package static func text(_ body: String, status: Status = .ok, fields: [Field] = []) -> Answer {
        Answer(type: "text/plain; charset=utf-8", body, status: status, fields: fields)
    }
}
