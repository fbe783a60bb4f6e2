internal import KubernetesAPI
internal import Networking
internal import ServiceModel

/// What Ingresses ask of a backend: of each setting, what the oldest says that says something.
struct BackendDemand {
    var settings = BackendSettings()
    /// nil: what the Service says.
    var `protocol`: BackendProtocol?
    var tls = BackendTLSDemand()
}

/// What a backend is, from its Service and the Service's slices.
struct BackendResolution {
    let service: Service?
    let slices: [EndpointSlice]
    let node: NodeFacts
    let allowsExternalNames: Bool

    /// Without what is spoken.
    func state(_ port: PortReference?, _ settings: BackendSettings) -> BackendState {
        guard let service = self.service else { return BackendState(availability: .serviceMissing, settings: settings) }
        let servicePort = Self.port(port, of: service)
        if service.type == .externalName {
            return self.external(service, servicePort?.port ?? Self.number(port), servicePort, settings)
        }
        guard let servicePort else { return BackendState(availability: .portMissing, settings: settings) }
        let annotations = ServiceAnnotations(service.metadata.annotations)
        let selection = EndpointSelection(
            self.slices, node: self.node, zoneWeights: annotations.zoneWeights, includesHeadless: true)
        // One family, so that a Pod with two addresses is one endpoint: the Service's first, unless it has nobody.
        var families = service.clusterIPs.map(\.family)
        for family in AddressFamily.allCases where !families.contains(family) { families.append(family) }
        var endpoints: [RoutedEndpoint] = []
        for family in families where endpoints.isEmpty {
            let candidates = selection.port(servicePort.name, .tcp, family)
            endpoints = candidates.backends(.cluster).map { weighted in
                RoutedEndpoint(
                    address: weighted.backend.address, port: weighted.backend.port, weight: weighted.weight,
                    isSameZone: candidates.isSameZone(weighted.backend))
            }
        }
        return BackendState(
            availability: endpoints.isEmpty ? .noEndpoints : .available, endpoints: endpoints, settings: settings,
            appProtocol: servicePort.appProtocol)
    }

    /// The Service's own port (B2): never by what its Pods call it.
    static func port(_ port: PortReference?, of service: Service) -> ServicePort? {
        service.ports.first { candidate in
            guard candidate.transport == .tcp else { return false }
            return switch port {
            case .number(let number): candidate.port == number
            case .name(let name): candidate.name == name
            case nil: true
            }
        }
    }

    private static func number(_ port: PortReference?) -> UInt16? {
        if case .number(let number) = port { number } else { nil }
    }

    /// B6: off unless allowed. The port may be the rule's, as such a Service need not have any.
    private func external(
        _ service: Service, _ port: UInt16?, _ servicePort: ServicePort?, _ settings: BackendSettings
    ) -> BackendState {
        guard self.allowsExternalNames else {
            return BackendState(availability: .externalNameRefused, settings: settings)
        }
        guard let port else { return BackendState(availability: .portMissing, settings: settings) }
        guard let name = service.externalName, !name.isEmpty else {
            return BackendState(availability: .noEndpoints, settings: settings)
        }
        return BackendState(
            availability: .available, settings: settings, appProtocol: servicePort?.appProtocol,
            external: ExternalBackend(name: name, port: port))
    }
}
