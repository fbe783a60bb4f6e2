internal import FoundationEssentials
internal import KubernetesAPI
internal import KubernetesWire

/// What this process asks of an API server, as RBAC names it.
package struct AccessQuestion: Hashable, Sendable {
    package let verb: String
    /// Empty for the core group.
    package let group: String
    /// `ingresses`, or with a subresource `ingresses/status`.
    package let resource: String
    /// nil for all namespaces, and for what has none.
    package let namespace: String?

    package init(_ verb: String, group: String, _ resource: String, namespace: String? = nil) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.namespace = namespace
    }

    /// To list and to watch what is followed.
    package static func following(_ selection: ObjectSelection) -> [AccessQuestion] {
        let version = selection.kind.apiVersion
        let group = version.firstIndex(of: "/").map { String(version[..<$0]) } ?? ""
        return ["list", "watch"].map {
            AccessQuestion($0, group: group, selection.kind.resource, namespace: selection.namespace)
        }
    }
}

/// Asks an API server what it would allow, without doing it: SelfSubjectAccessReview of authorization.k8s.io/v1, which everybody may
/// create who is known to it.
package struct AccessReview: Sendable {
    private let client: APIClient

    package init(_ client: APIClient) { self.client = client }

    package func isAllowed(_ question: AccessQuestion) async throws(APIError) -> Bool {
        let parts = question.resource.split(separator: "/", maxSplits: 1).map(String.init)
        let review = Review(
            spec: Review.Spec(
                resourceAttributes: Review.Attributes(
                    verb: question.verb, group: question.group, resource: parts.first ?? "",
                    subresource: parts.count > 1 ? parts[1] : nil, namespace: question.namespace)))
        var request = APIRequest(
            .post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", accept: WireFormat.json.accept,
            summary: "create selfsubjectaccessreviews")
        let summary = request.summary
        do {
            request.body = ([UInt8](try JSONEncoder().encode(review)), WireFormat.json.mediaType)
        } catch {
            throw APIError(.malformed, request: summary, message: "\(error)")
        }
        return try await self.client.send(request) { response throws(APIError) in
            let bytes = try await response.readAll(limit: 1 << 20)
            do {
                return try JSONDecoder().decode(Answer.self, from: Data(bytes)).status?.allowed ?? false
            } catch {
                throw APIError(.malformed, request: summary, message: "\(error)")
            }
        }
    }

    /// kubernetes: staging/src/k8s.io/api/authorization/v1/types.go
    private struct Review: Encodable {
        struct Attributes: Encodable {
            var verb: String
            var group: String
            var resource: String
            var subresource: String?
            var namespace: String?
        }

        struct Spec: Encodable {
            var resourceAttributes: Attributes
        }

        var apiVersion = "authorization.k8s.io/v1"
        var kind = "SelfSubjectAccessReview"
        var spec: Spec
    }

    /// The review with its status; of the rest a server leaves out what is empty.
    private struct Answer: Decodable {
        struct Status: Decodable {
            var allowed: Bool
        }

        var status: Status?
    }
}
