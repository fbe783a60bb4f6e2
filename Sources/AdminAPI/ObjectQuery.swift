package import KubernetesAPI

/// Of which objects a list is asked for: `namespace=shop&service=web`. For Services and their endpoints the names are those of Services, for what
/// the ingress role has those of Ingresses, or of what else the items are about.
package struct ObjectQuery: Hashable, Sendable {
    package let path: AdminPath
    /// nil: of all.
    package var namespace: String?
    package var name: String?
    /// nil: all that are selected. Only lists of Services, and of their endpoints, come in pages.
    package var page: ListPage?

    package init(_ path: AdminPath, namespace: String? = nil, name: String? = nil) {
        self.path = path
        self.namespace = namespace
        self.name = name
    }

    /// From what stands behind the question mark of a request.
    package init(_ path: AdminPath, query: String) throws(APIFailure) {
        let paging = Self.hasPages(path) ? ListPage.parameters : []
        let parameters = try QueryParameters(query, names: ["namespace", Self.parameter(path)] + paging)
        self.init(path, namespace: parameters["namespace"], name: parameters[Self.parameter(path)])
        self.page = try ListPage(parameters)
    }

    /// Path and query, for a request.
    package var target: String {
        QueryParameters.target(
            self.path,
            [("namespace", self.namespace), (Self.parameter(self.path), self.name)] + (self.page?.values ?? []))
    }

    private static func hasPages(_ path: AdminPath) -> Bool { path == .services || path == .endpoints }

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
