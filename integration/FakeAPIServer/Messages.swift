internal import KubernetesAPI
internal import KubernetesMessages
internal import KubernetesWire
internal import Networking
internal import SwiftProtobuf

/// Objects as Fairlead has them, as the messages of the wire.
extension StoredMessage {
    init(_ object: KubernetesObject) {
        switch object {
        case .service(let service): self = .service(WireService(service))
        case .endpointSlice(let slice): self = .endpointSlice(WireEndpointSlice(slice))
        case .node(let node): self = .node(WireNode(node))
        case .serviceCIDR(let block):
            var message = WireServiceCIDR()
            message.metadata = WireObjectMeta(block.metadata)
            message.spec.cidrs = block.cidrs.map(\.description)
            self = .serviceCIDR(message)
        case .ingress(let ingress): self = .ingress(WireIngress(ingress))
        case .ingressClass(let ingressClass): self = .ingressClass(WireIngressClass(ingressClass))
        case .secret(let secret): self = .secret(WireSecret(secret))
        }
    }
}

extension WireObjectMeta {
    init(_ metadata: ObjectMeta) {
        self.init()
        self.name = metadata.name.name
        self.namespace = metadata.name.namespace
        self.labels = metadata.labels
        self.annotations = metadata.annotations
        if let time = metadata.creationTimestamp { self.creationTimestamp.seconds = time }
    }
}

extension WireService {
    fileprivate init(_ service: Service) {
        self.init()
        self.metadata = WireObjectMeta(service.metadata)
        self.spec.type = service.type.rawValue
        self.spec.clusterIps = service.isHeadless ? ["None"] : service.clusterIPs.map(\.description)
        self.spec.clusterIp = self.spec.clusterIps.first ?? ""
        self.spec.externalIps = service.externalIPs.map(\.description)
        self.spec.loadBalancerSourceRanges = service.loadBalancerSourceRanges.map(\.description)
        self.spec.internalTrafficPolicy = service.internalTrafficPolicy.rawValue
        if service.type == .nodePort || service.type == .loadBalancer || !service.externalIPs.isEmpty {
            self.spec.externalTrafficPolicy = service.externalTrafficPolicy.rawValue
        }
        self.spec.healthCheckNodePort = Int32(service.healthCheckNodePort ?? 0)
        switch service.sessionAffinity {
        case .none: self.spec.sessionAffinity = SessionAffinity.Name.none.rawValue
        case .clientIP(let timeout):
            self.spec.sessionAffinity = SessionAffinity.Name.clientIP.rawValue
            self.spec.sessionAffinityConfig.clientIp.timeoutSeconds = Int32(clamping: timeout)
        }
        self.spec.ports = service.ports.map { port in
            var message = WireServicePort()
            message.name = port.name
            message.protocol = "\(port.transport)".uppercased()
            message.port = Int32(port.port)
            message.nodePort = Int32(port.nodePort ?? 0)
            if let name = port.appProtocol { message.appProtocol = name }
            switch port.targetPort {
            case .number(let number): message.targetPortMessage.intVal = Int32(number)
            case .name(let name):
                message.targetPortMessage.type = WireIntOrString.textType
                message.targetPortMessage.strVal = name
            case nil: break
            }
            return message
        }
        self.spec.externalName = service.externalName ?? ""
        let published = service.loadBalancer.compactMap(\.ip)
        let unpublished = service.loadBalancerIPs.filter { !published.contains($0) }
        let entries = service.loadBalancer + unpublished.map { LoadBalancerAddress(ip: $0) }
        self.status.loadBalancer.ingress = entries.map { entry in
            var message = WireLoadBalancerIngress()
            message.hostname = entry.hostname ?? ""
            if let ip = entry.ip {
                let mode: LoadBalancerIPMode = service.loadBalancerIPs.contains(ip) ? .vip : .proxy
                message.ip = ip.description
                message.ipMode = mode.rawValue
            }
            return message
        }
    }
}

extension WireEndpointSlice {
    fileprivate init(_ slice: EndpointSlice) {
        self.init()
        self.metadata = WireObjectMeta(slice.metadata)
        if let time = slice.lastChangeTriggerTime {
            // Seconds, as the controller writes it.
            let text = Self.rfc3339(time / 1_000_000_000)
            self.metadata.annotations[KnownKey.lastChangeTriggerTime] = text
        }
        self.addressType =
            switch slice.family {
            case .ipv4: EndpointSlice.AddressType.ipv4.rawValue
            case .ipv6: EndpointSlice.AddressType.ipv6.rawValue
            case nil: EndpointSlice.AddressType.fqdn.rawValue
            }
        self.endpoints = slice.endpoints.map { endpoint in
            var message = WireEndpoint()
            message.addresses = [endpoint.address.description]
            message.conditions.ready = endpoint.isReady
            message.conditions.serving = endpoint.isServing
            message.conditions.terminating = endpoint.isTerminating
            if let name = endpoint.nodeName { message.nodeName = name }
            if let zone = endpoint.zone { message.zone = zone }
            for zone in endpoint.zoneHints { message.hints.forZones.append(.with { $0.name = zone }) }
            for node in endpoint.nodeHints { message.hints.forNodes.append(.with { $0.name = node }) }
            return message
        }
        self.ports = slice.ports.map { port in
            var message = WireEndpointPort()
            message.name = port.name
            message.protocol = "\(port.transport)".uppercased()
            message.port = Int32(port.port)
            return message
        }
    }

    private static func rfc3339(_ seconds: Int64) -> String {
        let json = try? Google_Protobuf_Timestamp(seconds: seconds).jsonString()
        return json?.replacing("\"", with: "") ?? ""
    }
}

extension WireNode {
    fileprivate init(_ node: Node) {
        self.init()
        self.metadata = WireObjectMeta(node.metadata)
        if node.isBeingDeleted { self.metadata.deletionTimestamp.seconds = 1 }
        self.spec.podCidrs = node.podCIDRs.map(\.description)
        self.spec.podCidr = self.spec.podCidrs.first ?? ""
        if node.isMarkedForDeletion {
            self.spec.taints.append(
                .with {
                    $0.key = KnownKey.autoscalerTaint; $0.effect = "NoSchedule"
                })
        }
        self.status.addresses = node.internalIPs.map { address in
            .with {
                $0.type = "InternalIP"; $0.address = address.description
            }
        }
    }
}
