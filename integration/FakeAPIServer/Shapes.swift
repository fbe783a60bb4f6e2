internal import FoundationEssentials
internal import KubernetesMessages
internal import KubernetesWire
internal import SwiftProtobuf

/// The fields that have one shape in protobuf and another in JSON.
extension WireService {
    var inProtobuf: WireService {
        var service = self
        service.spec.ports = self.spec.ports.map { port in
            var port = port
            switch port.targetPort.kind {
            case .numberValue(let number): port.targetPortMessage.intVal = Int32(clamping: Int64(number))
            case .stringValue(let name):
                port.targetPortMessage.type = WireIntOrString.textType
                port.targetPortMessage.strVal = name
            default: break
            }
            port.clearTargetPort()
            return port
        }
        return service
    }

    var inJSON: WireService {
        var service = self
        service.spec.ports = self.spec.ports.map { port in
            var port = port
            if port.hasTargetPortMessage {
                let target = port.targetPortMessage
                port.targetPort =
                    target.type == WireIntOrString.textType
                    ? Google_Protobuf_Value(stringValue: target.strVal)
                    : Google_Protobuf_Value(numberValue: Double(target.intVal))
            }
            port.clearTargetPortMessage()
            return port
        }
        return service
    }
}

extension WireIngress {
    var inProtobuf: WireIngress {
        var ingress = self
        ingress.spec.rules = self.spec.rules.map { rule in
            var rule = rule
            if rule.hasHTTP { rule.ingressRuleValue.http = rule.http }
            rule.clearHTTP()
            return rule
        }
        return ingress
    }

    var inJSON: WireIngress {
        var ingress = self
        ingress.spec.rules = self.spec.rules.map { rule in
            var rule = rule
            if rule.ingressRuleValue.hasHTTP { rule.http = rule.ingressRuleValue.http }
            rule.clearIngressRuleValue()
            return rule
        }
        return ingress
    }
}

extension WireSecret {
    /// As it is stored: `stringData` goes over `data`.
    var merged: WireSecret {
        var secret = self
        for (key, value) in self.stringData { secret.data[key] = .init(value.utf8) }
        secret.stringData = [:]
        if secret.type.isEmpty { secret.type = "Opaque" }
        return secret
    }
}

extension StoredMessage {
    /// The object with the spec or the status of another: writing one leaves the other as it was. Without another a
    /// status is not written at all.
    func keeping(_ part: Part, of old: StoredMessage?) -> StoredMessage {
        switch (self, part) {
        case (.service(var new), .spec):
            if case .service(let old)? = old { new.spec = old.spec }
            return .service(new)
        case (.service(var new), .status):
            if case .service(let old)? = old, old.hasStatus { new.status = old.status } else { new.clearStatus() }
            return .service(new)
        case (.node(var new), .spec):
            if case .node(let old)? = old { new.spec = old.spec }
            return .node(new)
        case (.node(var new), .status):
            if case .node(let old)? = old, old.hasStatus { new.status = old.status } else { new.clearStatus() }
            return .node(new)
        case (.ingress(var new), .spec):
            if case .ingress(let old)? = old { new.spec = old.spec }
            return .ingress(new)
        case (.ingress(var new), .status):
            if case .ingress(let old)? = old, old.hasStatus { new.status = old.status } else { new.clearStatus() }
            return .ingress(new)
        default:
            return self
        }
    }

    enum Part {
        case spec
        case status
    }
}
