import Bytes
import HTTP1

/// Whatever arrives where a request should: in pieces it means what it means at once, and what is forwarded of it means
/// the same to a parser as strict as ours.
enum RequestInvariants {
    static func check(_ bytes: [UInt8], limits: MessageLimits = MessageLimits()) throws(Violation) {
        var fields = FieldTable(capacity: limits.fields)
        let outcome = RequestParser.parse(bytes.span, limits: limits, fields: &fields)
        let lines = Field.all(bytes, fields)
        try Self.checkPieces(bytes, one: bytes.count <= 600, limits: limits, outcome, lines)
        try Self.checkPieces(bytes, one: false, limits: limits, outcome, lines)
        guard case .complete(let head) = outcome else { return }
        try require(head.length <= bytes.count, "longer than it is")
        for encodedSlashes in EncodedSlashPolicy.allCases {
            for isTrusted in [false, true] {
                try Self.checkForwarded(
                    bytes, head, fields, encodedSlashes: encodedSlashes, isTrusted: isTrusted, limits: limits)
            }
        }
    }

    private static func checkPieces(
        _ bytes: [UInt8], one: Bool, limits: MessageLimits, _ whole: RequestParse, _ lines: [Field]
    ) throws(Violation) {
        var fields = FieldTable(capacity: limits.fields)
        var progress = HeadProgress()
        var outcome = RequestParse.incomplete
        var count = 0
        for piece in Cuts.pieces(of: bytes, one: one) {
            count += piece
            outcome = RequestParser.parse(
                bytes.span.extracting(first: count), progress: &progress, limits: limits, fields: &fields)
            guard case .incomplete = outcome else { break }
        }
        switch (whole, outcome) {
        case (.complete, .complete):
            try require(whole == outcome, "in pieces \(outcome), at once \(whole)")
            try require(lines == Field.all(bytes, fields), "other fields in pieces")
        case (.refused, .incomplete):
            // What is wrong is in a line that has not ended: more bytes, and it is refused.
            let last = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
            let ended = Array(bytes[..<last])
            var table = FieldTable(capacity: limits.fields)
            let before = RequestParser.parse(ended.span, limits: limits, fields: &table)
            try require(before == .incomplete, "incomplete in pieces, but \(before) up to the last line")
        default:
            try require(whole == outcome, "in pieces \(outcome), at once \(whole)")
        }
    }

    private static func checkForwarded(
        _ bytes: [UInt8], _ head: RequestHead, _ fields: borrowing FieldTable, encodedSlashes: EncodedSlashPolicy,
        isTrusted: Bool, limits: MessageLimits
    ) throws(Violation) {
        var scratch = ByteBuffer(capacity: limits.startLine)
        let path = PathNormalizer.normalize(bytes.span, head, encodedSlashes: encodedSlashes, into: &scratch)
        if case .refused = path { return }
        var target = head.query.isEmpty ? [] : bytes[head.query]
        switch path {
        case .unchanged(let range): target = bytes[range] + target
        case .rewritten(let range): target = scratch.contents[range] + target
        case .refused: break
        }

        let peer = Array("2001:db8::7".utf8)
        let extra = Array("X-Extra: 1\r\n".utf8)
        var buffer = ByteBuffer(capacity: 4 * limits.head + 1_024)
        var everything = ForwardedFields.default
        everything.insert(.forwarded)
        let forwarding = Forwarding(fields: everything, isTrusted: isTrusted, isSecure: true, port: 443)
        let isWritten = ForwardedHead.writeRequest(
            bytes.span, head, fields, path: path, scratch: scratch.readable, forwarding: forwarding, peer: peer.span,
            requestID: RequestID(high: 1, low: 2), defaultHost: "default.example".utf8Array.span, extra: extra.span,
            into: &buffer)
        try require(isWritten, "a head of \(head.length) bytes does not fit into \(buffer.capacity)")

        // Strict as the first time, but for what is ours to add.
        let written = buffer.contents
        let roomy = MessageLimits(
            head: buffer.capacity + 1, startLine: buffer.capacity, fieldLine: buffer.capacity,
            fields: limits.fields + 16,
            underscores: .allow)
        var table = FieldTable(capacity: roomy.fields)
        let again = RequestParser.parse(written.span, limits: roomy, fields: &table)
        guard case .complete(let forwarded) = again else { throw Violation("forwarded as \(again): \(written.text)") }
        try require(forwarded.length == written.count, "the head ends early: \(written.text)")
        try require(forwarded.minorVersion == 1, "not HTTP/1.1")
        try require(bytes[head.methodName] == written[forwarded.methodName], "another method")
        try require(forwarded.framing == head.framing, "framed \(forwarded.framing), was \(head.framing)")
        try require(written[forwarded.target] == target, "another target: \(written[forwarded.target].text)")
        try require(forwarded.keepsAlive, "the backend is told to close")
        try require(forwarded.upgrade == head.upgrade, "upgrade \(forwarded.upgrade), was \(head.upgrade)")
        try require(forwarded.acceptsTrailers == head.acceptsTrailers, "another TE")
        if head.authority.kind == .none {
            try require(written[forwarded.authority.text].isEmpty || head.minorVersion == 0, "another host")
        } else {
            try require(written[forwarded.authority.text] == bytes[head.authority.text], "another host")
        }
        let lines = Field.all(written, table)
        try Self.checkFields(Field.all(bytes, fields), lines, isTrusted: isTrusted, keepsHost: head.form == .origin)
        for known: KnownField in [.xForwardedFor, .forwarded] {
            try require(lines.filter { $0.known == known }.count == 1, "\(known) is not there once")
        }
        try require(lines.last?.name == Array("X-Extra".utf8), "the extra field is not the last")
    }

    /// Fields of no concern here pass through, in their order; the others do not.
    private static func checkFields(
        _ before: [Field], _ after: [Field], isTrusted: Bool, keepsHost: Bool
    ) throws(Violation) {
        let owned: Set<KnownField> = [
            .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .proxyAuthenticate,
            .proxyAuthorization, .te, .upgrade, .http2Settings, .expect, .host, .forwarded, .xForwardedFor,
            .xForwardedHost,
            .xForwardedPort, .xForwardedProto, .xForwardedScheme, .xScheme, .xRealIP, .xRequestID,
        ]
        let untrusted: Set<KnownField> = [.xForwardedOther, .xOriginal, .xRewrite, .clientIdentity]
        let kept = before.filter {
            !$0.isDropped && !owned.contains($0.known) && (isTrusted || !untrusted.contains($0.known))
        }
        let passed = after.dropLast().filter { !owned.contains($0.known) }
        try require(
            kept.map(\.description) == passed.map(\.description), "fields \(passed) of \(kept)")
        for known: KnownField in [
            .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .http2Settings, .expect,
        ] {
            try require(!after.contains { $0.known == known }, "\(known) is forwarded")
        }
        if !isTrusted {
            try require(!after.contains { untrusted.contains($0.known) }, "an untrusted field is forwarded")
            for known: KnownField in [
                .xForwardedHost, .xForwardedPort, .xForwardedProto, .xForwardedScheme, .xScheme, .xRealIP, .xRequestID,
            ] {
                try require(after.filter { $0.known == known }.count <= 1, "\(known) is there twice")
            }
        }
        if keepsHost, let host = before.first(where: { $0.known == .host }) {
            try require(after.contains { $0.known == .host && $0.value == host.value }, "Host is lost")
        }
    }
}

extension ByteBuffer {
    var contents: [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<self.count { bytes.append(self.readable[index]) }
        return bytes
    }
}

extension String {
    var utf8Array: [UInt8] { Array(self.utf8) }
}
