import Bytes
import HTTP1
import HTTP2
import Testing

@testable import HealthChecking

/// A check by HTTP/2 against a server that is a session in memory.
@Suite struct HTTP2QuestionTests {
    /// What the server does with the request.
    enum Reply: Sendable {
        /// Head, body, and trailers if there are any; what the body's end is without.
        case answer(head: String, body: [UInt8], trailers: String?)
        case reset(UInt32)
        case garbage
        case nothing
    }

    private static let head = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n\r\n"
    private static let serving: [UInt8] = [0, 0, 0, 0, 2, 8, 1]

    private static func message(_ status: UInt8) -> [UInt8] { [0, 0, 0, 0, 2, 8, status] }

    private static func alone(_ status: Int) -> Reply {
        .answer(
            head: "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: \(status)\r\n\r\n", body: [],
            trailers: nil)
    }

    /// The two talk until neither has anything to say. What the server was asked, and what the check came to.
    private static func ask(
        _ request: ProbeRequest, isCall: Bool, _ reply: Reply, inPieces: Bool
    ) -> (head: String, body: [UInt8], result: ProbeResult?) {
        var toServer = ByteBuffer(capacity: 65_536)
        var toClient = ByteBuffer(capacity: 65_536)
        var heads = HTTP2Question.pool()
        var serverHeads = HTTP2Question.pool()
        var question = HTTP2Question(request, isCall: isCall, isSecure: false, seed: 1, into: &toServer)
        var server = HTTP2Session(.server, HTTP2Limits(), seed: 2)
        var (head, body): (String, [UInt8]) = ("", [])
        var result: ProbeResult?
        for _ in 0..<50 where result == nil {
            question.write(into: &toServer)
            while true {
                let receipt = server.receive(toServer.readable, now: 1, heads: &serverHeads)
                var stream: HTTP2StreamID?
                switch receipt.event {
                case .head(let id, let ends):
                    head = String(decoding: Self.copy(server.head), as: UTF8.self)
                    if ends { stream = id }
                case .data(let id, let start, let count, let ends):
                    body += Self.copy(toServer.readable.extracting(start..<start + count))
                    if ends { stream = id }
                default: break
                }
                toServer.consume(receipt.consumed)
                if let stream { Self.reply(reply, stream, &server, &toClient) }
                if receipt.consumed == 0, receipt.event == .none { break }
            }
            server.write(into: &toClient)
            if toClient.isEmpty { continue }
            guard inPieces else {
                result = question.receive(&toClient, now: 1, heads: &heads)
                continue
            }
            var piece = ByteBuffer(capacity: 65_536)
            for byte in Self.copy(toClient.readable) where result == nil {
                piece.append(byte)
                result = question.receive(&piece, now: 1, heads: &heads)
            }
            toClient.clear()
        }
        question.release(into: &heads)
        server.release(into: &serverHeads)
        return (head, body, result)
    }

    private static func reply(
        _ reply: Reply, _ stream: HTTP2StreamID, _ server: inout HTTP2Session, _ out: inout ByteBuffer
    ) {
        switch reply {
        case .answer(let head, let body, let trailers):
            let isAlone = body.isEmpty && trailers == nil
            #expect(server.respond(stream, head: Array(head.utf8).span, ends: isAlone, into: &out))
            guard !isAlone else { return }
            _ = server.send(stream, body.span, then: Span(), ends: trailers == nil, into: &out)
            if let trailers { #expect(server.sendTrailers(stream, Array(trailers.utf8).span, into: &out)) }
        case .reset(let code): server.reset(stream, code: code)
        case .garbage: out.append(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8).span)
        case .nothing: break
        }
    }

    private static func copy(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }

    static let calls: [(Reply, ProbeResult?)] = [
        (.answer(head: head, body: serving, trailers: "grpc-status: 0\r\n"), .passed),
        (.answer(head: head, body: message(2), trailers: "grpc-status: 0\r\n"), .failed(.notServing(.notServing))),
        (.answer(head: head, body: message(0), trailers: "grpc-status: 0\r\n"), .failed(.notServing(.unknown))),
        (.answer(head: head, body: [0, 0, 0, 0, 0], trailers: "grpc-status: 0\r\n"), .failed(.notServing(.unknown))),
        (.answer(head: head, body: serving, trailers: "grpc-status: 13\r\n"), .failed(.call(status: 13))),
        (alone(4), .failed(.timedOut(.answer))), (alone(12), .failed(.call(status: 12))),
        (alone(5), .failed(.call(status: 5))),
        // OK, and nothing said.
        (alone(0), .failed(.noHealthAnswer)),
        (.answer(head: head, body: serving, trailers: nil), .failed(.noHealthAnswer)),
        (.answer(head: head, body: serving, trailers: "x: y\r\n"), .failed(.noHealthAnswer)),
        (.answer(head: head, body: serving + serving, trailers: "grpc-status: 0\r\n"), .failed(.noHealthAnswer)),
        (.answer(head: head, body: [1, 0, 0, 0, 2, 8, 1], trailers: "grpc-status: 0\r\n"), .failed(.noHealthAnswer)),
        (
            .answer(head: head, body: [UInt8](repeating: 0, count: 2_000), trailers: "grpc-status: 0\r\n"),
            .failed(.noHealthAnswer)
        ),
        (.answer(head: "HTTP/1.1 503 x\r\n\r\n", body: [], trailers: nil), .failed(.status(503))),
        (.answer(head: "HTTP/1.1 404 x\r\n\r\n", body: [1], trailers: nil), .failed(.status(404))),
        (.reset(HTTP2ErrorCode.internalError), .failed(.reset(code: HTTP2ErrorCode.internalError))),
        (.garbage, .failed(.http2(.connectionError(code: HTTP2ErrorCode.protocolError)))), (.nothing, nil),
    ]

    @Test(arguments: Self.calls.indices, [false, true])
    func `a call`(row: Int, inPieces: Bool) {
        let (reply, expected) = Self.calls[row]
        let request = ProbeRequest.check("shop.Cart", authority: "10.0.0.1:50051", timeout: 750)
        let outcome = Self.ask(request, isCall: true, reply, inPieces: inPieces)
        #expect(outcome.result == expected, "\(reply)")
        #expect(outcome.head.hasPrefix("POST /grpc.health.v1.Health/Check HTTP/1.1\r\n"), "\(outcome.head)")
        for line in ["host: 10.0.0.1:50051", "content-type: application/grpc", "te: trailers", "grpc-timeout: 750m"] {
            #expect(outcome.head.lowercased().contains("\r\n\(line)\r\n"), "\(line): \(outcome.head)")
        }
        #expect(outcome.body == [0, 0, 0, 0, 11, 0x0a, 9] + Array("shop.Cart".utf8))
    }

    @Test(arguments: [(200, true), (204, true), (302, true), (399, true), (400, false), (500, false), (503, false)])
    func `a GET by HTTP/2`(status: Int, isGood: Bool) {
        let outcome = Self.ask(
            .get("/healthz?full", authority: "[fd00::1]:8080"), isCall: false,
            .answer(head: "HTTP/1.1 \(status) x\r\n\r\n", body: status == 204 ? [] : [0x6f, 0x6b], trailers: nil),
            inPieces: false)
        #expect(outcome.result == (isGood ? .passed : .failed(.status(UInt16(status)))))
        #expect(outcome.head.hasPrefix("GET /healthz?full HTTP/1.1\r\n"), "\(outcome.head)")
        #expect(outcome.head.lowercased().contains("\r\nhost: [fd00::1]:8080\r\n"), "\(outcome.head)")
    }
}
