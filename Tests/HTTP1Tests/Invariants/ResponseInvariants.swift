import Bytes
import HTTP1

/// Whatever a backend answers: in pieces it means what it means at once, and what the client gets means the same.
enum ResponseInvariants {
    /// - Parameter bytes: what the request was, in the first byte, then the response.
    static func check(_ bytes: [UInt8], limits: MessageLimits = MessageLimits()) throws(Violation) {
        guard let first = bytes.first else { return }
        let methods: [RequestMethod] = [.get, .head, .post, .options]
        let upgrades: [UpgradeKind] = [.none, .webSocket, .other, .none]
        let context = ResponseContext(method: methods[Int(first & 3)], upgrade: upgrades[Int(first >> 2 & 3)])
        let response = Array(bytes.dropFirst())

        var fields = FieldTable(capacity: limits.fields)
        let outcome = ResponseParser.parse(response.span, context: context, limits: limits, fields: &fields)
        let lines = Field.all(response, fields)
        try Self.checkPieces(response, one: bytes.count <= 600, context, limits: limits, outcome, lines)
        try Self.checkPieces(response, one: false, context, limits: limits, outcome, lines)
        guard case .complete(let head) = outcome else { return }
        for minorVersion: UInt8 in [0, 1] {
            try Self.checkForwarded(response, head, fields, context, clientMinorVersion: minorVersion, limits: limits)
        }
    }

    private static func checkPieces(
        _ bytes: [UInt8], one: Bool, _ context: ResponseContext, limits: MessageLimits, _ whole: ResponseParse,
        _ lines: [Field]
    ) throws(Violation) {
        var fields = FieldTable(capacity: limits.fields)
        var progress = HeadProgress()
        var outcome = ResponseParse.incomplete
        var count = 0
        for piece in Cuts.pieces(of: bytes, one: one) {
            count += piece
            outcome = ResponseParser.parse(
                bytes.span.extracting(first: count), progress: &progress, context: context, limits: limits,
                fields: &fields)
            guard case .incomplete = outcome else { break }
        }
        switch (whole, outcome) {
        case (.complete, .complete):
            try require(whole == outcome, "in pieces \(outcome), at once \(whole)")
            try require(lines == Field.all(bytes, fields), "other fields in pieces")
        case (.malformed, .incomplete):
            let last = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
            let ended = Array(bytes[..<last])
            var table = FieldTable(capacity: limits.fields)
            let before = ResponseParser.parse(ended.span, context: context, limits: limits, fields: &table)
            try require(before == .incomplete, "incomplete in pieces, but \(before) up to the last line")
        default:
            try require(whole == outcome, "in pieces \(outcome), at once \(whole)")
        }
    }

    private static func checkForwarded(
        _ bytes: [UInt8], _ head: ResponseHead, _ fields: borrowing FieldTable, _ context: ResponseContext,
        clientMinorVersion: UInt8, limits: MessageLimits
    ) throws(Violation) {
        let framing = head.framing(forMinorVersion: clientMinorVersion)
        let keepsAlive = framing != .untilClose
        let extra = Array("Set-Cookie: a=b\r\n".utf8)
        var buffer = ByteBuffer(capacity: 2 * limits.head + 512)
        let isWritten = ForwardedHead.writeResponse(
            bytes.span, head, fields, framing: framing, clientMinorVersion: clientMinorVersion, keepsAlive: keepsAlive,
            date: HTTPDate(secondsSince1970: 784_111_777), extra: extra.span, into: &buffer)
        try require(isWritten, "a head of \(head.length) bytes does not fit into \(buffer.capacity)")

        let written = buffer.contents
        let roomy = MessageLimits(
            head: buffer.capacity + 1, startLine: buffer.capacity, fieldLine: buffer.capacity, fields: limits.fields + 8
        )
        var table = FieldTable(capacity: roomy.fields)
        let again = ResponseParser.parse(written.span, context: context, limits: roomy, fields: &table)
        guard case .complete(let forwarded) = again else { throw Violation("forwarded as \(again): \(written.text)") }
        try require(forwarded.length == written.count, "the head ends early: \(written.text)")
        try require(forwarded.minorVersion == 1, "not HTTP/1.1")
        try require(forwarded.status == head.status, "another status")
        try require(written[forwarded.reason] == bytes[head.reason], "another reason")
        try require(forwarded.framing == framing, "framed \(forwarded.framing), meant \(framing)")
        try require(forwarded.isUpgrade == head.isUpgrade, "another protocol")

        let lines = Field.all(written, table)
        if head.status >= 200 {
            try require(forwarded.keepsAlive == keepsAlive, "keeps alive \(forwarded.keepsAlive), meant \(keepsAlive)")
            try require(lines.contains { $0.known == .server }, "no Server")
            try require(lines.contains { $0.known == .date }, "no Date")
        }
        if head.status < 200 || head.status == 204 {
            try require(!lines.contains { $0.known == .contentLength }, "a length of nothing")
        }
        let owned: Set<KnownField> = [
            .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .proxyAuthenticate,
            .proxyAuthorization, .te, .trailer, .upgrade, .http2Settings, .server, .date,
        ]
        let kept = Field.all(bytes, fields).filter { !$0.isDropped && !owned.contains($0.known) }
        let passed = lines.dropLast().filter { !owned.contains($0.known) }
        try require(kept.map(\.description) == passed.map(\.description), "fields \(passed) of \(kept)")
        try require(lines.last?.value == Array("a=b".utf8), "the extra field is not the last")
    }
}
