import Testing

@testable import TLS

@Suite struct TLSHostsTests {
    /// Spec T4, H1 to H3.
    @Test(arguments: [
        ("a.example", "exact"), ("A.Example", "exact"), ("b.example", "wildcard"), ("x.b.example", "default"),
        ("example", "default"), (".example", "default"), ("deep.b.c.example", "deep"), ("b.c.example", "default"),
        ("", "default"), ("*.example", "wildcard"), ("other", "default"),
    ])
    func exactBeforeWildcardBeforeDefault(name: String, expected: String) throws {
        let root = try TestAuthority("root")
        func host(_ name: String) throws -> TLSHost { TLSHost(certificate: try root.issue(name).loaded()) }
        let hosts = TLSHosts(
            defaultCertificate: try root.issue("default").loaded(),
            hosts: [
                "a.example": try host("exact"), "*.EXAMPLE": try host("wildcard"), "*.b.c.example": try host("deep"),
            ])
        #expect(hosts.certificate(for: name).facts.dnsNames == [expected])
    }

    struct Extension: Sendable {
        let bytes: [UInt8]
        let name: String?
    }

    /// RFC 6066, 3.
    @Test(arguments: [
        Extension(bytes: [0, 6, 0, 0, 3] + Array("a.b".utf8), name: "a.b"),
        Extension(bytes: [0, 7, 0, 0, 4] + Array("A.B.".utf8), name: "a.b"),
        Extension(bytes: [], name: nil),
        Extension(bytes: [0, 0], name: nil),
        Extension(bytes: [0, 3, 0, 0, 0], name: nil),
        Extension(bytes: [0, 4, 0, 0, 1, 0x2E], name: nil),
        Extension(bytes: [0, 4, 1, 0, 1, 0x61], name: nil),
        Extension(bytes: [0, 5, 0, 0, 1, 0x61], name: nil),
        Extension(bytes: [0, 4, 0, 0, 2, 0x61], name: nil),
        Extension(bytes: [0, 6, 0, 0, 3, 0x61, 0, 0x62], name: nil),
        Extension(bytes: [0, 6, 0, 0, 3, 0x61, 0xC3, 0xA4], name: nil),
        Extension(bytes: [1, 3, 0, 1, 0] + [UInt8](repeating: 0x61, count: 256), name: nil),
    ])
    func theNameOfAClientHello(value: Extension) {
        #expect(ServerNameExtension.hostName(in: value.bytes.span) == value.name)
    }

    /// RFC 7301, 3.2: our order counts. A malformed list chooses nothing.
    @Test(
        arguments: [
            ("\u{2}h2\u{8}http/1.1", [ApplicationProtocol.http2, .http1], 1..<3),
            ("\u{8}http/1.1\u{2}h2", [.http2, .http1], 10..<12), ("\u{2}h2\u{8}http/1.1", [.http1], 4..<12),
            ("\u{2}h2", [.http1], nil), ("", [.http1], nil), ("\u{9}http/1.1", [.http1], nil), ("\u{0}", [.http1], nil),
        ] as [(String, [ApplicationProtocol], Range<Int>?)])
    func theChoiceOfAProtocol(list: String, offered: [ApplicationProtocol], chosen: Range<Int>?) {
        #expect(ApplicationProtocolChoice.choose(of: offered, from: Array(list.utf8).span) == chosen)
    }
}
