internal import KubernetesAPI

extension IngressPlanner {
    /// Who is ours, and what that touches.
    mutating func planIngresses() {
        guard !self.changedIngresses.isEmpty else { return }
        // What is taken up comes before what is given up, so that a backend that stays keeps its index.
        var released: [(BackendID, Seniority)] = []
        for name in self.changedIngresses {
            let ingress = self.ingresses[name]
            let verdict = ingress.map { self.classes.verdict($0) } ?? .others
            let former = self.rules[name]
            let rules = verdict == .ours ? ingress.map { IngressRules($0, self.options) } : nil
            self.rules[name] = rules
            self.problems.set(rules?.problems ?? self.classes.problems(verdict, of: name), of: .ingress(name))

            for host in (former?.hosts ?? []).union(rules?.hosts ?? []) {
                self.hosts.update(host, former: former, rules)
                self.changedHosts.insert(host)
            }
            for backend in rules?.backends ?? [] {
                if let rules { self.backends.acquire(backend, by: rules.seniority) }
                self.changedBackends.insert(backend)
            }
            let isSame = former?.seniority == rules?.seniority
            for backend in former?.backends ?? [] where !isSame || rules?.backends.contains(backend) != true {
                if let former { released.append((backend, former.seniority)) }
                self.changedBackends.insert(backend)
            }
            self.updateSecrets(name, former?.secrets ?? [], rules?.secrets ?? [])
            self.updateServed(name, ingress, isOurs: rules != nil, wasOurs: former != nil)
        }
        for (backend, seniority) in released { self.backends.release(backend, by: seniority) }
        self.changedIngresses = []
    }

    private mutating func updateSecrets(_ name: ObjectName, _ former: Set<ObjectName>, _ secrets: Set<ObjectName>) {
        for secret in former.subtracting(secrets) {
            self.secretReferrers[secret]?.remove(name)
            if self.secretReferrers[secret]?.isEmpty == true { self.secretReferrers[secret] = nil }
        }
        for secret in secrets.subtracting(former) { self.secretReferrers[secret, default: []].insert(name) }
    }

    private mutating func updateServed(_ name: ObjectName, _ ingress: Ingress?, isOurs: Bool, wasOurs: Bool) {
        if isOurs, let ingress {
            self.serve(ingress)
        } else if wasOurs {
            self.newlyServed[name] = .some(nil)
            if let ingress {
                self.changes.released.append(ServedIngress(name: name, addresses: ingress.loadBalancer))
            }
        }
    }
}
