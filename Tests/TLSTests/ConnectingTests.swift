import COpenSSL
import TLS
import Testing

/// The connecting end: what is agreed with a server, and which servers are refused.
@Suite struct ConnectingTests {
    // MARK: - Protocols

    struct Choice: Sendable {
        let asked: [ApplicationProtocol]
        let offered: [ApplicationProtocol]
        /// nil: the handshake fails.
        let agreed: ApplicationProtocol??
    }

    @Test(
        arguments: [
            Choice(asked: [.http2, .http1], offered: [.http2, .http1], agreed: .http2),
            Choice(asked: [.http1, .http2], offered: [.http2, .http1], agreed: .http2),
            Choice(asked: [.http2, .http1], offered: [.http1, .http2], agreed: .http1),
            Choice(asked: [.http1], offered: [.http2, .http1], agreed: .http1),
            Choice(asked: [.http2, .http1], offered: [.http1], agreed: .http1),
            Choice(asked: [.http2], offered: [.http2, .http1], agreed: .http2),
            Choice(asked: [], offered: [.http2, .http1], agreed: .some(nil)),
            Choice(asked: [.http2], offered: [.http1], agreed: nil),
            Choice(asked: [.http1], offered: [.http2], agreed: nil),
        ], [TLSVersion.tls12, .tls13])
    func protocolsInCommon(choice: Choice, version: TLSVersion) throws {
        let server = try TestContext.make { $0.protocols = choice.offered }
        let client = try TestClientContext.make { settings in
            settings.protocols = choice.asked
            settings.algorithms.maximumVersion = version
        }
        let connection = try Connection(client, to: server)
        #expect(connection.client.negotiatedProtocol == nil)
        connection.handshake()
        if let agreed = choice.agreed {
            #expect(connection.clientStep == .done)
            #expect(connection.serverStep == .done)
            #expect(connection.client.negotiatedProtocol == agreed)
            #expect(connection.server.negotiatedProtocol == agreed)
        } else {
            #expect(connection.clientStep == .failed(TLSFailure(.peerAlert, code: 120)))
            #expect(connection.serverStep == .failed(TLSFailure(.noApplicationProtocol)))
            #expect(connection.client.negotiatedProtocol == nil)
        }
    }

    @Test(
        arguments: [
            (TLSVersion.tls12, TLSVersion.tls12, TLSVersion.tls13), (.tls13, .tls12, .tls13),
            (.tls12, .tls13, .tls13),
        ])
    func versions(client: TLSVersion, server: TLSVersion, agreed: TLSVersion) throws {
        let connection = try Connection(
            TestClientContext.make { $0.algorithms.minimumVersion = client },
            to: TestContext.make { $0.algorithms.minimumVersion = server })
        #expect(connection.handshake() == .done)
        #expect(connection.client.version == agreed)
        #expect(connection.server.version == agreed)
        #expect(connection.client.cipher == connection.server.cipher)
    }

    // MARK: - Names

    @Test(
        arguments: [
            ("shop.example", "shop.example"), ("Shop.Example", "shop.example"), (nil, nil), ("10.0.0.1", nil),
            ("::1", nil),
        ] as [(String?, String?)])
    func theNameThatIsAskedFor(name: String?, seen: String?) throws {
        let connection = try Connection(
            TestClientContext.make { $0.serverName = name }, to: TestContext.make())
        #expect(connection.handshake() == .done)
        #expect(connection.server.serverName == seen)
        #expect(connection.client.serverName?.lowercased() == seen)
    }

    @Test func aServerThatDoesNotKnowTheName() throws {
        let connection = try Connection(
            TestClientContext.make { $0.serverName = "other.example" },
            to: TestContext.make { $0.rejectsUnknownNames = true })
        // unrecognized_name
        #expect(connection.handshake() == .failed(TLSFailure(.peerAlert, code: 112)))
    }

    // MARK: - Verification

    enum Served: String, Sendable, CaseIterable {
        case good, wildcard, address, expired, notYet, namesake, strange, selfSigned, forClients, commonNameOnly
        case underAnIntermediate, underTwo
    }

    private struct Issuer {
        let root = try? TestAuthority("root")

        func make(_ served: Served) throws -> Certificate {
            let root = try #require(self.root)
            switch served {
            case .good: return try root.issue("a.example", "b.example").loaded()
            case .wildcard: return try root.issue("*.shop.example").loaded()
            case .address: return try root.issue(.init(names: ["IP:10.0.0.1", "IP:2001:db8::1"])).loaded()
            case .expired: return try root.issue(.init(names: ["a.example"], notBefore: -9, notAfter: -2)).loaded()
            case .notYet: return try root.issue(.init(names: ["a.example"], notBefore: 2)).loaded()
            case .namesake: return try TestAuthority("root").issue("a.example").loaded()
            case .strange: return try TestAuthority("another").issue("a.example").loaded()
            case .selfSigned: return try Certificate.selfSigned(names: ["a.example"])
            case .forClients: return try root.issue(.init(names: ["a.example"], usage: "clientAuth")).loaded()
            case .commonNameOnly: return try root.issue(.init(commonName: "a.example")).loaded()
            case .underAnIntermediate:
                let middle = try TestAuthority("middle", issuer: root)
                return try middle.issue("a.example").loaded(chain: middle.identity.certificate)
            case .underTwo:
                let first = try TestAuthority("first", issuer: root)
                let second = try TestAuthority("second", issuer: first)
                return try second.issue("a.example").loaded(
                    chain: second.identity.certificate + first.identity.certificate)
            }
        }
    }

    struct Row: Sendable {
        let served: Served
        var name = "a.example"
        var depth = 1
        /// nil: accepted.
        var refusal: Int32?
    }

    @Test(
        arguments: [
            Row(served: .good), Row(served: .good, name: "b.example"), Row(served: .good, name: "A.Example"),
            Row(served: .good, name: "c.example", refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .good, name: "example", refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .good, name: "x.a.example", refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .good, name: "10.0.0.1", refusal: X509_V_ERR_IP_ADDRESS_MISMATCH),
            Row(served: .wildcard, name: "a.shop.example"),
            Row(served: .wildcard, name: "shop.example", refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .wildcard, name: "x.a.shop.example", refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .address, name: "10.0.0.1"), Row(served: .address, name: "2001:db8:0::1"),
            Row(served: .address, name: "10.0.0.2", refusal: X509_V_ERR_IP_ADDRESS_MISMATCH),
            Row(served: .address, refusal: X509_V_ERR_HOSTNAME_MISMATCH),
            Row(served: .commonNameOnly),
            Row(served: .expired, refusal: X509_V_ERR_CERT_HAS_EXPIRED),
            Row(served: .notYet, refusal: X509_V_ERR_CERT_NOT_YET_VALID),
            // The same subject as the authority's, another key.
            Row(served: .namesake, refusal: X509_V_ERR_CERT_SIGNATURE_FAILURE),
            Row(served: .strange, refusal: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
            Row(served: .selfSigned, refusal: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT),
            Row(served: .forClients, refusal: X509_V_ERR_INVALID_PURPOSE),
            Row(served: .underAnIntermediate),
            Row(served: .underAnIntermediate, depth: 0, refusal: X509_V_ERR_CERT_CHAIN_TOO_LONG),
            Row(served: .underTwo, refusal: X509_V_ERR_CERT_CHAIN_TOO_LONG), Row(served: .underTwo, depth: 2),
        ], [TLSVersion.tls12, .tls13])
    func whoIsAccepted(row: Row, version: TLSVersion) throws {
        let issuer = Issuer()
        let server = try TestContext.make(issuer.make(row.served))
        let client = try TestClientContext.make(verifying: row.name, with: issuer.root, depth: row.depth) {
            $0.algorithms.maximumVersion = version
        }
        let connection = try Connection(client, to: server)
        let step = connection.handshake()
        guard let refusal = row.refusal else {
            #expect(step == .done)
            return
        }
        guard case .failed(let failure) = step else {
            Issue.record("\(step)")
            return
        }
        #expect(failure.reason == .serverCertificateRefused)
        #expect(failure.code == Int64(refusal), "\(failure)")
        #expect(connection.clientWrites([1]) == .failed(failure))
        guard case .failed(let seen) = connection.serverStep else {
            // TLS 1.3: the server is done before the client has looked, and hears of it when it reads.
            #expect(connection.serverReads().last.failure?.reason == .peerAlert)
            return
        }
        #expect(seen.reason == .peerAlert)
    }

    /// As nginx without `proxy_ssl_verify`.
    @Test(arguments: Served.allCases)
    func withoutVerificationEverybodyIsAccepted(served: Served) throws {
        let connection = try Connection(TestClientContext.make(), to: TestContext.make(Issuer().make(served)))
        #expect(connection.handshake() == .done)
        #expect(connection.clientWrites([1]) == .bytes(1))
        #expect(connection.serverReads().bytes == [1])
    }

    /// A certificate that is in the bundle itself is trusted, whoever signed it.
    @Test func theCertificateItselfAsTheAuthority() throws {
        let identity = try TestAuthority("root").issue("a.example")
        let verification = ServerVerification(
            name: "a.example", authorities: try CertificateAuthorities(identity.certificate))
        let connection = try Connection(
            TestClientContext.make { $0.verification = verification }, to: TestContext.make(identity.loaded()))
        #expect(connection.handshake() == .done)
    }

    // MARK: - The client's own certificate

    enum Shown: Sendable {
        case good, ofAnother, none
    }

    @Test(arguments: [Shown.good, .ofAnother, .none], [TLSVersion.tls12, .tls13])
    func aCertificateIsShown(shown: Shown, version: TLSVersion) throws {
        let root = try TestAuthority("clients")
        let identity: TestIdentity? =
            switch shown {
            case .good: try root.issue("proxy")
            case .ofAnother: try TestAuthority("others").issue("proxy")
            case .none: nil
            }
        let policy = try ClientCertificatePolicy(.required, authorities: root.identity.certificate)
        let server = try TestContext.make(hosts: [
            "a.example": TLSHost(certificate: nil, clientCertificates: policy)
        ])
        let client = try TestClientContext.make { settings in
            settings.serverName = "a.example"
            settings.certificate = try? identity?.loaded()
            settings.algorithms.maximumVersion = version
        }
        let connection = try Connection(client, to: server)
        connection.handshake()
        guard shown == .good else {
            let expected: TLSFailure.Reason =
                shown == .none ? .clientCertificateMissing : .clientCertificateRefused
            #expect(connection.serverStep.failure?.reason == expected)
            #expect(
                connection.clientStep.failure?.reason == .peerAlert
                    || connection.clientReads().last.failure?.reason == .peerAlert)
            return
        }
        #expect(connection.clientStep == .done)
        #expect(connection.serverStep == .done)
        guard case .verified(let facts) = connection.server.clientCertificate else {
            Issue.record("not verified")
            return
        }
        #expect(facts.dnsNames == ["proxy"])
        #expect(connection.client.clientCertificate == .none)
    }

    // MARK: - Settings

    @Test func settingsThatCannotBe() throws {
        let root = try TestAuthority("root")
        for change: (inout TLSClientSettings) -> Void in [
            { $0.algorithms.ciphers = ["NO-SUCH-CIPHER"] }, { $0.algorithms.cipherSuites = ["NO_SUCH"] },
            { $0.algorithms.groups = ["P-1"] }, { $0.serverName = "" },
            {
                $0.algorithms.minimumVersion = .tls13
                $0.algorithms.maximumVersion = .tls12
            }, { $0.serverName = "a\0b" },
            { $0.serverName = String(repeating: "a", count: 256) },
        ] {
            let error = #expect(throws: TLSContextError.self) { _ = try TestClientContext.make(change) }
            #expect(error?.code == .badSetting)
        }
        for name in ["", "a\0.example"] {
            let error = #expect(throws: TLSContextError.self) {
                _ = try TestClientContext.make(verifying: name, with: root)
            }
            #expect(error?.code == .badSetting)
        }
        // And nothing of it is left for the next.
        #expect(try Connection(TestClientContext.make(), to: TestContext.make()).handshake() == .done)
    }

    @Test(arguments: ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "nothing of the kind"])
    func bundlesThatAreNone(text: String) throws {
        let error = #expect(throws: CertificateError.self) { _ = try CertificateAuthorities(Array(text.utf8)) }
        #expect(error?.part == .authorities)
    }
}

extension TLSTransfer {
    var failure: TLSFailure? {
        if case .failed(let failure) = self { return failure }
        return nil
    }
}
