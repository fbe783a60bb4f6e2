import COpenSSL
import TLS
import Testing

@Suite struct ClientCertificateTests {
    enum Shown: CaseIterable, Sendable {
        case nothing, good, throughIntermediate, otherAuthority, expired, forServersOnly
    }

    private let root: TestAuthority
    private let server: Certificate

    init() throws {
        self.root = try TestAuthority("clients")
        self.server = try TestAuthority("servers").issue("a.example").loaded()
    }

    private func identity(_ shown: Shown) throws -> TestIdentity? {
        switch shown {
        case .nothing: return nil
        case .good: return try self.root.issue(.init(commonName: "alice"))
        case .throughIntermediate:
            let middle = try TestAuthority("middle", issuer: self.root)
            let leaf = try middle.issue(.init(commonName: "bob"))
            return TestIdentity(certificate: leaf.certificate + middle.identity.certificate, key: leaf.key)
        case .otherAuthority: return try TestAuthority("others").issue(.init(commonName: "mallory"))
        case .expired: return try self.root.issue(.init(commonName: "old", notBefore: -9, notAfter: -2))
        case .forServersOnly: return try self.root.issue(.init(commonName: "web", usage: "serverAuth"))
        }
    }

    private func context(_ policy: ClientCertificatePolicy?, tickets: TicketKeys? = nil) throws -> TLSServerContext {
        try TestContext.make(
            self.server, hosts: ["a.example": TLSHost(certificate: self.server, clientCertificates: policy)],
            tickets: tickets)
    }

    private func policy(
        _ mode: ClientCertificatePolicy.Mode, depth: Int = ClientCertificatePolicy.defaultDepth
    ) throws -> ClientCertificatePolicy {
        try ClientCertificatePolicy(mode, authorities: self.root.identity.certificate, depth: depth)
    }

    private static let verdicts: [Shown: String] = [
        .otherAuthority: "unable to get local issuer certificate", .expired: "certificate has expired",
        .forServersOnly: "unsuitable certificate purpose",
    ]

    @Test(arguments: Shown.allCases, [TLS1_2_VERSION, TLS1_3_VERSION])
    func optional(shown: Shown, version: Int32) throws {
        let identity = try self.identity(shown)
        let link = try Link(
            self.context(self.policy(.optional)),
            .init(serverName: "a.example", minimum: version, maximum: version, identity: identity))
        #expect(try link.handshake() == .done)
        switch (shown, link.clientCertificate) {
        case (.nothing, .none): break
        case (.good, .verified(let facts)):
            #expect(facts.subject == "CN=alice")
            #expect(facts.fingerprint.count == 64)
        case (.throughIntermediate, .verified(let facts)): #expect(facts.issuer == "CN=middle")
        case (_, .refused(_, let reason)): #expect(reason == Self.verdicts[shown])
        case (_, let result): Issue.record("\(result)")
        }
    }

    @Test(arguments: Shown.allCases, [TLS1_2_VERSION, TLS1_3_VERSION])
    func required(shown: Shown, version: Int32) throws {
        let identity = try self.identity(shown)
        let link = try Link(
            self.context(self.policy(.required)),
            .init(serverName: "a.example", minimum: version, maximum: version, identity: identity))
        let step = try link.handshake()
        switch shown {
        case .good, .throughIntermediate:
            #expect(step == .done)
            guard case .verified = link.clientCertificate else {
                Issue.record("\(link.clientCertificate)")
                return
            }
        case .nothing:
            #expect(step == .failed(TLSFailure(.clientCertificateMissing)))
        case .otherAuthority, .expired, .forServersOnly:
            let failure = try #require(step.failure)
            #expect(failure.reason == .clientCertificateRefused)
            #expect(failure.description == "client certificate refused: \(Self.verdicts[shown] ?? "")")
        }
    }

    @Test func whereClientsAreNotAskedTheirCertificatesAreNotSeen() throws {
        let identity = try self.identity(.good)
        for (context, name) in [
            (try self.context(nil), "a.example"), (try self.context(self.policy(.required)), "other.example"),
        ] {
            let link = try Link(context, .init(serverName: name, identity: identity))
            #expect(try link.handshake() == .done)
            #expect(link.clientCertificate == .none)
            #expect(link.policy == nil)
        }
    }

    @Test(arguments: [(0, false), (1, true)])
    func howManyIntermediatesThereMayBe(depth: Int, accepted: Bool) throws {
        let identity = try self.identity(.throughIntermediate)
        let link = try Link(
            self.context(self.policy(.required, depth: depth)), .init(serverName: "a.example", identity: identity))
        #expect((try link.handshake() == .done) == accepted)
    }

    /// A bundle may hold an intermediate alone.
    @Test func anIntermediateIsAnAnchor() throws {
        let middle = try TestAuthority("middle", issuer: self.root)
        let policy = try ClientCertificatePolicy(.required, authorities: middle.identity.certificate)
        let identity = try middle.issue(.init(commonName: "bob"))
        let link = try Link(self.context(policy), .init(serverName: "a.example", identity: identity))
        #expect(try link.handshake() == .done)
        #expect(link.policy == policy.id)
    }

    /// A session without a certificate is no way into a host that requires one, nor one that was verified a way around the
    /// next verification.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func nothingIsResumedWhereClientsAreAsked(version: Int32) throws {
        let tickets = try TicketKeys()
        let open = try self.context(nil, tickets: tickets)
        let asked = try self.context(self.policy(.optional), tickets: tickets)
        let required = try self.context(self.policy(.required), tickets: tickets)
        let first = try Link(open, .init(serverName: "a.example", minimum: version, maximum: version))
        try first.handshake()
        let session = try #require(first.client.session)
        let options = TestClient.Options(
            serverName: "a.example", minimum: version, maximum: version, session: session)
        #expect(try Link(required, options).handshake() == .failed(TLSFailure(.clientCertificateMissing)))
        let link = try Link(asked, options)
        #expect(try link.handshake() == .done)
        #expect(!link.isResumed)
        #expect(link.client.sessions == 0)
    }

    @Test func policiesThatAcceptTheSameAreEqual() throws {
        #expect(try self.policy(.optional).id == self.policy(.optional).id)
        #expect(try self.policy(.optional).id != self.policy(.required).id)
        #expect(try self.policy(.optional).id != self.policy(.optional, depth: 3).id)
        let others = try TestAuthority("others").identity.certificate
        let both = [self.root.identity.certificate + others, others + self.root.identity.certificate]
        #expect(
            try ClientCertificatePolicy(.optional, authorities: both[0]).id
                == ClientCertificatePolicy(.optional, authorities: both[1]).id)
        #expect(try ClientCertificatePolicy(.optional, authorities: both[0]).id != self.policy(.optional).id)
    }

    @Test func bundlesThatCannotBeUsed() throws {
        for (bytes, code) in [
            ([], CertificateError.Code.missing), (Array("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8), .malformed),
            (self.root.identity.key, .missing),
        ] {
            let error = #expect(throws: CertificateError.self) {
                try ClientCertificatePolicy(.optional, authorities: bytes)
            }
            #expect(error?.code == code)
            #expect(error?.part == .authorities)
        }
    }
}
