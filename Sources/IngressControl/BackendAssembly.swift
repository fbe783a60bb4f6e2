internal import HTTPProxy
internal import KubernetesAPI
internal import Routing
internal import TLS

/// The backends of a snapshot that speak TLS: how they are connected to, as objects that workers can use. A value. Backends
/// that ask for the same share a context and its sessions; one whose backend has not changed stays.
struct BackendAssembly {
    /// What a context is made of.
    private struct Recipe: Hashable {
        let tls: BackendTLS
        let protocols: [ApplicationProtocol]
    }

    private struct Shared {
        weak var context: TLSClientContext?
    }

    /// Why a backend cannot be connected to, although nothing is wrong with what is asked.
    struct Failure {
        let backend: BackendID
        let message: String
    }

    private var known: [Recipe: Shared] = [:]
    /// By the plan's index.
    private(set) var contexts: [Int: BackendContexts] = [:]

    /// What `plan` changes; all of it if this is the first.
    mutating func assemble(_ plan: IngressPlan, isFirst: Bool, _ store: inout CertificateStore) -> [Failure] {
        var failures: [Failure] = []
        for index in isFirst ? Array(0..<plan.backends.endIndex) : plan.changes.backends {
            guard let backend = plan.backends[index], let tls = backend.tls, backend.availability == .available else {
                self.contexts[index] = nil
                continue
            }
            do {
                self.contexts[index] = try self.contexts(for: backend.protocol, tls, &store)
            } catch {
                self.contexts[index] = nil
                failures.append(Failure(backend: backend.id, message: "\(error)"))
            }
        }
        return failures
    }

    private mutating func contexts(
        for protocol: BackendProtocol, _ tls: BackendTLS, _ store: inout CertificateStore
    ) throws -> BackendContexts? {
        switch `protocol` {
        case .http1, .h2c:
            return nil
        case .https:
            return BackendContexts(
                standard: try self.context(tls, [.http2, .http1], &store),
                http1: try self.context(tls, [.http1], &store))
        case .http1OverTLS:
            let context = try self.context(tls, [.http1], &store)
            return BackendContexts(standard: context, http1: context)
        case .h2OverTLS:
            return BackendContexts(standard: try self.context(tls, [.http2], &store), http1: nil)
        }
    }

    private mutating func context(
        _ tls: BackendTLS, _ protocols: [ApplicationProtocol], _ store: inout CertificateStore
    ) throws -> TLSClientContext {
        let recipe = Recipe(tls: tls, protocols: protocols)
        if let context = self.known[recipe]?.context { return context }
        var settings = TLSClientSettings()
        settings.protocols = protocols
        settings.serverName = tls.serverName
        if let verification = tls.verification {
            guard let secret = tls.secret, let authorities = store.authorities(of: secret) else {
                throw MissingPart(text: "there is nothing to verify its endpoints with")
            }
            settings.verification = ServerVerification(
                name: verification.name, authorities: authorities, depth: verification.depth)
        }
        if tls.showsCertificate {
            guard let certificate = tls.secret.flatMap({ store.reading($0)?.certificate }) else {
                throw MissingPart(text: "there is no certificate to show to its endpoints")
            }
            settings.certificate = certificate
        }
        let context = try TLSClientContext(settings)
        if self.known.count > 2 * self.contexts.count + Self.slack {
            self.known = self.known.filter { $0.value.context != nil }
        }
        self.known[recipe] = Shared(context: context)
        return context
    }

    private static let slack = 64
}

/// What the planner has found good is not there: never what was to be verified is done without it.
private struct MissingPart: Error, CustomStringConvertible {
    let text: String
    var description: String { self.text }
}
