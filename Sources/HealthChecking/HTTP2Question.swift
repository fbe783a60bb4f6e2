internal import Bytes
internal import HTTP1
internal import HTTP2
internal import ServiceModel

/// A check by HTTP/2, on a connection of its own: what came of it, from the frames of the answer.
struct HTTP2Question: ~Copyable {
    private var session: HTTP2Session
    private let isCall: Bool
    private var hasHead = false
    /// Of a call.
    private var body: [UInt8] = []
    private var fields = FieldTable()

    private static let limits: HTTP2Limits = {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 0
        limits.headSize = ProbeLimits.headSize
        return limits
    }()

    /// - Parameters:
    ///   - isCall: of gRPC.
    ///   - out: gets the preface and the request. It has room for that.
    init(_ request: ProbeRequest, isCall: Bool, isSecure: Bool, seed: UInt64, into out: inout ByteBuffer) {
        self.session = HTTP2Session(.client, Self.limits, seed: seed)
        self.isCall = isCall
        let ends = request.body.isEmpty
        let stream = self.session.request(
            head: request.head.span, isSecure: isSecure, ends: ends, token: 0, into: &out)
        guard let stream, !ends else { return }
        _ = self.session.send(stream, request.body.span, then: Span(), ends: true, into: &out)
    }

    /// Buffers of the size that heads need.
    static func pool() -> BufferPool {
        BufferPool(size: ProbeLimits.headSize + 4_096, limit: 2)
    }

    /// Gives back what is the pool's.
    mutating func release(into heads: inout BufferPool) { self.session.release(into: &heads) }

    /// Replies of the protocol.
    mutating func write(into out: inout ByteBuffer) { self.session.write(into: &out) }

    /// Says that this is all.
    mutating func finish(into out: inout ByteBuffer) {
        self.session.goAway(code: HTTP2ErrorCode.noError)
        self.session.write(into: &out)
    }

    /// Looks at what has come, and consumes it. nil while it is not enough.
    mutating func receive(_ input: inout ByteBuffer, now: UInt64, heads: inout BufferPool) -> ProbeResult? {
        while true {
            let receipt = self.session.receive(input.readable, now: now, heads: &heads)
            let result = self.look(at: receipt.event, input.readable)
            input.consume(receipt.consumed)
            if let result { return result }
            if receipt.consumed == 0, receipt.event == .none { return nil }
        }
    }

    private mutating func look(at event: HTTP2Event, _ bytes: Span<UInt8>) -> ProbeResult? {
        switch event {
        case .none, .settings, .pong, .refused, .goAway: nil
        case .head(_, let ends): self.receiveHead(ends: ends)
        case .data(_, let start, let count, let ends):
            self.receiveBody(bytes.extracting(start..<start + count), ends: ends)
        case .trailers: self.isCall ? self.judge(GRPCFields.status(self.session.head)) : nil
        case .closed(_, let code): .failed(.reset(code: code))
        case .failed(let failure): .failed(.http2(failure))
        }
    }

    private mutating func receiveHead(ends: Bool) -> ProbeResult? {
        let method = self.isCall ? RequestMethod.post : .get
        switch ResponseParser.parse(
            self.session.head, context: ResponseContext(method: method),
            limits: MessageLimits(head: ProbeLimits.headSize), fields: &self.fields)
        {
        case .incomplete: return .failed(.closed)
        case .malformed(let fault): return .failed(.malformed(fault))
        case .complete(let head):
            if head.isInterim { return nil }
            guard self.isCall else { return HTTP1Question.judge(head.status) }
            guard head.status == 200 else { return .failed(.status(head.status)) }
            // Without a body the head has what otherwise follows it ("Trailers-Only").
            return ends ? self.judge(GRPCFields.status(self.session.head)) : nil
        }
    }

    private mutating func receiveBody(_ bytes: Span<UInt8>, ends: Bool) -> ProbeResult? {
        guard self.isCall else { return nil }
        guard self.body.count + bytes.count <= ProbeLimits.messageSize else { return .failed(.noHealthAnswer) }
        for index in bytes.indices { self.body.append(bytes[index]) }
        return ends ? self.judge(nil) : nil
    }

    /// - Parameter status: `grpc-status`; nil where there is none.
    private func judge(_ status: UInt32?) -> ProbeResult {
        guard let status else { return .failed(.noHealthAnswer) }
        // The deadline was ours: a server that sees it pass may say so before we do.
        if status == GRPCStatus.deadlineExceeded { return .failed(.timedOut(.answer)) }
        guard status == GRPCStatus.ok else { return .failed(.call(status: status)) }
        guard let message = GRPCMessage.only(self.body), let serving = HealthCheckMessage.status(message) else {
            return .failed(.noHealthAnswer)
        }
        return serving == .serving ? .passed : .failed(.notServing(serving))
    }
}

/// The fields of gRPC that say how a call ended.
enum GRPCFields {
    private static let name = Array("grpc-status:".utf8)

    /// Of the text that a head or a trailer section is turned into: lines with CRLF, names in lower case. nil where it is not
    /// there, or no number.
    static func status(_ text: Span<UInt8>) -> UInt32? {
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != 0x0a { end += 1 }
            let line = text.extracting(start..<end)
            if Self.begins(line) { return Self.number(line.extracting(Self.name.count..<line.count)) }
            start = end + 1
        }
        return nil
    }

    private static func begins(_ line: Span<UInt8>) -> Bool {
        guard line.count >= Self.name.count else { return false }
        return Self.name.indices.allSatisfy { line[$0] == Self.name[$0] }
    }

    /// Digits, with white space around them.
    private static func number(_ text: Span<UInt8>) -> UInt32? {
        var number: UInt32?
        for index in text.indices {
            switch text[index] {
            case 0x20, 0x0d: continue
            case 0x30...0x39:
                let (product, isOver) = (number ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, isTooMuch) = product.addingReportingOverflow(UInt32(text[index] - 0x30))
                guard !isOver, !isTooMuch else { return nil }
                number = sum
            default: return nil
            }
        }
        return number
    }
}
