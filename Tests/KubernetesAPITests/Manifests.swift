import KubernetesAPI
import Testing

/// Manifests for tests, and what decoding them says.
enum Manifests {
    static let service = """
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          namespace: shop
        spec:
          clusterIP: 10.96.0.10
          ports:
          - port: 80

        """

    static let slice = """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata:
          name: web-x7k2p
          namespace: shop
          labels:
            kubernetes.io/service-name: web
        addressType: IPv4
        ports:
        - port: 8080
        endpoints:
        - addresses: [10.0.0.1]

        """

    /// A Service `default/web` of this spec, whose first line is line 6.
    static func service(spec: String) -> String {
        let lines = spec.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
        return "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n\(lines)"
    }

    /// A slice `default/web-1` with these fields, whose first line is line 7.
    static func slice(fields: String) -> String {
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: web-1\n  labels:\n"
            + "    kubernetes.io/service-name: web\n\(fields)\n"
    }

    static func decode(_ text: String, limits: ManifestLimits = ManifestLimits()) -> ManifestFileContent {
        ManifestDecoder.decode(Array(text.utf8), file: "a.yaml", limits: limits)
    }

    static func problems(_ text: String, limits: ManifestLimits = ManifestLimits()) -> [String] {
        self.decode(text, limits: limits).problems.map(\.description)
    }

    static func names(_ text: String) -> [String] {
        self.decode(text).objects.map(\.object.key.description)
    }

    static func firstService(_ text: String) -> Service? {
        guard case .service(let service)? = self.decode(text).objects.first?.object else { return nil }
        return service
    }

    static func firstSlice(_ text: String) -> EndpointSlice? {
        guard case .endpointSlice(let slice)? = self.decode(text).objects.first?.object else { return nil }
        return slice
    }
}

/// A manifest with one mistake, and what is said of it.
struct BadCase: Sendable, CustomTestStringConvertible {
    let source: String
    let problems: [String]

    init(_ source: String, _ problems: String...) {
        self.source = source
        self.problems = problems
    }

    var testDescription: String { self.problems.first ?? self.source }
}
