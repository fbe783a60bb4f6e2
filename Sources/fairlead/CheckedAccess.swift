internal import HostCheck
internal import KubernetesAPI
internal import KubernetesClient
internal import Logging

/// What the roles ask of an API server, and whether it lets them.
enum CheckedAccess {
    /// Something that is asked for, and whether anything works without it.
    struct Need: Hashable {
        let question: AccessQuestion
        let isNeeded: Bool
    }

    /// What is followed, as the roles follow it by default; events; of the ingress role the status of Ingresses.
    static func needs(_ roles: HostFacts.Roles, node: String) -> [Need] {
        let scope = IngressScope()
        let source: SourceNeeds =
            if roles == .node {
                .node(node)
            } else if roles == .ingress {
                .ingress(scope, instance: node)
            } else {
                .both(node: node, scope)
            }
        var needs = source.selections.flatMap { selection in
            AccessQuestion.following(selection).map {
                Need(question: $0, isNeeded: source.needed.contains(selection.kind))
            }
        }
        needs.append(Need(question: AccessQuestion("create", group: "events.k8s.io", "events"), isNeeded: false))
        if roles.contains(.ingress) {
            needs.append(
                Need(question: AccessQuestion("patch", group: "networking.k8s.io", "ingresses/status"), isNeeded: false)
            )
        }
        // Secrets are followed by their types, and allowed as one.
        var seen: Set<Need> = []
        return needs.filter { seen.insert($0).inserted }
    }

    static func look(_ configuration: ClientConfiguration, _ needs: [Need], _ logger: Logger) async
        -> HostFacts.APIServer
    {
        let client = APIClient(configuration, logger: logger)
        let review = AccessReview(client)
        let result: HostFacts.APIServer
        do throws(APIError) {
            var accesses: [HostFacts.Access] = []
            for need in needs {
                let question = need.question
                accesses.append(
                    HostFacts.Access(
                        verb: question.verb, resource: question.resource, group: question.group,
                        isAllowed: try await review.isAllowed(question), isNeeded: need.isNeeded))
            }
            result = .answered(accesses)
        } catch {
            result = .failed(reason: "\(error)")
        }
        await client.shutdown()
        return result
    }
}
