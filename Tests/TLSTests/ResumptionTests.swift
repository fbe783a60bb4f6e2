import COpenSSL
import TLS
import Testing

@Suite struct ResumptionTests {
    private func session(_ context: TLSServerContext, _ version: Int32, name: String = "a.example") throws
        -> TestSession
    {
        let link = try Link(context, .init(serverName: name, minimum: version, maximum: version))
        #expect(try link.handshake() == .done)
        #expect(!link.isResumed)
        return try #require(link.client.session)
    }

    private func resumes(
        _ context: TLSServerContext, _ session: TestSession, _ version: Int32, name: String = "a.example"
    ) throws -> Bool {
        let link = try Link(context, .init(serverName: name, minimum: version, maximum: version, session: session))
        #expect(try link.handshake() == .done)
        #expect(link.isResumed == link.client.isResumed)
        #expect(link.serverName == name)
        return link.isResumed
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aTicketResumesWhereverItsKeysAre(version: Int32) throws {
        let tickets = try TicketKeys()
        let first = try TestContext.make(tickets: tickets)
        let second = try TestContext.make(tickets: tickets)
        let stranger = try TestContext.make()
        #expect(try self.resumes(first, self.session(first, version), version))
        #expect(try self.resumes(second, self.session(first, version), version))
        #expect(try !self.resumes(stranger, self.session(first, version), version))
        // The certificates may have changed meanwhile.
        let session = try self.session(first, version)
        let next = first.replacing(TLSHosts(defaultCertificate: try .selfSigned(), hosts: [:]))
        #expect(try self.resumes(next, session, version))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func twoRotationsAreSurvivedAndNotThree(version: Int32) throws {
        let tickets = try TicketKeys()
        let context = try TestContext.make(tickets: tickets)
        for (rotations, resumes) in [(1, true), (2, true), (3, false)] {
            let session = try self.session(context, version)
            for _ in 0..<rotations { tickets.rotate() }
            #expect(try self.resumes(context, session, version) == resumes, "\(rotations) rotations")
        }
    }

    @Test func aTicketOfAnOldKeyBringsANewOne() throws {
        let tickets = try TicketKeys()
        let context = try TestContext.make(tickets: tickets)
        let session = try self.session(context, TLS1_2_VERSION)
        let options = TestClient.Options(serverName: "a.example", maximum: TLS1_2_VERSION, session: session)
        let same = try Link(context, options)
        try same.handshake()
        #expect(same.isResumed)
        #expect(same.client.ticket == session.ticket)
        tickets.rotate()
        let renewed = try Link(context, options)
        try renewed.handshake()
        #expect(renewed.isResumed)
        #expect(renewed.client.ticket != session.ticket)
    }

    /// RFC 8446, C.4: a ticket should be used once.
    @Test func eachResumptionOfTLS13BringsATicket() throws {
        let context = try TestContext.make()
        let first = try Link(context, .init(serverName: "a.example"))
        try first.handshake()
        #expect(first.client.sessions == 2)
        var session = first.client.session
        for _ in 0..<4 {
            let link = try Link(context, .init(serverName: "a.example", session: session))
            try link.handshake()
            #expect(link.isResumed)
            #expect(link.client.sessions == 1)
            session = link.client.session
        }
    }

    /// RFC 6066, 3: not for another name.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aSessionIsOfOneName(version: Int32) throws {
        let context = try TestContext.make()
        let session = try self.session(context, version)
        #expect(try !self.resumes(context, session, version, name: "b.example"))
        #expect(try self.resumes(context, session, version))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func withoutTicketsNothingIsResumed(version: Int32) throws {
        let tickets = try TicketKeys()
        let session = try self.session(TestContext.make(tickets: tickets), version)
        let context = try TestContext.make(tickets: tickets) { $0.ticketsPerHandshake = 0 }
        #expect(try !self.resumes(context, session, version))
        let link = try Link(context, .init(minimum: version, maximum: version))
        try link.handshake()
        #expect(link.client.sessions == 0)
    }

    @Test func aSpoiledTicketIsAFullHandshake() throws {
        let tickets = try TicketKeys(interval: .seconds(10))
        let context = try TestContext.make(tickets: tickets)
        let session = try self.session(context, TLS1_2_VERSION)
        let ticket = session.ticket
        let client = try TestClient(.init(serverName: "a.example", maximum: TLS1_2_VERSION, session: session))
        client.handshake()
        var hello = client.takeOutput()
        let start = try #require(hello.indices.first { hello[$0...].starts(with: ticket) })
        for offset in [0, 20, 40, ticket.count - 1] {
            hello[start + offset] ^= 1
            let link = try Link(context)
            try link.sockets.send(hello)
            // Goes on to ask the client for its part.
            #expect(link.serverHandshakes() == .wantsRead)
            #expect(!link.isResumed)
            hello[start + offset] ^= 1
        }
    }

    /// 0-RTT is off: a ticket does not say otherwise.
    @Test func noEarlyData() throws {
        let session = try self.session(TestContext.make(), TLS1_3_VERSION)
        #expect(unsafe SSL_SESSION_get_max_early_data(session.pointer) == 0)
    }
}

/// Workers share contexts, certificates and ticket keys.
@Suite struct SharingTests {
    @Test(.timeLimit(.minutes(2)))
    func workersShareAContextWhileKeysAndCertificatesChange() async throws {
        let tickets = try TicketKeys()
        let policy = try ClientCertificatePolicy(
            .optional, authorities: TestAuthority("clients").identity.certificate)
        let identity = try TestAuthority("root").issue("a.example")
        let host = TLSHost(certificate: try identity.loaded())
        let asking = TLSHost(certificate: host.certificate, clientCertificates: policy)
        let context = try TestContext.make(hosts: ["a.example": host, "b.example": asking], tickets: tickets)
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    var session: TestSession?
                    for round in 0..<100 {
                        let name = round % 4 == 0 ? "b.example" : "a.example"
                        let link = try Link(context, .init(serverName: name, session: session))
                        #expect(try link.handshake() == .done)
                        #expect(link.serverWrites([1]) == .bytes(1))
                        session = link.client.session ?? session
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 {
                    tickets.rotate()
                    tickets.advance()
                    let next = context.replacing(
                        TLSHosts(
                            defaultCertificate: context.hosts.defaultCertificate,
                            hosts: ["a.example": TLSHost(certificate: try identity.loaded())]))
                    #expect(try Link(next, .init(serverName: "a.example")).handshake() == .done)
                }
            }
            try await group.waitForAll()
        }
    }
}
