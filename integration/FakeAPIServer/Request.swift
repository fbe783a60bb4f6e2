internal import KubernetesWire
internal import NIOHTTP1

/// One request, complete.
struct Request {
    let method: HTTPMethod
    let path: String
    let query: [String: String]
    let headers: HTTPHeaders
    let body: [UInt8]
    /// Whether the connection has a client certificate of our authority.
    let hasCertificate: Bool

    init(_ head: HTTPRequestHead, body: [UInt8], hasCertificate: Bool) {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        self.method = head.method
        self.path = parts.first.map { Self.decoded($0) } ?? "/"
        var query: [String: String] = [:]
        for pair in parts.dropFirst().joined().split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[Self.decoded(sides[0], isQuery: true)] = sides.count > 1 ? Self.decoded(sides[1], isQuery: true) : ""
        }
        self.query = query
        self.headers = head.headers
        self.body = body
        self.hasCertificate = hasCertificate
    }

    /// Without percent encoding (RFC 3986 section 2.1).
    private static func decoded(_ text: Substring, isQuery: Bool = false) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(isQuery && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    var isWatch: Bool { self.query["watch"] == "true" || self.query["watch"] == "1" }

    func isSet(_ name: String) -> Bool { self.query[name] == "true" || self.query[name] == "1" }

    /// The format of the answer: the first in `Accept` that is served; nil if none is.
    var accepted: WireFormat? {
        let ranges = self.headers[canonicalForm: "accept"]
        if ranges.isEmpty { return .json }
        for range in ranges {
            if range.hasPrefix("*/*") || range.hasPrefix("application/*") { return .json }
            if let format = WireFormat(contentType: String(range)) { return format }
        }
        return nil
    }
}
