internal import Bytes
internal import HTTP1
internal import Reactor

/// What is done with a client and something else of its worker at once. Here, where each comes as an argument of its own,
/// the compiler sees that they are not the same memory.
extension Slab where Element == ClientConnection {
    func normalize(_ client: Handle, _ head: RequestHead, into scratch: inout ByteBuffer) -> NormalPath {
        self[client].normalize(head, into: &scratch)
    }

    func writeLocation(
        _ client: Handle, _ head: RequestHead, _ path: NormalPath, port: UInt16?, into scratch: inout ByteBuffer
    ) -> ByteRange {
        self[client].writeLocation(head, path, port: port, into: &scratch)
    }

    mutating func sendOutput(
        _ client: Handle, then upstreams: borrowing Slab<UpstreamConnection>, _ upstream: Handle, count: Int
    ) -> Transfer {
        self[client].sendOutput(then: upstreams[upstream].input, count: count)
    }

    func sendRequest(
        _ client: Handle, to upstreams: inout Slab<UpstreamConnection>, _ upstream: Handle, direct: Int
    ) -> Transfer {
        self[client].sendRequest(to: &upstreams[upstream], direct: direct)
    }

    /// Bytes of a tunnel.
    func sendInput(_ client: Handle, to upstreams: inout Slab<UpstreamConnection>, _ upstream: Handle) -> Transfer {
        upstreams[upstream].send(self[client].input, from: 0, then: self[client].input, count: 0)
    }

    func copyInput(_ client: Handle, into buffer: inout ByteBuffer) { buffer.append(self[client].input.readable) }

    mutating func stageAnswer(
        _ client: Handle, _ upstreams: inout Slab<UpstreamConnection>, _ upstream: Handle
    ) -> BodyRelay.Staging {
        self[client].stageAnswer(from: &upstreams[upstream].input)
    }

    mutating func writeHead(
        _ client: Handle, _ upstreams: borrowing Slab<UpstreamConnection>, _ upstream: Handle, _ head: ResponseHead,
        _ fields: borrowing FieldTable, framing: ResponseFraming, date: HTTPDate, _ scratch: borrowing ByteBuffer,
        extra: ByteRange
    ) -> Bool {
        self[client].writeHead(
            upstreams[upstream].input, head, fields, framing: framing, date: date, scratch, extra: extra)
    }
}

extension Slab where Element == UpstreamConnection {
    func copyInput(_ upstream: Handle, into buffer: inout ByteBuffer) { buffer.append(self[upstream].input.readable) }
}
