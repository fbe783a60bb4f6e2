internal import KubernetesAPI
internal import ServiceModel

extension IngressPlanner {
    /// What Services, slices and the settings of Ingresses make of the backends that they touch.
    mutating func planBackends() {
        for service in self.changedServices { self.changedBackends.formUnion(self.backends.backends(of: service)) }
        self.changedServices = []
        for id in self.changedBackends {
            let referrers = self.backends.referrers(of: id)
            guard !referrers.isEmpty || self.backends.isDefault(id) else {
                self.problems.set([], of: .backend(id))
                continue
            }
            var problems: [IngressProblem] = []
            let demand = self.demand(of: id, referrers, &problems)
            let resolution = BackendResolution(
                service: self.services[id.service], slices: self.slices[id.service].map { Array($0.values) } ?? [],
                node: self.node, allowsExternalNames: self.options.allowsExternalNames)
            var state = resolution.state(id.port, demand.settings)
            var findings = self.decideProtocol(of: &state, id, demand)
            if let finding = Self.healthCheckProblem(state, id) { findings.append(finding) }
            self.backends.update(id, state)
            for (severity, code, message) in findings + Self.problems(id, state.availability) {
                for referrer in referrers {
                    problems.append(IngressProblem(ingress: referrer.name, severity, code, message))
                }
                if self.backends.isDefault(id) {
                    problems.append(
                        IngressProblem(
                            ObjectKey(kind: .service, name: id.service), severity, code, "default backend: \(message)"))
                }
            }
            self.problems.set(problems, of: .backend(id))
        }
        self.changedBackends = []
    }

    private typealias Finding = (IngressProblem.Severity, IngressProblem.Code, String)

    /// A backend without endpoints is no problem of its Ingresses: that passes.
    private static func problems(_ id: BackendID, _ availability: BackendAvailability) -> [Finding] {
        let consequence = "its requests are answered with 503"
        return switch availability {
        case .available, .noEndpoints: []
        case .serviceMissing: [(.error, .serviceMissing, "there is no Service \(id.service): \(consequence)")]
        case .portMissing:
            [
                (
                    .error, .servicePortMissing,
                    "Service \(id.service) has no TCP port \(id.port.map { "\($0)" } ?? "at all"): \(consequence)"
                )
            ]
        case .externalNameRefused:
            [
                (
                    .error, .externalNameRefused,
                    "Service \(id.service) is an ExternalName, and those are not allowed here: \(consequence)"
                )
            ]
        // Said where it is found.
        case .backendSecretUnusable: []
        }
    }

    /// What is spoken with the endpoints, and how they are connected to.
    private func decideProtocol(of state: inout BackendState, _ id: BackendID, _ demand: BackendDemand) -> [Finding] {
        var findings: [Finding] = []
        if let spoken = demand.protocol {
            state.protocol = spoken
        } else if let text = state.appProtocol {
            if let spoken = BackendProtocol(appProtocol: text) {
                state.protocol = spoken
            } else {
                findings.append(
                    (
                        .note, .unknownAppProtocol,
                        "Service \(id.service): the appProtocol \(Quoted.text(text)) of its port is "
                            + "none of \(BackendProtocol.appProtocols): HTTP/1.1 is spoken"
                    ))
            }
        }
        guard state.protocol.usesTLS else {
            if demand.tls != BackendTLSDemand(), state.availability == .available {
                findings.append(
                    (
                        .note, .annotationWithoutEffect,
                        "proxy-ssl-*: TLS is not spoken with Service \(id.service): \(IngressAnnotations.Key.backendProtocol.name) "
                            + "or appProtocol of its port has to ask for it"
                    ))
            }
            return findings
        }
        let ownName = state.external?.name ?? "\(id.service.name).\(id.service.namespace).svc"
        let resolution = BackendTLSResolution(demand.tls, ownName: ownName) { self.facts[$0] }
        state.tls = resolution.tls
        if let problem = resolution.problem {
            findings.append((problem.severity, problem.code, "Service \(id.service): \(problem.message)"))
        }
        if !resolution.isUsable, state.availability == .available {
            state.availability = .backendSecretUnusable
            state.endpoints = []
            state.external = nil
        }
        return findings
    }

    /// gRPC is HTTP/2.
    private static func healthCheckProblem(_ state: BackendState, _ id: BackendID) -> Finding? {
        guard state.protocol == .http1OverTLS, case .grpc? = state.settings.healthCheck?.question else { return nil }
        return (
            .warning, .invalidAnnotation,
            "\(HealthCheckAnnotations.Key.kind.name): grpc needs HTTP/2, and nothing but HTTP/1.1 is spoken with Service "
                + "\(id.service): all checks fail"
        )
    }

    private func demand(
        of id: BackendID, _ referrers: [Seniority], _ problems: inout [IngressProblem]
    ) -> BackendDemand {
        var demand = BackendDemand()
        func decide<Value: Equatable>(
            _ name: String, _ value: (IngressAnnotations) -> Value?, _ set: (Value) -> Void
        ) {
            var holder: (name: ObjectName, value: Value)?
            for referrer in referrers {
                guard let annotations = self.rules[referrer.name]?.annotations, let value = value(annotations) else {
                    continue
                }
                if let holder {
                    guard holder.value != value else { continue }
                    problems.append(
                        IngressProblem(
                            ingress: referrer.name, .warning, .settingConflict,
                            "\(name): for Service \(id.service) the older Ingress \(holder.name) decides"))
                } else {
                    holder = (referrer.name, value)
                    set(value)
                }
            }
        }
        func decide<Value: Equatable>(
            _ key: IngressAnnotations.Key, _ value: (IngressAnnotations) -> Value?, _ set: (Value) -> Void
        ) {
            decide(key.name, value, set)
        }
        decide(.loadBalance, \.loadBalancing) { demand.settings.loadBalancing = $0 }
        decide(.maximumRequests, \.maximumRequests) { demand.settings.maximumRequestsPerEndpoint = $0 }
        decide(.cookieChange, \.sessionsMoveOnFailure) { demand.settings.sessionsMoveOnFailure = $0 }
        decide(.backendProtocol, \.backendProtocol) { demand.protocol = $0 }
        decide("proxy-ssl-*", \.backendTLS) { demand.tls = $0 }
        decide("health-check*", \.healthCheck) { demand.settings.healthCheck = $0 }
        return demand
    }
}
