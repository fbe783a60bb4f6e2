import Bytes
import HTTP1
import Testing

@testable import HealthChecking

/// What an answer comes to, byte by byte.
@Suite struct AnswerTests {
    private static func bytes(_ bytes: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(capacity: max(1, bytes.count))
        buffer.append(bytes.span)
        return buffer
    }

    // MARK: - HTTP/1.1

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", ProbeResult.passed),
        ("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", .passed),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", .passed),
        ("HTTP/1.1 399 \r\n\r\n", .passed),
        ("HTTP/1.0 200 OK\r\n\r\nhello", .passed),
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .passed),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", .failed(.status(400))),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", .failed(.status(404))),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", .failed(.status(503))),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            .failed(.malformed(.unexpectedUpgrade))
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", .failed(.malformed(.invalidStatusLine))),
        ("HTTP/1.1 200 OK\nX: y\n\n", .failed(.malformed(.bareLineFeed))),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            .failed(.malformed(.contentLengthAndTransferEncoding))
        ),
    ])
    func `an answer of HTTP/1.1, at once and a byte at a time`(text: String, expected: ProbeResult) {
        var question = HTTP1Question()
        var whole = Self.bytes(Array(text.utf8))
        #expect(question.receive(&whole) == expected)
        var slow = HTTP1Question()
        var buffer = ByteBuffer(capacity: 1_024)
        var result: ProbeResult?
        for byte in text.utf8 where result == nil {
            buffer.append(byte)
            result = slow.receive(&buffer)
        }
        #expect(result == expected)
    }

    @Test(arguments: ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nA: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n"])
    func `half an answer is none yet`(text: String) {
        var question = HTTP1Question()
        var buffer = Self.bytes(Array(text.utf8))
        #expect(question.receive(&buffer) == nil)
    }

    @Test func `a head without end is refused`() {
        var question = HTTP1Question()
        let text =
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X-Filler: \(String(repeating: "x", count: 80))\r\n", count: 190)
        var buffer = Self.bytes(Array(text.utf8))
        #expect(question.receive(&buffer) == .failed(.malformed(.tooManyFields)))
    }

    // MARK: - gRPC's messages

    @Test(
        arguments: [
            ([], ServingStatus.unknown), ([0x08, 1], .serving), ([0x08, 2], .notServing), ([0x08, 3], .serviceUnknown),
            ([0x08, 0x81, 0], .serving), ([0x08, 2, 0x08, 1], .serving),
            // Fields of other numbers: a varint, 8 bytes, a string, 4 bytes.
            ([0x10, 5, 0x08, 1], .serving), ([0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 1], .serving),
            ([0x22, 2, 0x08, 2, 0x08, 1], .serving), ([0x2d, 1, 2, 3, 4, 0x08, 1], .serving),
            ([0x08, 42], ServingStatus(rawValue: 42)),
        ] as [([UInt8], ServingStatus)])
    func `a response`(message: [UInt8], expected: ServingStatus) {
        #expect(HealthCheckMessage.status(message) == expected)
    }

    @Test(
        arguments: [
            [0x08], [0x08, 0x80], [0x00, 1], [0x0b], [0x22, 5, 1], [0x19, 1], [0x2d, 1, 2],
            [0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] as [[UInt8]])
    func `what is no response`(message: [UInt8]) {
        #expect(HealthCheckMessage.status(message) == nil)
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 0], []), ([0, 0, 0, 0, 2, 8, 1], [8, 1]), ([1, 0, 0, 0, 2, 8, 1], nil),
            ([0, 0, 0, 0, 2, 8], nil),
            ([0, 0, 0, 0, 1, 8, 1], nil), ([], nil), ([0, 0, 0, 0], nil), ([0, 0xff, 0xff, 0xff, 0xff, 8], nil),
        ] as [([UInt8], [UInt8]?)])
    func `a body has one message that is not compressed`(body: [UInt8], message: [UInt8]?) {
        #expect(GRPCMessage.only(body) == message)
    }

    @Test(arguments: [0, 1, 127, 128, 300])
    func `a request names its service`(count: Int) {
        let service = String(repeating: "s", count: count)
        let message = HealthCheckMessage.request(service)
        let prefix: [UInt8] =
            switch count {
            case 0: []
            case 1, 127: [0x0a, UInt8(count)]
            case 128: [0x0a, 0x80, 1]
            default: [0x0a, 0xac, 2]
            }
        #expect(message == prefix + Array(service.utf8))
        #expect(GRPCMessage.only(GRPCMessage.framed(message)) == message)
    }

    @Test(
        arguments: [
            ("grpc-status: 0\r\n", UInt32(0)), ("grpc-status:12\r\n", 12), ("a: b\r\ngrpc-status: 5\r\n", 5),
            ("HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\ngrpc-message: no\r\n\r\n", 14),
            ("grpc-status: 0 \r\n", 0), ("", nil), ("a: b\r\n", nil), ("grpc-status: \r\n", nil),
            ("grpc-status: x\r\n", nil),
            ("x-grpc-status: 0\r\n", nil), ("grpc-status: 99999999999\r\n", nil), ("grpc-status: -1\r\n", nil),
        ] as [(String, UInt32?)])
    func `where the status of a call is`(text: String, status: UInt32?) {
        let bytes = Array(text.utf8)
        #expect(GRPCFields.status(bytes.span) == status)
    }

    // MARK: - In words

    @Test(arguments: [
        (ProbeFailure.unreachable(111), "connection refused", ProbeFailure.Kind.unreachable),
        (.timedOut(.connect), "timed out connecting", .timeout),
        (.timedOut(.answer), "timed out waiting for an answer", .timeout), (.status(503), "status 503", .status),
        (.noHTTP2, "TLS: the endpoint does not choose HTTP/2", .tls), (.closed, "closed without an answer", .protocol),
        (.malformed(.invalidStatusLine), "no HTTP: invalid status line", .protocol),
        (.notServing(.notServing), "NOT_SERVING", .status),
        (.call(status: 12), "UNIMPLEMENTED: the server has no service grpc.health.v1.Health", .status),
        (.call(status: 5), "NOT_FOUND: the server knows no service of that name", .status),
        (.call(status: 14), "UNAVAILABLE", .status), (.call(status: 77), "grpc-status 77", .status),
    ])
    func `failures have words and a kind`(failure: ProbeFailure, text: String, kind: ProbeFailure.Kind) {
        #expect(failure.description == text)
        #expect(failure.kind == kind)
    }
}
