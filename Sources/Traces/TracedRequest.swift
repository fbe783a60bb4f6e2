internal import Bytes
internal import HTTP1

/// A request, as a client would make it.
package struct TracedRequest: Hashable, Sendable {
    /// Whether it comes by TLS.
    package let isSecure: Bool
    /// Host and port, as they stand in the URL.
    package let authority: String
    /// Path and query.
    package let target: String

    /// `https://shop.example.com/cart?id=7`. nil for what is no URL of HTTP.
    package init?(url: String) {
        let schemes = [("http://", false), ("https://", true)]
        guard let (scheme, isSecure) = schemes.first(where: { url.lowercased().hasPrefix($0.0) }) else { return nil }
        let rest = url.dropFirst(scheme.count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
        guard !authority.isEmpty, isPlain else { return nil }
        self.isSecure = isSecure
        self.authority = String(authority)
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    package var url: String { "http\(self.isSecure ? "s" : "")://\(self.authority)\(self.target)" }

    /// What a proxy makes of it.
    enum Reading: Hashable {
        /// The name without a port and in lower case; the path as routes are matched with it.
        case accepted(host: String, path: String)
        case refused(status: UInt16, reason: String)
    }

    /// By the parser that reads requests, and with the limits that it has by default.
    var reading: Reading {
        let limits = MessageLimits()
        let bytes = Array("GET \(self.target) HTTP/1.1\r\nHost: \(self.authority)\r\n\r\n".utf8)
        var fields = FieldTable(capacity: limits.fields)
        let head: RequestHead
        switch RequestParser.parse(bytes.span, limits: limits, fields: &fields) {
        case .complete(let complete): head = complete
        case .refused(let refusal): return .refused(refusal.reason)
        // The whole head is there.
        case .incomplete: return .refused(.headTooLarge)
        }
        func text(_ bytes: Span<UInt8>, _ range: ByteRange) -> String {
            var copy: [UInt8] = []
            for index in range.indices { copy.append(bytes[index]) }
            return String(decoding: copy, as: UTF8.self)
        }
        let host = text(bytes.span, head.authority.name).lowercased()
        var scratch = ByteBuffer(capacity: limits.startLine)
        switch PathNormalizer.normalize(bytes.span, head, into: &scratch) {
        case .unchanged(let range): return .accepted(host: host, path: text(bytes.span, range))
        case .rewritten(let range): return .accepted(host: host, path: text(scratch.readable, range))
        case .refused(let refusal): return .refused(refusal.reason)
        }
    }
}

extension TracedRequest.Reading {
    fileprivate static func refused(_ fault: MessageFault) -> Self {
        .refused(status: fault.status, reason: "\(fault.text)")
    }
}
