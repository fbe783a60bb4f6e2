internal import KubernetesWire

/// One request to the API server.
package struct APIRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    package var method: Method
    /// Below the server's address: `/api/v1/services`.
    package var path: String
    package var query: [(name: String, value: String)]
    package var accept: String
    package var body: (bytes: [UInt8], mediaType: String)?
    /// For people: `watch endpointslices`.
    package let summary: String

    package init(
        _ method: Method,
        _ path: String,
        query: [(name: String, value: String)] = [],
        accept: String,
        body: (bytes: [UInt8], mediaType: String)? = nil,
        summary: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.accept = accept
        self.body = body
        self.summary = summary
    }

    /// Path and query, percent-encoded.
    var target: String {
        guard !self.query.isEmpty else { return self.path }
        let pairs = self.query.map { "\($0.name)=\(Self.encoded($0.value))" }
        return "\(self.path)?\(pairs.joined(separator: "&"))"
    }

    /// RFC 3986 2.3: what is not unreserved is encoded.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}

extension APIRequest {
    /// Runs a decoder or an encoder; what it throws becomes the request's failure.
    func decoding<Result>(_ body: () throws(WireError) -> Result) throws(APIError) -> Result {
        do throws(WireError) {
            return try body()
        } catch {
            throw APIError(.malformed, request: self.summary, message: "\(error)")
        }
    }
}
