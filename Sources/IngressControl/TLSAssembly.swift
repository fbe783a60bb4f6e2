internal import KubernetesAPI
internal import Routing
internal import TLS

/// The TLS side of a snapshot: which certificate goes with which name, as objects that workers can use.
struct TLSAssembly {
    private var context: TLSServerContext
    /// What is shown where nobody says which.
    private(set) var generated: Certificate
    let tickets: TicketKeys

    init(_ settings: TLSSettings, ticketKeyInterval: Duration) throws {
        self.tickets = try TicketKeys(interval: ticketKeyInterval)
        self.generated = try Certificate.selfSigned()
        self.context = try TLSServerContext(
            settings: settings, tickets: self.tickets,
            hosts: TLSHosts(defaultCertificate: self.generated, hosts: [:]))
    }

    /// What a listener offers with this plan, and what clients of hosts that ask for certificates are held to.
    mutating func assemble(
        _ plan: CertificatePlan,
        _ store: inout CertificateStore
    ) -> (context: TLSServerContext, policies: [Int32: ClientCertificatePolicy.ID]) {
        var policies: [Int32: ClientCertificatePolicy] = [:]
        for (number, authentication) in plan.clientAuthentications {
            policies[number] = store.policy(for: authentication)
        }
        var hosts: [String: TLSHost] = [:]
        hosts.reserveCapacity(plan.hosts.count)
        for (name, host) in plan.hosts {
            hosts[name] = TLSHost(
                certificate: host.secret.flatMap { store.reading($0)?.certificate },
                clientCertificates: policies[host.clientAuthentication])
        }
        let standard = plan.defaultSecret.flatMap { store.reading($0)?.certificate } ?? self.generated
        self.context = self.context.replacing(TLSHosts(defaultCertificate: standard, hosts: hosts))
        return (self.context, policies.mapValues(\.id))
    }

    /// Makes a new certificate in place of the generated one if that is about to expire.
    ///
    /// - Returns: whether it did.
    mutating func renew(at now: Int64) throws -> Bool {
        guard self.generated.facts.notAfter - now < Self.renewal else { return false }
        self.generated = try Certificate.selfSigned()
        return true
    }

    /// Seconds before its end at which the generated certificate is replaced.
    private static let renewal: Int64 = 30 * 86_400
}
