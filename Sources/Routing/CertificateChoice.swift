internal import KubernetesAPI

/// Which certificate a host gets (T1 to T10).
enum CertificateChoice: Hashable {
    /// TLS is not declared for it.
    case undeclared
    /// Declared, with the default certificate.
    case standard
    case secret(ObjectName)

    var secret: ObjectName? { if case .secret(let name) = self { name } else { nil } }
}

/// The choice for one host among the Ingresses that name it.
struct CertificateSearch {
    let host: String
    let facts: [ObjectName: CertificateFacts]
    private(set) var choice = CertificateChoice.undeclared
    private(set) var problems: [IngressProblem] = []

    /// `claims` by seniority.
    init(_ host: String, _ claims: [IngressRules], _ facts: [ObjectName: CertificateFacts]) {
        self.host = host
        self.facts = facts
        var holder: IngressRules?
        for claim in claims where !claim.tls.isEmpty {
            if let holder {
                self.reportLoss(of: claim, to: holder)
            } else if self.decide(claim) {
                holder = claim
            }
        }
    }

    /// Whether an Ingress says what the host gets; the oldest that does is heard (T10).
    private mutating func decide(_ claim: IngressRules) -> Bool {
        if let entry = claim.tls.first(where: { $0.hosts.contains(self.host) }) {
            self.use(entry, of: claim)
            return true
        }
        // Below are hosts of rules that `tls` does not list.
        guard claim.paths[self.host] != nil else { return false }
        let wildcard = HostName.wildcard(for: self.host)
        let byWildcard = wildcard.flatMap { wildcard in claim.tls.first { $0.hosts.contains(wildcard) } }
        let candidates = [byWildcard].compactMap(\.self) + claim.tls
        // The certificates of the same Ingress are searched for one that covers the host (T5).
        if !self.host.isEmpty {
            for entry in candidates {
                guard let secret = Self.secret(of: entry, claim), let facts = self.facts[secret],
                    facts.problem == nil, facts.covers(self.host)
                else { continue }
                self.choice = .secret(secret)
                return true
            }
        }
        // Declared for it all the same: by a wildcard, or by an entry for all hosts.
        guard let entry = byWildcard ?? claim.tls.first(where: { $0.hosts.isEmpty }) else { return false }
        self.use(entry, of: claim)
        return true
    }

    private mutating func use(_ entry: IngressTLS, of claim: IngressRules) {
        self.choice = .standard
        // No name, so the default certificate (T7).
        guard let secret = Self.secret(of: entry, claim) else { return }
        let place = self.host.isEmpty ? "hosts without a name have" : "host \(self.host) has"
        guard let facts = self.facts[secret] else {
            self.report(claim, .certificateMissing, "there is no Secret \(secret): \(place) the default certificate")
            return
        }
        if let problem = facts.problem {
            self.report(
                claim, .certificateInvalid, "Secret \(secret): \(problem): \(place) the default certificate")
        } else if self.host.isEmpty {
            self.report(
                claim, .certificateNotCovering,
                "its tls lists no host that Secret \(secret) would be for: \(place) the default certificate")
        } else if !facts.covers(self.host) {
            self.report(
                claim, .certificateNotCovering,
                "the certificate in Secret \(secret) is not for host \(self.host), which has the default certificate")
        } else {
            self.choice = .secret(secret)
        }
    }

    private mutating func reportLoss(of claim: IngressRules, to holder: IngressRules) {
        guard let entry = claim.tls.first(where: { $0.hosts.contains(self.host) }),
            let secret = Self.secret(of: entry, claim), secret != self.choice.secret
        else { return }
        self.report(
            claim, .certificateConflict,
            "the older Ingress \(holder.name) decides on the certificate of host \(self.host): Secret \(secret) is not "
                + "used for it")
    }

    private mutating func report(_ claim: IngressRules, _ code: IngressProblem.Code, _ message: String) {
        self.problems.append(IngressProblem(ingress: claim.name, .warning, code, message))
    }

    /// Always of the Ingress's own namespace (B1).
    private static func secret(of entry: IngressTLS, _ claim: IngressRules) -> ObjectName? {
        entry.secretName.map { ObjectName(namespace: claim.name.namespace, name: $0) }
    }
}
