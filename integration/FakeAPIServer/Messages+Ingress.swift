internal import FoundationEssentials
internal import KubernetesAPI
internal import KubernetesMessages
internal import Networking
internal import SwiftProtobuf

/// In the shape of protobuf.
extension WireIngress {
    init(_ ingress: Ingress) {
        self.init()
        self.metadata = WireObjectMeta(ingress.metadata)
        self.metadata.uid = ingress.uid
        if let name = ingress.ingressClassName { self.spec.ingressClassName = name }
        if let backend = ingress.defaultBackend { self.spec.defaultBackend = WireIngressBackend(backend) }
        self.spec.tls = ingress.tls.map { entry in
            .with {
                $0.hosts = entry.hosts
                $0.secretName = entry.secretName ?? ""
            }
        }
        self.spec.rules = ingress.rules.map { rule in
            var message = WireIngressRule()
            message.host = rule.host
            guard let paths = rule.paths else { return message }
            message.ingressRuleValue.http.paths = paths.map { path in
                .with {
                    $0.path = path.path
                    $0.pathType = path.pathType.rawValue
                    $0.backend = WireIngressBackend(path.backend)
                }
            }
            return message
        }
        self.status.loadBalancer.ingress = ingress.loadBalancer.map { entry in
            .with {
                $0.ip = entry.ip?.description ?? ""
                $0.hostname = entry.hostname ?? ""
            }
        }
    }
}

extension WireIngressBackend {
    fileprivate init(_ backend: IngressBackend) {
        self.init()
        switch backend {
        case .service(let name, let port):
            self.service.name = name
            switch port {
            case .number(let number): self.service.port.number = Int32(number)
            case .name(let name): self.service.port.name = name
            }
        case .resource(let group, let kind, let name):
            if !group.isEmpty { self.resource.apiGroup = group }
            self.resource.kind = kind
            self.resource.name = name
        }
    }
}

extension WireIngressClass {
    init(_ ingressClass: IngressClass) {
        self.init()
        self.metadata = WireObjectMeta(ingressClass.metadata)
        if ingressClass.isDefault { self.metadata.annotations[KnownKey.isDefaultClass] = "true" }
        self.spec.controller = ingressClass.controller
        if ingressClass.hasParameters {
            // Which they are is not kept.
            self.spec.parameters.kind = "Parameters"
            self.spec.parameters.name = "parameters"
            self.spec.parameters.scope = "Cluster"
        }
    }
}

extension WireSecret {
    init(_ secret: Secret) {
        self.init()
        self.metadata = WireObjectMeta(secret.metadata)
        self.type = secret.type.rawValue
        for key in Secret.DataKey.allCases {
            if let value = secret[key] { self.data[key.rawValue] = .init(value) }
        }
    }
}
