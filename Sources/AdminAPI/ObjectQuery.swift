package import KubernetesAPI

/// Of which objects a list is asked for: `namespace=shop&service=web`. For Services and their endpoints the names are those of Services, for what
/// the ingress role has those of Ingresses, or of what else the items are about.
package struct ObjectQuery: Hashable, Sendable {
    package let path: AdminPath
    /// nil: of all.
    package var namespace: String?
    package var name: String?
    /// Of Services, with their endpoints and frontends, and of routes by the labels of their Ingresses.
    package var selector: LabelSelector?
    /// nil: all that are selected. Only lists of Services, and of their endpoints and frontends, come in pages.
    package var page: ListPage?

    package init(_ path: AdminPath, namespace: String? = nil, name: String? = nil) {
        self.path = path
        self.namespace = namespace
        self.name = name
    }

    /// From what stands behind the question mark of a request.
    package init(_ path: AdminPath, query: String) throws(APIFailure) {
        let paging = Self.hasPages(path) ? ListPage.parameters : []
        let labels = Self.hasLabels(path) ? [Self.labels] : []
        let parameters = try QueryParameters(query, names: ["namespace", Self.parameter(path)] + labels + paging)
        self.init(path, namespace: parameters["namespace"], name: parameters[Self.parameter(path)])
        self.page = try ListPage(parameters)
        if let text = parameters[Self.labels] {
            do throws(LabelSelector.Problem) {
                self.selector = try LabelSelector(text)
            } catch {
                throw .badRequest("\(Self.labels): \(error)")
            }
        }
    }

    /// Path and query, for a request.
    package var target: String {
        QueryParameters.target(
            self.path,
            [
                ("namespace", self.namespace), (Self.parameter(self.path), self.name),
                (Self.labels, self.selector?.description),
            ] + (self.page?.values ?? []))
    }

    /// As the API server has it.
    private static let labels = "labelSelector"

    private static func hasLabels(_ path: AdminPath) -> Bool {
        [.services, .endpoints, .frontends, .routes].contains(path)
    }

    private static func hasPages(_ path: AdminPath) -> Bool { [.services, .endpoints, .frontends].contains(path) }

    /// Nothing is left out but what other pages have.
    package var isOfAll: Bool { self.namespace == nil && self.name == nil && self.selector == nil }

    package func selects(_ name: ObjectName) -> Bool {
        (self.namespace.map { $0 == name.namespace } ?? true) && (self.name.map { $0 == name.name } ?? true)
    }

    private static func parameter(_ path: AdminPath) -> String {
        switch path {
        case .services, .endpoints, .frontends, .backends, .trace: "service"
        case .nodes: "node"
        case .routes: "host"
        case .certificates: "secret"
        case .problems: "object"
        }
    }
}
