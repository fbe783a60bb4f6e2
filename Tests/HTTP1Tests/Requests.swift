import Bytes
import HTTP1
import Testing

/// A request as tests write it down.
struct Request {
    let bytes: [UInt8]
    let outcome: RequestParse
    let fields: [Field]

    init(_ text: String, limits: MessageLimits = MessageLimits()) { self.init(Array(text.utf8), limits: limits) }

    init(_ bytes: [UInt8], limits: MessageLimits = MessageLimits()) {
        var table = FieldTable(capacity: limits.fields)
        self.bytes = bytes
        self.outcome = RequestParser.parse(bytes.span, limits: limits, fields: &table)
        self.fields = Field.all(bytes, table)
    }

    var head: RequestHead? {
        guard case .complete(let head) = self.outcome else { return nil }
        return head
    }

    var refusal: MessageFault? {
        guard case .refused(let refusal) = self.outcome else { return nil }
        return refusal.reason
    }

    func text(_ range: ByteRange) -> String { self.bytes[range].text }

    /// As it is forwarded; nil when it is not.
    static func forwarded(
        _ text: String, limits: MessageLimits = MessageLimits(),
        by forwarding: Forwarding = Forwarding(fields: [], isTrusted: false, isSecure: false, port: 80),
        defaultHost: String = "", extra: String = "", upgrades: Bool = true, forwardsExpectation: Bool = false
    ) -> String? {
        let bytes = Array(text.utf8)
        var table = FieldTable(capacity: limits.fields)
        guard case .complete(let head) = RequestParser.parse(bytes.span, limits: limits, fields: &table) else {
            return nil
        }
        var scratch = ByteBuffer(capacity: limits.startLine)
        let path = PathNormalizer.normalize(bytes.span, head, into: &scratch)
        if case .refused = path { return nil }
        var buffer = ByteBuffer(capacity: 4 * limits.head)
        let isWritten = ForwardedHead.writeRequest(
            bytes.span, head, table, path: path, scratch: scratch.readable, forwarding: forwarding,
            peer: Array("192.0.2.7".utf8).span, requestID: RequestID(high: 0x0123_4567_89ab_cdef, low: 10),
            defaultHost: Array(defaultHost.utf8).span, extra: Array(extra.utf8).span, upgrades: upgrades,
            forwardsExpectation: forwardsExpectation, into: &buffer)
        return isWritten ? buffer.contents.text : nil
    }
}

/// What is written down, and what is wrong with it.
struct FaultRow: Sendable, CustomTestStringConvertible {
    let text: String
    let fault: MessageFault

    init(_ text: String, _ fault: MessageFault) {
        self.text = text
        self.fault = fault
    }

    var testDescription: String { "\(self.text.prefix(60).debugDescription): \(self.fault)" }
}
