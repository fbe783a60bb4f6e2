internal import KubernetesAPI
internal import ServiceModel

/// Who goes first where Ingresses want the same: the oldest (X1), one without a creation time being younger than any
/// with; then by name, ascending.
struct Seniority: Hashable, Comparable {
    let created: Int64
    let name: ObjectName

    init(_ metadata: ObjectMeta) {
        self.created = metadata.creationTimestamp ?? .max
        self.name = metadata.name
    }

    static func < (left: Self, right: Self) -> Bool {
        left.created != right.created ? left.created < right.created : left.name < right.name
    }
}

/// Where a path leads, as its Ingress says.
enum RuleBackend: Hashable {
    case service(BackendID)
    /// No Service; this in its stead, as `StorageBucket static`.
    case resource(String)

    init(_ backend: IngressBackend, namespace: String) {
        switch backend {
        case .service(let name, let port):
            self = .service(BackendID(service: ObjectName(namespace: namespace, name: name), port: port))
        case .resource(_, let kind, let name): self = .resource("\(kind) \(name)")
        }
    }

    var id: BackendID? { if case .service(let id) = self { id } else { nil } }
}

/// One path of a rule, ready to be merged.
struct PathRule: Hashable {
    let path: RulePath
    let isExact: Bool
    let type: IngressPathType
    let backend: RuleBackend
}

/// An Ingress of ours as far as it can be read without any other object. Immutable.
final class IngressRules: Sendable {
    let seniority: Seniority
    /// By host in lower case, in the order of the object. A host whose rules have no paths is there too (H5).
    let paths: [String: [PathRule]]
    let defaultBackend: BackendID?
    let tls: [IngressTLS]
    /// All hosts of `tls`, in lower case.
    let tlsHosts: Set<String>
    let annotations: IngressAnnotations
    let problems: [IngressProblem]

    var name: ObjectName { self.seniority.name }

    /// Whether the default backend is for all hosts: of an Ingress without rules, or with one for all hosts (D2).
    var ownsCatchAll: Bool { self.defaultBackend != nil && (self.paths.isEmpty || self.paths[""] != nil) }

    /// Hosts whose routes or certificates depend on this Ingress.
    var hosts: Set<String> {
        var hosts = self.tlsHosts.union(self.paths.keys)
        if self.ownsCatchAll { hosts.insert("") }
        return hosts
    }

    /// Which Secrets it leads to.
    var secrets: Set<ObjectName> {
        var secrets = Set(
            self.tls.compactMap { entry in
                entry.secretName.map { ObjectName(namespace: self.name.namespace, name: $0) }
            })
        if let secret = self.annotations.clientAuthentication?.secret { secrets.insert(secret) }
        if case .named(let secret) = self.annotations.backendTLS?.secret { secrets.insert(secret) }
        return secrets
    }

    var backends: Set<BackendID> {
        var backends = Set(self.paths.values.joined().compactMap(\.backend.id))
        if let backend = self.defaultBackend { backends.insert(backend) }
        return backends
    }

    init(_ ingress: Ingress, _ options: IngressPlannerOptions) {
        let name = ingress.metadata.name
        var problems: [IngressProblem] = []
        func report(_ severity: IngressProblem.Severity, _ code: IngressProblem.Code, _ message: String) {
            problems.append(IngressProblem(ingress: name, severity, code, message))
        }
        let annotations = IngressAnnotations(ingress.metadata, defaults: options.settings)
        for problem in annotations.problems { report(.warning, problem.code, problem.message) }

        var paths: [String: [PathRule]] = [:]
        for rule in ingress.rules {
            let host = HostName.lowercased(rule.host)
            if !host.isEmpty, let problem = HostName.problem(host) {
                report(.error, .invalidHost, "host \(Quoted.text(rule.host)) \(problem): its rule is left out")
                continue
            }
            var list = paths[host] ?? []
            for path in rule.paths ?? [] {
                let place = host.isEmpty ? "" : " of host \(host)"
                do throws(RulePath.Fault) {
                    let text = try RulePath(path.path)
                    list.append(
                        PathRule(
                            path: text, isExact: path.pathType == .exact, type: path.pathType,
                            backend: RuleBackend(path.backend, namespace: name.namespace)))
                } catch {
                    report(
                        .error, .invalidPath,
                        "path \(Quoted.text(path.path))\(place) \(error.rawValue): it is left out")
                    continue
                }
                if path.pathType == .implementationSpecific, RulePath.looksLikeExpression(path.path) {
                    report(
                        .warning, .literalPath,
                        "path \(Quoted.text(path.path))\(place) is no regular expression here: it is matched as Prefix is"
                    )
                }
                if case .resource(_, let kind, let object) = path.backend {
                    report(
                        .error, .resourceBackend,
                        "path \(Quoted.text(path.path))\(place): its backend \(kind) \(object) is no Service, and others "
                            + "are not supported: its requests go to the default backend, or are answered with 404")
                }
            }
            paths[host] = list
        }

        var defaultBackend: BackendID?
        switch ingress.defaultBackend.map({ RuleBackend($0, namespace: name.namespace) }) {
        case .service(let id): defaultBackend = id
        case .resource(let object):
            report(
                .error, .resourceBackend,
                "its default backend \(object) is no Service, and others are not supported: it is left out")
        case nil: break
        }

        for host in ingress.tls.flatMap(\.hosts) {
            if let problem = HostName.problem(HostName.lowercased(host)) {
                report(.error, .invalidHost, "TLS host \(Quoted.text(host)) \(problem): it is left out")
            }
        }
        self.tls = ingress.tls.map { entry in
            IngressTLS(
                hosts: entry.hosts.map { HostName.lowercased($0) }.filter { HostName.problem($0) == nil },
                // One with no host that can be used is not one for all hosts.
                secretName: entry.secretName)
        }
        .enumerated().filter { $1.hosts.isEmpty == ingress.tls[$0].hosts.isEmpty }.map(\.element)
        self.tlsHosts = Set(self.tls.flatMap(\.hosts))
        self.seniority = Seniority(ingress.metadata)
        self.paths = paths
        self.defaultBackend = defaultBackend
        self.annotations = annotations
        self.problems = problems
    }
}
