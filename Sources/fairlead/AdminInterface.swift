internal import Admin
internal import AdminAPI

/// What the admin API answers: `docs/admin-api.md` has it.
///
/// It is answered by a server of its own, with a thread of its own: a long answer, or a data plane that is busy, keeps no load balancer waiting
/// that asks for the health of the node.
struct AdminInterface: Sendable {
    let node: NodeInterface?
    let ingress: IngressInterface?

    func answer(_ request: Request) -> Answer {
        do throws(APIFailure) {
            return .json(try self.document(request))
        } catch {
            return .json(error.json, status: Answer.Status(rawValue: error.code) ?? .serviceUnavailable)
        }
    }

    private func document(_ request: Request) throws(APIFailure) -> String {
        guard let path = AdminPath(rawValue: request.path) else { throw .notFound(request.path) }
        guard ["GET", "HEAD"].contains(request.method) else { throw .methodNotAllowed }
        switch path {
        case .services: return try self.needed(self.node, "node").services(request.query).json
        case .endpoints: return try self.needed(self.node, "node").endpoints(request.query).json
        case .frontends: return try self.needed(self.node, "node").frontends(request.query)
        case .nodes: return try self.needed(self.node, "node").nodes(request.query)
        case .routes, .backends, .certificates, .problems:
            return try self.needed(self.ingress, "ingress").list(path, request.query)
        case .trace:
            switch try TraceQuery(query: request.query) {
            case .packet(let packet): return try self.needed(self.node, "node").trace(packet).json
            case .request(let request): return try self.needed(self.ingress, "ingress").trace(request).json
            }
        }
    }

    private func needed<Interface>(_ interface: Interface?, _ role: String) throws(APIFailure) -> Interface {
        guard let interface else {
            throw APIFailure(
                code: 404, message: "this Fairlead does not have the \(role) role (`fairlead \(role)`, `fairlead run`)")
        }
        return interface
    }
}
