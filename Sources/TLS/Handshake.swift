/// What is decided for one connection while it shakes hands. OpenSSL's callbacks get at it through the SSL object;
/// what stays of it afterwards is the name and the policy.
final class Handshake {
    let engine: TLSEngine
    /// The certificates of the moment when the connection came; nil once it is through.
    private(set) var hosts: TLSHosts?
    private(set) var serverName: String?
    private(set) var clientCertificates: ClientCertificatePolicy?
    /// Why a callback refused.
    private(set) var refusal: TLSFailure?
    private var chosen: Certificate?

    init(_ context: TLSServerContext) {
        self.engine = context.engine
        self.hosts = context.hosts
    }

    /// The client's first message: which host it is for; nil to refuse it.
    func choose(_ name: String?) -> TLSHost? {
        self.serverName = name
        let rejects = self.engine.settings.rejectsUnknownNames
        guard let hosts = self.hosts, let host = hosts.choose(name, rejectingUnknown: rejects) else {
            self.refusal = TLSFailure(.unknownName)
            return nil
        }
        self.chosen = host.certificate ?? hosts.defaultCertificate
        self.clientCertificates = host.clientCertificates
        return host
    }

    /// What is served; nil before the first message.
    var certificate: Certificate? { self.chosen }

    func refuse(_ failure: TLSFailure) { self.refusal = failure }

    /// Sessions are only resumed for the name that they were made for (RFC 6066, 3).
    var sessionContext: [UInt8] {
        let policy = self.clientCertificates.map { "\($0.id.high) \($0.id.low)" } ?? "-"
        return Digest.sha256("\(policy) \(self.serverName ?? "")")
    }

    /// Lets go of what only the handshake needs.
    func finish() {
        self.hosts = nil
        self.chosen = nil
    }
}
