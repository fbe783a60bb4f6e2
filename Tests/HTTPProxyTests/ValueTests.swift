import Balancing
import Bytes
import HTTP1
import LineSupport
import Networking
import Testing

@testable import HTTPProxy

@Suite struct AddressTextTests {
    @Test(arguments: [
        "0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "1111:2222:3333:4444:5555:6666:7777:8888", "::ffff:1.2.3.4",
    ])
    func `an address is written as its description`(text: String) throws {
        let address = try #require(IPAddress(text))
        let written = AddressText(address)
        let bytes = written.span.indices.map { written.span[$0] }
        #expect(String(decoding: bytes, as: UTF8.self) == address.description)
        #expect(Int(written.count) == address.description.utf8.count)
    }
}

@Suite struct LocalAnswerTests {
    private static let answers: [(LocalAnswer, UInt16, String, Bool)] = [
        (.refused(.missingHost), 400, "no Host", true),
        (.refused(.headTooLarge), 431, "head too large", true),
        (.refused(.targetTooLong), 414, "request line too long", true),
        (.refused(.unsupportedVersion), 505, "unsupported HTTP version", true),
        (.noRoute, 404, "no-route", false),
        (.bodyTooLarge, 413, "body-too-large", true),
        (.headTimeout, 408, "request-head-timeout", true),
        (.bodyTimeout, 408, "request-body-timeout", true),
        (.misdirected, 421, "misdirected", false),
        (.noCertificate, 400, "no-client-certificate", false),
        (.httpOnHTTPS, 400, "http-on-https-port", true),
        (.starting, 503, "starting", false),
        (.noClientAuthority, 503, "no-client-authority", false),
        (.serviceMissing, 503, "service-missing", false),
        (.portMissing, 503, "service-port-missing", false),
        (.externalNameRefused, 503, "external-name-refused", false),
        (.backendSecretUnusable, 503, "backend-secret-unusable", false),
        (.noEndpoints, 503, "no-endpoints", false),
        (.endpointsBusy, 503, "endpoints-busy", false),
        (.unreachable, 502, "endpoint-unreachable", false),
        (.connectTimeout, 504, "endpoint-connect-timeout", false),
        (.noReply, 502, "endpoint-closed", false),
        (.badReply, 502, "endpoint-invalid-response", false),
        (.replyTimeout, 504, "endpoint-response-timeout", false),
        (.redirect, 308, "https-redirect", false),
    ]

    @Test func `each has its status and its reason, and says whether the connection goes on`() {
        for (answer, status, reason, closes) in Self.answers {
            #expect(answer.status == status, "\(answer)")
            #expect(answer.reason.description == reason)
            #expect(answer.closes == closes, "\(answer)")
            #expect(StatusPhrase.text(answer.status).description != "Error", "\(answer)")
            // Of visible ASCII, as it goes into a field.
            #expect(answer.reason.description.utf8.allSatisfy { (0x20..<0x7f).contains($0) })
        }
        #expect(Set(Self.answers.map(\.2)).count == Self.answers.count, "each can be told from the others")
    }

    @Test func `each fits into a buffer, and has a length that is that of its text`() throws {
        for (answer, status, reason, _) in Self.answers {
            for closes in [false, true] {
                var buffer = ByteBuffer(capacity: 4_096)
                let date = HTTPDate(secondsSince1970: 784_111_777)
                let isWritten = ErrorResponse.write(
                    status: answer.status, reason: answer.reason, closes: closes, date: date, into: &buffer)
                #expect(isWritten)
                let text = String(decoding: buffer.bytes, as: UTF8.self)
                let parts = text.split(separator: "\r\n\r\n", maxSplits: 1).map { String($0) }
                try #require(parts.count == 2)
                #expect(parts[0].hasPrefix("HTTP/1.1 \(status) "))
                #expect(parts[0].contains("\r\nContent-Length: \(parts[1].utf8.count)\r\n"))
                #expect(parts[0].contains("\r\nX-Fairlead-Reason: \(reason)"))
                #expect(parts[0].contains("\r\nConnection: close") == closes)
                #expect(parts[1].hasSuffix("\(reason)\n"))
            }
        }
    }
}
