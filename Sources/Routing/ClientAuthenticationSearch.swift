internal import KubernetesAPI

/// How client certificates of one host are treated: a setting of the whole host, on which the oldest Ingress decides that
/// says anything of it (X3).
struct ClientAuthenticationSearch {
    private(set) var policy: ClientAuthentication?
    private(set) var problems: [IngressProblem] = []

    /// `claims` by seniority: Ingresses with rules for the host.
    init(_ host: String, _ claims: [IngressRules], _ facts: [ObjectName: CertificateFacts]) {
        var holder: (claim: IngressRules, policy: ClientAuthentication)?
        let place = host.isEmpty ? "all hosts without rules of their own" : "host \(host)"
        for claim in claims {
            guard let policy = claim.annotations.clientAuthentication else { continue }
            guard let holder else {
                holder = (claim, policy)
                continue
            }
            if holder.policy != policy {
                self.problems.append(
                    IngressProblem(
                        ingress: claim.name, .warning, .settingConflict,
                        "the older Ingress \(holder.claim.name) decides on the client certificates of \(place)"))
            }
        }
        guard let holder else { return }
        var policy = holder.policy
        let consequence = "requests of \(place) are answered with 503, as nobody's certificate can be verified"
        if let secret = policy.secret {
            if let facts = facts[secret] {
                if let problem = facts.authorityProblem {
                    policy.isUsable = false
                    self.problems.append(
                        IngressProblem(
                            ingress: holder.claim.name, .error, .clientAuthorityInvalid,
                            "Secret \(secret): \(problem): \(consequence)"))
                }
            } else {
                policy.isUsable = false
                self.problems.append(
                    IngressProblem(
                        ingress: holder.claim.name, .error, .clientAuthorityMissing,
                        "there is no Secret \(secret): \(consequence)"))
            }
        } else {
            policy.isUsable = false
            self.problems.append(
                IngressProblem(
                    ingress: holder.claim.name, .error, .clientAuthorityMissing,
                    "its annotation names no Secret: \(consequence)"))
        }
        self.policy = policy
    }
}
