import KubernetesAPI
import KubernetesWire
import Testing

/// Answers that say no.
@Suite struct StatusTests {
    private static let protobufType = "application/vnd.kubernetes.protobuf"

    @Test func bothFormatsAreRead() {
        let tooLarge = APIStatus(
            code: 504,
            reason: "Timeout",
            message: "The request is invalid",
            retryAfterSeconds: 3,
            causes: [APIStatus.Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version")]
        )
        let envelope = Wrapped.envelope("v1", "Status", RecordedProtobuf.tooLarge)
        #expect(APIStatus(body: envelope, contentType: Self.protobufType, code: 504) == tooLarge)
        let json = Array(RecordedJSON.tooLarge.utf8)
        #expect(APIStatus(body: json, contentType: "application/json", code: 504) == tooLarge)
        #expect(tooLarge.isResourceVersionTooLarge && !tooLarge.isExpired)
        #expect(tooLarge.description == "HTTP 504: Timeout: The request is invalid")
        let expired = APIStatus(body: Array(RecordedJSON.expired.utf8), contentType: "application/json", code: 410)
        #expect(expired.isExpired && !expired.isResourceVersionTooLarge)
    }

    @Test(arguments: [
        (
            "text/html",
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body></html>",
            "502 Bad Gateway 502 Bad Gateway"
        ),
        (
            "text/plain; charset=utf-8", "Too many requests, please try again later.\n",
            "Too many requests, please try again later."
        ),
        ("application/json", #"{"error":"no"}"#, #"{"error":"no"}"#),
        ("application/json", "", ""),
        ("application/vnd.kubernetes.protobuf", "k8s\u{0}\u{1b}[31m", "k8s [31m"),
    ])
    func whatIsNoStatusIsQuoted(type: String, body: String, message: String) {
        let status = APIStatus(body: Array(body.utf8), contentType: type, code: 502)
        #expect(status == APIStatus(code: 502, message: message))
    }

    @Test func pagesAreCut() {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let status = APIStatus(body: body, contentType: nil, code: 500)
        #expect(status.message == String(repeating: "x", count: 256) + "…")
        #expect(APIStatus(body: [0xff, 0xfe], contentType: nil, code: 500).message.count <= 2)
    }

    @Test func aStatusWithoutACodeHasTheAnswers() {
        let body = Array(#"{"kind":"Status","message":"no"}"#.utf8)
        #expect(
            APIStatus(body: body, contentType: "application/json", code: 403) == APIStatus(code: 403, message: "no"))
    }
}
