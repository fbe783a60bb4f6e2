internal import KubernetesAPI
internal import Networking
internal import Routing
internal import ServiceModel

/// Which endpoint a request goes to, and which not.
extension RequestTracing {
    func explainBackend(
        _ backend: BackendPlan, at index: Int, _ settings: RouteSettings, _ trace: inout RequestTrace
    ) {
        trace.say(.backend, "\(backend.id), by \(backend.protocol.name)")
        let chosen = Dictionary(
            backend.endpoints.map { (Backend($0.address, $0.port), $0) }, uniquingKeysWith: { first, _ in first })
        let listed = self.planner.listedEndpoints(of: backend.id)
        let failures = listed.map { self.health(index, backend.id, $0.backend) }
        // Where all fail, checks are not heeded.
        let isHeeded = zip(listed, failures).contains { chosen[$0.backend] != nil && $1 == nil }
        trace.candidates = zip(listed, failures).map { endpoint, failure in
            let taken = chosen[endpoint.backend]
            let isOut = failure != nil && isHeeded
            let reason: String
            if taken == nil {
                reason = Self.whyNot(endpoint, isAvailable: !chosen.isEmpty)
            } else if let failure {
                reason = isHeeded ? "unhealthy: \(failure)" : "unhealthy, as all are: \(failure)"
            } else {
                reason = endpoint.condition == .ready ? "ready" : "terminating, and serving as none is ready"
            }
            return RequestTrace.Candidate(
                address: endpoint.backend.text, node: endpoint.node, zone: endpoint.zone,
                weight: isOut ? nil : taken?.weight,
                reason: reason + (taken?.isSameZone == true ? "; in this zone, and so preferred" : ""))
        }
        switch backend.availability {
        case .available: self.explainChoice(backend, settings, &trace)
        case .serviceMissing: trace.answer(503, "there is no Service \(backend.id.service) (service-missing)")
        case .portMissing:
            trace.answer(
                503,
                "Service \(backend.id.service) has no port \(backend.id.port.map { "\($0)" } ?? "") for TCP (service-port-missing)"
            )
        case .noEndpoints:
            trace.answer(
                503,
                listed.isEmpty
                    ? "no EndpointSlice lists an endpoint for this port: does the Service's selector match Pods, and its target port one of theirs? (no-endpoints)"
                    : "none of its \(listed.count) endpoints is ready (no-endpoints)")
        case .externalNameRefused:
            trace.answer(
                503, "it is an ExternalName, which is not followed (--allow-external-names; external-name-refused)")
        case .backendSecretUnusable:
            trace.answer(
                503, "the Secret to connect to its endpoints with is missing or broken (backend-secret-unusable)")
        }
    }

    private func explainChoice(_ backend: BackendPlan, _ settings: RouteSettings, _ trace: inout RequestTrace) {
        trace.verdict = .forwarded
        if let external = backend.external {
            trace.reason = "goes to \(external.name):\(external.port)"
            return
        }
        switch settings.affinity.kind {
        case .none: break
        case .cookie: trace.say(.balancing, "a client that brings its cookie goes to the endpoint that it had")
        case .header: trace.say(.balancing, "requests with the same value of a header go to the same endpoint")
        }
        let count = trace.candidates.count { $0.weight != nil }
        trace.say(
            .balancing,
            count < 2
                ? "there is no choice" : "\(backend.settings.loadBalancing.rawValue) over \(count) endpoints, by weight"
        )
        if backend.settings.maximumRequestsPerEndpoint > 0 {
            trace.say(
                .balancing,
                "an endpoint gets \(backend.settings.maximumRequestsPerEndpoint) requests at a time; if all have them the answer is 503 (endpoints-busy)"
            )
        }
        trace.say(
            .retries,
            "\(settings.maximumTries) endpoint\(settings.maximumTries == 1 ? " is" : "s are") tried at most, where that is safe; "
                + "\(settings.connectTimeout) ms to connect, \(settings.readTimeout) ms between two reads")
        trace.reason = "goes to one of \(count) endpoint\(count == 1 ? "" : "s")"
    }

    private static func whyNot(_ endpoint: ListedEndpoint, isAvailable: Bool) -> String {
        switch endpoint.condition {
        case .notReady: "not ready"
        case .draining: isAvailable ? "terminating: others are ready" : "terminating"
        case .ready: "its hints are for clients of other zones, or it is of an IP version that is not used"
        }
    }
}
