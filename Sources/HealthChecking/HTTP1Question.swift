internal import Bytes
internal import HTTP1

/// A `GET` by HTTP/1.1: what came of it, from the bytes of the answer.
struct HTTP1Question: ~Copyable {
    private let limits = MessageLimits(head: ProbeLimits.headSize)
    private var progress = HeadProgress()
    private var fields = FieldTable()

    init() {}

    /// Looks at what has come, from the answer's first byte on; what is done with is consumed. nil while it is not enough.
    mutating func receive(_ input: inout ByteBuffer) -> ProbeResult? {
        while true {
            let outcome = ResponseParser.parse(
                input.readable, progress: &self.progress, context: ResponseContext(method: .get), limits: self.limits,
                fields: &self.fields)
            switch outcome {
            case .incomplete: return nil
            case .malformed(let fault): return .failed(.malformed(fault))
            case .complete(let head):
                input.consume(head.length)
                guard head.isInterim else { return Self.judge(head.status) }
            }
        }
    }

    /// As Kubernetes' probes do it.
    static func judge(_ status: UInt16) -> ProbeResult {
        200..<400 ~= status ? .passed : .failed(.status(status))
    }
}

/// What an endpoint may send in answer to a check.
enum ProbeLimits {
    /// A head; what comes by HTTP/2 as the text that it is turned into.
    static let headSize = 16_384
    /// The body of gRPC's answer, which has a handful of bytes.
    static let messageSize = 1_024
    /// Of what follows an answer, which nobody reads, until the connection is closed all the same.
    static let remainder = 1 << 20
    /// And for how long. Milliseconds.
    static let lingering: UInt64 = 1_000
}
