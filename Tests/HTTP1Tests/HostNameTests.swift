import Bytes
import HTTP1
import Testing

@Suite("Hosts")
struct HostNameTests {
    struct Row: Sendable {
        let text: String
        let name: String
        let port: UInt16
        let kind: Authority.Kind
        let hasUppercase: Bool

        init(
            _ text: String, _ name: String, _ port: UInt16 = 0, _ kind: Authority.Kind = .name, uppercase: Bool = false
        ) {
            self.text = text
            self.name = name
            self.port = port
            self.kind = kind
            self.hasUppercase = uppercase
        }
    }

    static let longest = Array(repeating: String(repeating: "a", count: 62), count: 4).joined(separator: ".")

    @Test(
        "valid",
        arguments: [
            Row("", "", 0, .none),
            Row("a.example", "a.example"),
            Row("A.example", "A.example", uppercase: true),
            Row("a.examplE", "a.examplE", uppercase: true),
            Row("a.example.", "a.example"),
            Row("a.example.:80", "a.example", 80),
            Row("a.example:8080", "a.example", 8080),
            Row("a.example:65535", "a.example", 65_535),
            Row("a.example:00080", "a.example", 80),
            Row("a.example:", "a.example"),
            Row("xn--bcher-kva.example", "xn--bcher-kva.example"),
            Row("under_score.example", "under_score.example"),
            Row("localhost", "localhost"),
            Row("1.2.3.4", "1.2.3.4", 0, .ipv4),
            Row("1.2.3.4:80", "1.2.3.4", 80, .ipv4),
            Row("255.255.255.255", "255.255.255.255", 0, .ipv4),
            Row("256.2.3.4", "256.2.3.4"),
            Row("1.2.3", "1.2.3"),
            Row("1.2.3.4.5", "1.2.3.4.5"),
            Row("1.2.3.04", "1.2.3.04"),
            Row("shop1", "shop1"),
            Row("[::1]", "::1", 0, .ipv6),
            Row("[::1]:443", "::1", 443, .ipv6),
            Row("[2001:DB8::7]", "2001:DB8::7", 0, .ipv6, uppercase: true),
            Row("[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8", 0, .ipv6),
            Row("[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7::", 0, .ipv6),
            Row("[::ffff:192.0.2.1]", "::ffff:192.0.2.1", 0, .ipv6),
            Row(HostNameTests.longest, HostNameTests.longest),
        ])
    func valid(_ row: Row) throws {
        // Surrounded by what could be taken for a part of it.
        let bytes = Array("Host:\(row.text)\r\nx.y:1".utf8)
        let parsed = HostName.parse(bytes.span, ByteRange(start: 5, count: row.text.utf8.count))
        let authority = try #require(parsed)
        #expect(bytes[authority.name].text == row.name)
        #expect(bytes[authority.text].text == row.text)
        #expect(authority.port == row.port)
        #expect(authority.kind == row.kind)
        #expect(authority.hasUppercase == row.hasUppercase)
    }

    @Test(
        "invalid",
        arguments: [
            "a.example:99999", "a.example:65536", "a.example:0", "a.example:80@b", "a.example:8a", "a.example:-1",
            "a.example:80:80", "u@a", "a/b", "a b", "a,b", "a%2eb", "a\\b", "a?b", "a#b", "*.example", ".", "..", ".a",
            "a..b",
            "a..", ":80", "[::1", "::1", "[::1]a", "[]", "[:]", "[:::]", "[1::2::3]", "[1:2:3:4:5:6:7:8:9]",
            "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8::]", "[12345::]", "[::g]", "[fe80::1%eth0]", "[::1.2.3]", "[1.2.3.4]",
            "[::1.2.3.4:5]", "[1:]", "caf\u{e9}", "a\u{e9}.example",
        ] + [
            String(repeating: "a", count: 64) + ".example",
            "b." + String(repeating: "a", count: 64),
            HostNameTests.longest + ".aa",
        ])
    func invalid(_ text: String) {
        let bytes = Array("Host:\(text)\r\n".utf8)
        let parsed = HostName.parse(bytes.span, ByteRange(start: 5, count: text.utf8.count))
        #expect(parsed == nil)
    }

    @Test("lower case")
    func lowercase() {
        let bytes = Array("xShOp.Example-1_Z[".utf8)
        var text = [UInt8](repeating: 0, count: 16)
        var span = text.mutableSpan
        let written = HostName.writeLowercase(bytes.span, ByteRange(start: 1, count: 16), into: &span)
        let tooLong = HostName.writeLowercase(bytes.span, ByteRange(start: 0, count: 17), into: &span)
        #expect(written == 16)
        #expect(tooLong == nil)
        #expect(text.text == "shop.example-1_z")
    }
}
