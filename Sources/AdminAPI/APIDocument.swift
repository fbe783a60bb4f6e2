internal import Observability

/// What all documents of the admin API have in common.
package enum APIDocument {
    /// Changes when what is there means something else; members and kinds that are new do not change it.
    package static let version = "admin.fairlead.dev/v1"

    static func text(_ kind: String, _ body: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object { json in
            json.member("apiVersion", Self.version)
            json.member("kind", kind)
            body(&json)
        }
        return json.text
    }

    /// Reads a document of this version and of that kind; false for any other. What `body` does not take it has to skip.
    static func read(
        _ text: [UInt8], _ kind: String,
        _ body: (String, inout JSONReader) throws(JSONReader.Malformed) -> Void
    ) -> Bool {
        var json = JSONReader(text)
        var isRight = (version: false, kind: false)
        do throws(JSONReader.Malformed) {
            try json.object { (name, json) throws(JSONReader.Malformed) in
                switch name {
                case "apiVersion": isRight.version = try json.string() == Self.version
                case "kind": isRight.kind = try json.string() == kind
                default: try body(name, &json)
                }
            }
            try json.finish()
        } catch {
            return false
        }
        return isRight.version && isRight.kind
    }
}

/// Why something was not answered as it was asked for: a document of the kind `Status`.
package struct APIFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package static let kind = "Status"

    /// A status of HTTP.
    package let code: Int
    /// For people.
    package let message: String

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
    }

    package static func badRequest(_ message: String) -> APIFailure { APIFailure(code: 400, message: message) }
    package static func notFound(_ path: String) -> APIFailure {
        APIFailure(code: 404, message: "there is no '\(path)'")
    }
    package static let methodNotAllowed = APIFailure(code: 405, message: "GET and HEAD are all there is")
    package static func unavailable(_ message: String) -> APIFailure { APIFailure(code: 503, message: message) }

    package var json: String {
        APIDocument.text(Self.kind) { json in
            json.member("code", self.code)
            json.member("message", self.message)
        }
    }

    /// nil where it is no such document.
    package init?(json: [UInt8]) {
        var code: Int?
        var message: String?
        let isOne = APIDocument.read(json, Self.kind) { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "code": code = try json.integer()
            case "message": message = try json.string()
            default: try json.skip()
            }
        }
        guard isOne, let code, let message else { return nil }
        self.init(code: code, message: message)
    }

    package var description: String { self.message }
}
