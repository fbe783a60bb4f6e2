internal import FoundationEssentials

/// What is answered to who asks what would be allowed: SelfSubjectAccessReview of authorization.k8s.io/v1.
enum AccessReviewAnswer {
    static let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    private struct Review: Codable {
        struct Attributes: Codable {
            var verb: String
            var resource: String
            var subresource: String?
        }

        struct Spec: Codable {
            var resourceAttributes: Attributes
        }

        struct Status: Codable {
            var allowed: Bool
        }

        var apiVersion: String
        var kind: String
        var spec: Spec
        var status: Status?
    }

    /// The review with its status.
    static func make(_ body: [UInt8], forbidden: Set<FakeAPIServerConfiguration.Rule>) throws -> [UInt8] {
        var review = try JSONDecoder().decode(Review.self, from: Data(body))
        let asked = review.spec.resourceAttributes
        let isForbidden =
            Resource(rawValue: asked.resource).map { resource in
                forbidden.contains(.init(resource: resource))
                    || forbidden.contains(.init(verb: asked.verb, resource: resource))
            } ?? true
        review.status = Review.Status(allowed: !isForbidden)
        return [UInt8](try JSONEncoder().encode(review))
    }
}
