internal import Admin
internal import AdminAPI
internal import KernelDataplane
internal import KubernetesAPI
internal import ServiceModel
internal import StreamBalancer

/// What the admin API answers: `docs/admin-api.md` has it.
///
/// It is answered by a server of its own, with a thread of its own: a long answer, or a data plane that is busy, keeps no load balancer waiting
/// that asks for the health of the node.
struct AdminInterface: Sendable {
    /// For the data plane's thread, which may be programming; and for the balancer's, which hardly ever is late.
    private static let dataplanePatience = Duration.seconds(2)
    private static let balancerPatience = Duration.seconds(1)

    let dataplane: KernelDataplane
    let balancer: StreamBalancer

    func answer(_ request: Request) -> Answer {
        do throws(APIFailure) {
            return .json(try self.document(request))
        } catch {
            return .json(error.json, status: Answer.Status(rawValue: error.code) ?? .serviceUnavailable)
        }
    }

    private func document(_ request: Request) throws(APIFailure) -> String {
        guard request.path == EndpointQuery.path else { throw .notFound(request.path) }
        guard ["GET", "HEAD"].contains(request.method) else { throw .methodNotAllowed }
        return try self.endpoints(try EndpointQuery(query: request.query)).json
    }

    private func endpoints(_ query: EndpointQuery) throws(APIFailure) -> EndpointList {
        guard let view = self.dataplane.view(within: Self.dataplanePatience) else {
            throw .unavailable("the data plane is busy programming; try again")
        }
        guard view.isSynced else {
            throw .unavailable("Services and EndpointSlices have not been listed yet; try again, or see the log")
        }
        guard let reports = self.balancer.endpoints(within: Self.balancerPatience) else {
            throw .unavailable("the userspace balancer does not answer; try again")
        }
        return EndpointList(view.planner, view.history, reports, of: query) { port, service in
            view.server(of: port, of: service).map { $0 == .nftables ? .kernel : .userspace }
        }
    }
}
