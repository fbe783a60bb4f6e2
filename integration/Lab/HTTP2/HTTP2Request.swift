/// A well-formed request of HTTP/2. What is not is sent as frames.
package struct HTTP2Request: Sendable {
    package var method: String
    package var path: String
    package var authority: String
    package var scheme: String
    /// Further fields, names in lower case.
    package var fields: [HTTPField]
    package var body: [UInt8]?
    package var trailers: [HTTPField]
    /// `:protocol` (RFC 8441 section 4).
    package var protocolName: String?

    package init(
        _ method: String = "GET", _ path: String = "/", authority: String, scheme: String = "http",
        _ fields: KeyValuePairs<String, String> = [:], body: String? = nil,
        trailers: KeyValuePairs<String, String> = [:]
    ) {
        self.method = method
        self.path = path
        self.authority = authority
        self.scheme = scheme
        self.fields = fields.map { HTTPField($0.key, $0.value) }
        self.body = body.map { Array($0.utf8) }
        self.trailers = trailers.map { HTTPField($0.key, $0.value) }
    }

    /// The pseudo-fields, and then the others.
    package var list: [HTTPField] {
        var pseudo = [
            HTTPField(":method", self.method), HTTPField(":scheme", self.scheme),
            HTTPField(":authority", self.authority), HTTPField(":path", self.path),
        ]
        if let name = self.protocolName { pseudo.append(HTTPField(":protocol", name)) }
        return pseudo + self.fields
    }

    /// Extended CONNECT: the head of a stream that becomes a WebSocket.
    package static func webSocket(_ path: String, authority: String, scheme: String = "http") -> HTTP2Request {
        var request = HTTP2Request(
            "CONNECT", path, authority: authority, scheme: scheme, ["sec-websocket-version": "13"])
        request.protocolName = "websocket"
        return request
    }
}

/// The other end, or the connection, has given a request up.
package enum HTTP2Failure: Error, Sendable, Hashable, CustomStringConvertible {
    case reset(HTTP2ErrorCode)
    case goAway(HTTP2ErrorCode, lastStream: UInt32)
    case closed
    case timeout(String)

    package var description: String {
        switch self {
        case .reset(let code): "reset by \(code)"
        case .goAway(let code, let lastStream): "GOAWAY by \(code), last stream \(lastStream)"
        case .closed: "the connection was closed"
        case .timeout(let what): "nothing more came while waiting for \(what)"
        }
    }
}
