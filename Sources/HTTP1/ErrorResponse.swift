package import Bytes

/// The short answers that the proxy gives itself.
package enum ErrorResponse {
    /// The most that one takes, but for the reason, which is there twice.
    package static let overhead = 512
    package static let reasonField: StaticString = "X-Fairlead-Reason"

    /// Appends a whole response: head, and a line of plain text.
    /// - Parameters:
    ///   - reason: a few words of visible ASCII.
    ///   - closes: whether the connection is closed behind it.
    ///   - clientMinorVersion: of the request; 1 where it is not known.
    ///   - omitsBody: for HEAD.
    ///   - extra: whole field lines with their CRLF. May be empty.
    /// - Returns: false when there may not be room; nothing is written then.
    package static func write(
        status: UInt16, reason: StaticString, closes: Bool, clientMinorVersion: UInt8 = 1, omitsBody: Bool = false,
        date: HTTPDate, extra: Span<UInt8> = Span(), into buffer: inout ByteBuffer
    ) -> Bool {
        guard buffer.space >= Self.overhead + 2 * reason.utf8CodeUnitCount + extra.count else { return false }
        let phrase = StatusPhrase.text(status)
        buffer.append("HTTP/1.1 ")
        buffer.append(decimal: UInt64(status))
        buffer.append(.space)
        buffer.append(phrase)
        buffer.append("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ")
        // "404 Not Found: reason" and a line feed
        buffer.append(decimal: UInt64(4 + phrase.utf8CodeUnitCount + 2 + reason.utf8CodeUnitCount + 1))
        buffer.append("\r\nServer: fairlead\r\nDate: ")
        date.write(into: &buffer)
        buffer.append("\r\n")
        buffer.append(Self.reasonField)
        buffer.append(": ")
        buffer.append(reason)
        buffer.append("\r\n")
        // RFC 9110 section 15.5.6
        if status == 405 { buffer.append("Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n") }
        if closes {
            buffer.append("Connection: close\r\n")
        } else if clientMinorVersion == 0 {
            buffer.append("Connection: keep-alive\r\n")
        }
        if extra.count > 0 { buffer.append(extra) }
        buffer.append("\r\n")
        guard !omitsBody else { return true }
        buffer.append(decimal: UInt64(status))
        buffer.append(.space)
        buffer.append(phrase)
        buffer.append(": ")
        buffer.append(reason)
        buffer.append("\n")
        return true
    }

    /// The answer to a request that could not be read; the connection is closed.
    package static func write(_ refusal: Refusal, date: HTTPDate, into buffer: inout ByteBuffer) -> Bool {
        Self.write(status: refusal.status, reason: refusal.reason.text, closes: true, date: date, into: &buffer)
    }
}

/// Reason phrases (RFC 9110 section 15) for answers of the proxy's own, and for those that come by HTTP/2, which has none.
package enum StatusPhrase {
    package static func text(_ status: UInt16) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Other"
        }
    }
}
