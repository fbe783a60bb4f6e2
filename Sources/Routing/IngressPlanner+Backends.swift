internal import KubernetesAPI

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
            let settings = self.settings(of: id, referrers, &problems)
            let resolution = BackendResolution(
                service: self.services[id.service], slices: self.slices[id.service].map { Array($0.values) } ?? [],
                node: self.node, allowsExternalNames: self.options.allowsExternalNames)
            let state = resolution.state(id.port, settings)
            self.backends.update(id, state)
            if let (code, message) = Self.problem(id, state.availability) {
                for referrer in referrers {
                    problems.append(IngressProblem(ingress: referrer.name, .error, code, message))
                }
                if self.backends.isDefault(id) {
                    problems.append(
                        IngressProblem(
                            ObjectKey(kind: .service, name: id.service), .error, code, "default backend: \(message)"))
                }
            }
            self.problems.set(problems, of: .backend(id))
        }
        self.changedBackends = []
    }

    /// A backend without endpoints is no problem of its Ingresses: that passes.
    private static func problem(
        _ id: BackendID, _ availability: BackendAvailability
    ) -> (IngressProblem.Code, String)? {
        let consequence = "its requests are answered with 503"
        return switch availability {
        case .available, .noEndpoints: nil
        case .serviceMissing: (.serviceMissing, "there is no Service \(id.service): \(consequence)")
        case .portMissing:
            (
                .servicePortMissing,
                "Service \(id.service) has no TCP port \(id.port.map { "\($0)" } ?? "at all"): \(consequence)"
            )
        case .externalNameRefused:
            (
                .externalNameRefused,
                "Service \(id.service) is an ExternalName, and those are not allowed here: \(consequence)"
            )
        }
    }

    /// Of each setting, what the oldest Ingress says that says something.
    private func settings(
        of id: BackendID, _ referrers: [Seniority], _ problems: inout [IngressProblem]
    ) -> BackendSettings {
        var settings = BackendSettings()
        func decide<Value: Equatable>(
            _ key: IngressAnnotations.Key, _ value: (IngressAnnotations) -> Value?, _ set: (Value) -> Void
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
                            "\(key.name): for Service \(id.service) the older Ingress \(holder.name) decides"))
                } else {
                    holder = (referrer.name, value)
                    set(value)
                }
            }
        }
        decide(.loadBalance, \.loadBalancing) { settings.loadBalancing = $0 }
        decide(.maximumRequests, \.maximumRequests) { settings.maximumRequestsPerEndpoint = $0 }
        decide(.cookieChange, \.sessionsMoveOnFailure) { settings.sessionsMoveOnFailure = $0 }
        return settings
    }
}
