internal import KubernetesAPI
internal import Routing
internal import TLS

/// All certificates that are shown or asked for, for pages, metrics and warnings.
struct CertificateListing {
    let states: [CertificateState]

    init(
        _ plan: CertificatePlan,
        referenced: Set<ObjectName>,
        ofBackends: Set<ObjectName>,
        generated: Certificate,
        store: CertificateStore,
        expiry: CertificateExpiry,
        now: Int64
    ) {
        var hosts: [ObjectName: [String]] = [:]
        for (host, choice) in plan.hosts {
            if let secret = choice.secret, !host.isEmpty { hosts[secret, default: []].append(host) }
        }
        func standing(_ certificate: Certificate) -> CertificateState.Standing {
            switch expiry.stage(of: certificate.facts.notAfter, at: now) {
            case .valid: .valid
            case .expiring: .expiring
            case .expired: .expired
            }
        }
        // Secrets that only hold authorities are no certificates of ours.
        let authorities = Set(plan.clientAuthentications.values.compactMap(\.secret))
        var states: [CertificateState] = []
        for name in referenced.union(plan.secrets) {
            let reading = store.reading(name)
            if reading?.certificate == nil, hosts[name] == nil, authorities.contains(name) { continue }
            if reading?.facts.holdsCertificate == false, hosts[name] == nil, ofBackends.contains(name) { continue }
            let isDefault = name == plan.defaultSecret
            states.append(
                CertificateState(
                    name, reading?.certificate, isDefault: isDefault,
                    standing: reading.map { $0.certificate.map(standing) ?? .invalid } ?? .missing,
                    problem: reading?.facts.problem, hosts: hosts[name]?.sorted() ?? []))
        }
        if plan.defaultSecret.flatMap({ store.reading($0)?.certificate }) == nil {
            states.append(
                CertificateState(
                    nil, generated, isDefault: true, standing: standing(generated), problem: nil, hosts: []))
        }
        self.states = states.sorted { left, right in
            (left.notAfter, left.secret?.description ?? "") < (right.notAfter, right.secret?.description ?? "")
        }
    }
}

extension CertificateExpiry.Item {
    /// nil for what nobody can renew: the generated one, and what is no certificate.
    init?(_ state: CertificateState) {
        guard let secret = state.secret, state.notAfter > 0 else { return nil }
        self.init(secret: secret, notAfter: state.notAfter)
    }
}
