internal import KubernetesWire
internal import Networking

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
        let pairs = self.query.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
        return "\(self.path)?\(pairs.joined(separator: "&"))"
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
