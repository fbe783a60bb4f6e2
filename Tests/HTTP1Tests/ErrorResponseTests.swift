import Bytes
import HTTP1
import Testing

@Suite("Answers of our own")
struct ErrorResponseTests {
    static let date = HTTPDate(secondsSince1970: 784_111_777)

    static func write(
        _ status: UInt16, _ reason: StaticString, closes: Bool, clientMinorVersion: UInt8 = 1, omitsBody: Bool = false
    ) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 1_024)
        let isWritten = ErrorResponse.write(
            status: status, reason: reason, closes: closes, clientMinorVersion: clientMinorVersion,
            omitsBody: omitsBody,
            date: Self.date, into: &buffer)
        #expect(isWritten)
        return buffer.contents
    }

    @Test("a whole answer")
    func whole() {
        #expect(
            Self.write(404, "no route", closes: false).text
                == "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n"
                + "Server: fairlead\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Fairlead-Reason: no route\r\n\r\n"
                + "404 Not Found: no route\n")
    }

    @Test(
        "its length is that of its body, whatever the status",
        arguments: [400, 403, 404, 405, 408, 413, 414, 417, 421, 429, 431, 500, 501, 502, 503, 504, 505] as [UInt16])
    func length(_ status: UInt16) throws {
        for omitsBody in [false, true] {
            let bytes = Self.write(status, "some reason", closes: true, omitsBody: omitsBody)
            var fields = FieldTable()
            let context = ResponseContext(method: .get)
            let outcome = ResponseParser.parse(bytes.span, context: context, limits: MessageLimits(), fields: &fields)
            guard case .complete(let head) = outcome, case .length(let length) = head.framing else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(head.status == status)
            #expect(!head.keepsAlive)
            #expect(bytes[head.reason] != Array("Error".utf8))
            #expect(bytes.count - head.length == (omitsBody ? 0 : Int(length)))
            #expect(bytes.text.contains("X-Fairlead-Reason: some reason\r\n"))
            #expect(bytes.text.contains("\r\nAllow: ") == (status == 405))
        }
    }

    @Test("every refusal has an answer, that closes the connection")
    func refusals() {
        for fault in MessageFault.allCases {
            var buffer = ByteBuffer(capacity: 1_024)
            let isWritten = ErrorResponse.write(Refusal(fault), date: Self.date, into: &buffer)
            #expect(isWritten)
            let text = buffer.contents.text
            #expect(text.hasPrefix("HTTP/1.1 \(fault.status) "))
            #expect(!text.hasPrefix("HTTP/1.1 \(fault.status) Error"))
            #expect(text.contains("\r\nConnection: close\r\n"))
            #expect(text.contains("\r\nX-Fairlead-Reason: \(fault.text)\r\n"))
        }
        #expect(Set(MessageFault.allCases.map { "\($0.text)" }).count == MessageFault.allCases.count)
    }

    @Test("HTTP/1.0 clients are told that the connection stays")
    func oldClients() {
        #expect(
            Self.write(404, "x", closes: false, clientMinorVersion: 0).text.contains("\r\nConnection: keep-alive\r\n"))
        #expect(Self.write(404, "x", closes: true, clientMinorVersion: 0).text.contains("\r\nConnection: close\r\n"))
    }

    @Test("what does not fit is not begun")
    func space() {
        var buffer = ByteBuffer(capacity: 300)
        let isWritten = ErrorResponse.write(status: 404, reason: "x", closes: true, date: Self.date, into: &buffer)
        #expect(!isWritten)
        #expect(buffer.contents.isEmpty)
    }

    @Test(
        "dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-5, "Thu, 01 Jan 1970 00:00:00 GMT"), (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)])
    func dates(_ seconds: Int64, _ text: String) {
        var buffer = ByteBuffer(capacity: 29)
        HTTPDate(secondsSince1970: seconds).write(into: &buffer)
        #expect(buffer.contents.text == text)
    }
}
