import COpenSSL
import TLS
import Testing

@Suite struct HandshakeTests {
    @Test(
        arguments: [
            (TLS1_VERSION, TLSVersion.tls12, nil), (TLS1_1_VERSION, .tls12, nil),
            (TLS1_2_VERSION, .tls12, TLSVersion.tls12),
            (TLS1_3_VERSION, .tls12, .tls13), (TLS1_2_VERSION, .tls13, nil), (TLS1_3_VERSION, .tls13, .tls13),
        ] as [(Int32, TLSVersion, TLSVersion?)])
    func versions(offered: Int32, minimum: TLSVersion, agreed: TLSVersion?) throws {
        let context = try TestContext.make { $0.algorithms.minimumVersion = minimum }
        let link = try Link(context, .init(minimum: offered, maximum: offered))
        let step = try link.handshake()
        if let agreed {
            #expect(step == .done)
            #expect(link.version == agreed)
            #expect(link.client.state == .done)
        } else {
            #expect(step.failure?.reason == .unsupportedVersion)
            #expect(link.client.state == .failed("tlsv1 alert protocol version"))
        }
    }

    @Test(arguments: [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", true), ("ECDHE-ECDSA-AES128-SHA", false), ("AES128-GCM-SHA256", false),
        ("ECDHE-RSA-AES128-GCM-SHA256", false), ("ECDHE-ECDSA-AES256-CCM", false),
    ])
    func ciphersOfTLS12(cipher: String, offered: Bool) throws {
        let link = try Link(TestContext.make(), .init(maximum: TLS1_2_VERSION, ciphers: cipher))
        let step = try link.handshake()
        if offered {
            #expect(step == .done)
            #expect(link.cipher == cipher)
        } else {
            #expect(step.failure?.reason == .noSharedCipher)
        }
    }

    @Test func ourOrderOfCiphersCounts() throws {
        let all = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
        let link = try Link(TestContext.make(), .init(maximum: TLS1_2_VERSION, ciphers: all))
        try link.handshake()
        #expect(link.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
        let newest = try Link(TestContext.make())
        try newest.handshake()
        #expect(newest.cipher == "TLS_AES_128_GCM_SHA256")
    }

    @Test(arguments: [("X25519", true), ("P-256", true), ("P-384", true), ("P-521", false), ("X448", false)])
    func groups(group: String, offered: Bool) throws {
        let link = try Link(TestContext.make(), .init(groups: group))
        let step = try link.handshake()
        #expect((step == .done) == offered)
        if !offered { #expect(step.failure?.reason == .noSharedCipher) }
    }

    @Test(arguments: [TestKey.p256, .p384, .rsa2048, .ed25519], [TLS1_2_VERSION, TLS1_3_VERSION])
    func kindsOfKeys(key: TestKey, version: Int32) throws {
        let certificate = try TestAuthority("root").issue("a.example", key: key).loaded()
        let link = try Link(TestContext.make(certificate), .init(minimum: version, maximum: version))
        #expect(try link.handshake() == .done)
        #expect(link.client.serverFingerprint == certificate.facts.fingerprint)
    }

    @Test func theChainIsSentWithoutWhatCouldBeAddedToIt() throws {
        let root = try TestAuthority("root")
        let middle = try TestAuthority("middle", issuer: root)
        let identity = try middle.issue("a.example")
        let whole = try identity.loaded(chain: middle.identity.certificate + root.identity.certificate)
        let alone = try identity.loaded()
        let context = try TestContext.make(
            alone, hosts: ["whole.example": TLSHost(certificate: whole)])
        for (name, count) in [("whole.example", 3), ("alone.example", 1)] {
            let link = try Link(context, .init(serverName: name))
            try link.handshake()
            #expect(link.client.chainLength == count)
        }
    }

    // MARK: - Names

    struct Naming: Sendable {
        let name: String?
        let served: String
        let isKnown: Bool
    }

    /// Spec T4, T7 and T9.
    @Test(arguments: [
        Naming(name: "a.example", served: "exact", isKnown: true),
        Naming(name: "A.Example", served: "exact", isKnown: true),
        Naming(name: "b.example", served: "wildcard", isKnown: true),
        Naming(name: "x.b.example", served: "default", isKnown: false),
        Naming(name: "other.test", served: "default", isKnown: false),
        Naming(name: "without.test", served: "default", isKnown: true),
        Naming(name: nil, served: "default", isKnown: false),
    ])
    func theCertificateOfAName(naming: Naming) throws {
        let root = try TestAuthority("root")
        let served = try Dictionary(
            uniqueKeysWithValues: ["exact", "wildcard", "default"].map { ($0, try root.issue($0).loaded()) })
        let hosts = [
            "a.example": TLSHost(certificate: served["exact"]), "*.example": TLSHost(certificate: served["wildcard"]),
            "without.test": TLSHost(certificate: nil),
        ]
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let context = try TestContext.make(served["default"], hosts: hosts)
            let link = try Link(context, .init(serverName: naming.name, maximum: version))
            #expect(try link.handshake() == .done)
            #expect(link.client.serverFingerprint == served[naming.served]?.facts.fingerprint)
            #expect(link.serverName == naming.name?.lowercased())

            let strict = try TestContext.make(served["default"], hosts: hosts) { $0.rejectsUnknownNames = true }
            let second = try Link(strict, .init(serverName: naming.name, maximum: version))
            let step = try second.handshake()
            if naming.isKnown {
                #expect(step == .done)
            } else {
                #expect(step == .failed(TLSFailure(.unknownName)))
                #expect(second.client.state == .failed("tlsv1 unrecognized name"))
            }
        }
    }

    /// Spec T8: the next handshake has the next certificate, the connections that are open stay.
    @Test func aCertificateRotatesBetweenTwoHandshakes() throws {
        let root = try TestAuthority("root")
        let certificates = try (0..<3).map { _ in try root.issue("a.example").loaded() }
        let other = try root.issue("b.example").loaded()
        var context = try TestContext.make(hosts: ["a.example": TLSHost(certificate: certificates[0])])
        let open = try Link(context, .init(serverName: "a.example"))
        try open.handshake()
        // Half way through its handshake when the certificate changes.
        let between = try Link(context, .init(serverName: "a.example"))
        for certificate in certificates.dropFirst() {
            context = context.replacing(
                TLSHosts(
                    defaultCertificate: context.hosts.defaultCertificate,
                    hosts: ["a.example": TLSHost(certificate: certificate), "b.example": TLSHost(certificate: other)]))
            let link = try Link(context, .init(serverName: "a.example"))
            #expect(try link.handshake() == .done)
            #expect(link.client.serverFingerprint == certificate.facts.fingerprint)
        }
        #expect(try between.handshake() == .done)
        #expect(between.client.serverFingerprint == certificates[0].facts.fingerprint)
        open.client.write(Array("still here".utf8))
        try open.clientSends()
        #expect(open.serverReads().bytes == Array("still here".utf8))
    }

    /// What only the old certificate's handshakes need goes with them, though a connection stays open for ever.
    @Test func anOldTableOfHostsIsGivenUp() throws {
        weak var old: TLSHosts?
        let link: Link
        do {
            let context = try TestContext.make()
            old = context.hosts
            link = try Link(context)
            #expect(old != nil)
        }
        #expect(old != nil)
        try link.handshake()
        #expect(old == nil)
        #expect(link.serverHandshakes() == .done)
    }

    /// Spec T11.
    @Test func anExpiredCertificateIsServed() throws {
        let identity = try TestAuthority("root").issue(.init(names: ["a.example"], notBefore: -9, notAfter: -2))
        let link = try Link(TestContext.make(identity.loaded()))
        #expect(try link.handshake() == .done)
    }

    // MARK: - Protocols

    @Test(
        arguments: [
            ([], [.http1], nil), (["http/1.1"], [.http1], .http1), (["h2", "http/1.1"], [.http1], .http1),
            (["http/1.1", "h2"], [.http2, .http1], .http2), (["h2"], [.http2, .http1], .http2),
        ] as [([String], [ApplicationProtocol], ApplicationProtocol?)])
    func protocolsInCommon(asked: [String], offered: [ApplicationProtocol], agreed: ApplicationProtocol?) throws {
        let link = try Link(TestContext.make { $0.protocols = offered }, .init(protocols: asked))
        #expect(try link.handshake() == .done)
        #expect(link.negotiatedProtocol == agreed)
        #expect(link.client.negotiatedProtocol == agreed?.rawValue)
    }

    @Test(arguments: [["h2"], ["acme-tls/1"], ["http/1.0", "spdy/3"]])
    func noProtocolInCommon(asked: [String]) throws {
        let link = try Link(TestContext.make(), .init(protocols: asked))
        #expect(try link.handshake() == .failed(TLSFailure(.noApplicationProtocol)))
        #expect(link.client.state == .failed("tlsv1 alert no application protocol"))
    }

    @Test func settingsThatOpenSSLDoesNotKnow() throws {
        for change: (inout TLSSettings) -> Void in [
            { $0.algorithms.ciphers = ["NO-SUCH-CIPHER"] }, { $0.algorithms.cipherSuites = ["NO_SUCH"] },
            { $0.algorithms.groups = ["P-1"] },
        ] {
            let error = #expect(throws: TLSContextError.self) { _ = try TestContext.make(nil, change) }
            #expect(error?.code == .badSetting)
        }
        // And nothing of it is left for the next.
        #expect(try Link(TestContext.make()).handshake() == .done)
    }
}
