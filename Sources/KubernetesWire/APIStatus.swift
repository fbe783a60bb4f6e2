internal import KubernetesMessages

/// Why the API server refused a request, or ended a watch (metav1.Status).
package struct APIStatus: Error, Sendable, Hashable {
    /// A detail, as `ResourceVersionTooLarge`, or `FieldValueRequired` of a field.
    package struct Cause: Sendable, Hashable {
        package var reason: String
        package var message: String
        package var field: String

        package init(reason: String, message: String = "", field: String = "") {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The HTTP status code; 0 if nothing said one.
    package var code: Int
    /// `Expired`, `Forbidden`, `Conflict`; empty if the answer was not the API server's.
    package var reason: String
    package var message: String
    package var retryAfterSeconds: Int?
    package var causes: [Cause]

    static let objectType = ObjectType(apiVersion: "v1", kind: "Status")

    package init(
        code: Int,
        reason: String = "",
        message: String = "",
        retryAfterSeconds: Int? = nil,
        causes: [Cause] = []
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.causes = causes
    }

    init(_ status: WireStatus) {
        self.init(
            code: Int(status.code),
            reason: status.reason,
            message: status.message,
            retryAfterSeconds: status.details.retryAfterSeconds > 0 ? Int(status.details.retryAfterSeconds) : nil,
            causes: status.details.causes.map { Cause(reason: $0.reason, message: $0.message, field: $0.field) }
        )
    }

    /// From the body of an answer with status code `code`, whatever it is: a Status, or the page of a proxy in
    /// between, of which the beginning is kept.
    package init(body: [UInt8], contentType: String?, code: Int, limits: WireLimits = WireLimits()) {
        if let format = contentType.flatMap({ WireFormat(contentType: $0) }),
            let status = try? MessageCoding.decodeObject(WireStatus.self, body[...], as: Self.objectType, format),
            // Any JSON object would do for a Status without fields.
            format == .protobuf || !status.message.isEmpty || !status.reason.isEmpty
        {
            self.init(status)
            if self.code == 0 { self.code = code }
            return
        }
        self.init(code: code, message: Self.text(body, limits.maximumErrorText))
    }

    /// The beginning of a page, in one line, without the tags of HTML.
    private static func text(_ body: [UInt8], _ limit: Int) -> String {
        // Scripts and styles before the text, but no more than that.
        let scalars = String(decoding: body.prefix(limit * 16), as: UTF8.self).unicodeScalars
        var words: [String] = []
        var word = ""
        var isInTag = false
        func endWord() {
            if !word.isEmpty { words.append(word) }
            word = ""
        }
        for scalar in scalars {
            if isInTag || scalar == "<" {
                isInTag = scalar != ">"
                endWord()
            } else if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
                endWord()
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        endWord()
        let text = words.joined(separator: " ")
        let cut = text.unicodeScalars.prefix(limit)
        return cut.endIndex == text.unicodeScalars.endIndex ? text : String(cut) + "…"
    }
}

extension APIStatus: CustomStringConvertible {
    package var description: String {
        let reason = [self.reason, self.message].filter { !$0.isEmpty }.joined(separator: ": ")
        return reason.isEmpty ? "HTTP \(self.code)" : "HTTP \(self.code): \(reason)"
    }

    /// The history asked for is gone: list anew.
    package var isExpired: Bool { self.code == 410 || self.reason == "Expired" || self.reason == "Gone" }
    /// The server has not seen this resource version: it was restored, or lags behind another
    /// (kubernetes: apimachinery/pkg/apis/meta/v1/types.go, CauseTypeResourceVersionTooLarge).
    package var isResourceVersionTooLarge: Bool {
        self.causes.contains { $0.reason == "ResourceVersionTooLarge" }
            || self.message.contains("Too large resource version")
    }
    package var isUnauthorized: Bool { self.code == 401 }
    package var isForbidden: Bool { self.code == 403 }
    package var isConflict: Bool { self.code == 409 && self.reason == "Conflict" }
    package var isAlreadyExists: Bool { self.code == 409 && self.reason == "AlreadyExists" }
}
