/// What there is to ask for.
package enum AdminPath: String, Hashable, Sendable, CaseIterable {
    // Of the node role.
    case services = "/v1/services"
    case endpoints = "/v1/endpoints"
    case frontends = "/v1/frontends"
    case nodes = "/v1/nodes"
    // Of the ingress role.
    case routes = "/v1/routes"
    case backends = "/v1/backends"
    case certificates = "/v1/certificates"
    case problems = "/v1/problems"
    // Of either.
    case trace = "/v1/trace"
}
