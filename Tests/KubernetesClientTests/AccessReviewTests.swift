import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Testing

/// What the server would allow, without doing it.
@Suite struct AccessReviewTests {
    @Test func whatIsForbiddenIsTold() async throws {
        var setting = Cluster.Setting()
        setting.server.forbidden = [.init(resource: .secrets), .init(verb: "watch", resource: .services)]
        try await Cluster.with(setting) { cluster in
            let review = AccessReview(cluster.connection.client)
            var allowed: [String: Bool] = [:]
            for selection in [ObjectSelection(.service), ObjectSelection(.secret, namespace: "shop")] {
                for question in AccessQuestion.following(selection) {
                    allowed["\(question.verb) \(question.resource)"] = try await review.isAllowed(question)
                }
            }
            #expect(
                allowed == [
                    "list services": true, "watch services": false, "list secrets": false, "watch secrets": false,
                ])
            let status = AccessQuestion("patch", group: "networking.k8s.io", "ingresses/status")
            #expect(try await review.isAllowed(status))
        }
    }

    @Test func whoIsNotKnownIsToldSo() async throws {
        var setting = Cluster.Setting()
        setting.kubeconfig = { $0.kubeconfig(.token("wrong")) }
        try await Cluster.with(setting) { cluster in
            await #expect(throws: APIError.self) {
                try await AccessReview(cluster.connection.client).isAllowed(
                    AccessQuestion("list", group: "", "services"))
            }
        }
    }

    @Test func groupsAreThoseOfRBAC() {
        let slices = AccessQuestion.following(ObjectSelection(.endpointSlice))
        #expect(slices.map(\.group) == ["discovery.k8s.io", "discovery.k8s.io"])
        #expect(slices.map(\.verb) == ["list", "watch"])
        #expect(AccessQuestion.following(ObjectSelection(.node)).first?.group == "")
    }
}
