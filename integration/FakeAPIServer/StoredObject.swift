internal import KubernetesMessages
internal import KubernetesWire
internal import SwiftProtobuf
internal import Synchronization

/// An object of any resource, as the messages of the wire, in the shape of protobuf where JSON has another. Fields that
/// Fairlead does not use are lost.
enum StoredMessage: Sendable {
    case service(WireService)
    case endpointSlice(WireEndpointSlice)
    case node(WireNode)
    case serviceCIDR(WireServiceCIDR)
    case ingress(WireIngress)
    case ingressClass(WireIngressClass)
    case secret(WireSecret)
    case event(WireEvent)
    case lease(WireLease)

    /// From a body that a client sent, checked for its type.
    init(_ resource: Resource, _ bytes: [UInt8], _ format: WireFormat) throws(WireError) {
        func decode<M: SwiftProtobuf.Message>(_ type: M.Type) throws(WireError) -> M {
            try MessageCoding.decodeObject(type, bytes[...], as: resource.type, format)
        }
        switch resource {
        case .services: self = .service(try decode(WireService.self).inProtobuf)
        case .endpointSlices: self = .endpointSlice(try decode(WireEndpointSlice.self))
        case .nodes: self = .node(try decode(WireNode.self))
        case .serviceCIDRs: self = .serviceCIDR(try decode(WireServiceCIDR.self))
        case .ingresses: self = .ingress(try decode(WireIngress.self).inProtobuf)
        case .ingressClasses: self = .ingressClass(try decode(WireIngressClass.self))
        case .secrets: self = .secret(try decode(WireSecret.self).merged)
        case .events: self = .event(try decode(WireEvent.self))
        case .leases: self = .lease(try decode(WireLease.self))
        }
    }

    var resource: Resource {
        switch self {
        case .service: .services
        case .endpointSlice: .endpointSlices
        case .node: .nodes
        case .serviceCIDR: .serviceCIDRs
        case .ingress: .ingresses
        case .ingressClass: .ingressClasses
        case .secret: .secrets
        case .event: .events
        case .lease: .leases
        }
    }

    private var message: any SwiftProtobuf.Message {
        switch self {
        case .service(let message): message
        case .endpointSlice(let message): message
        case .node(let message): message
        case .serviceCIDR(let message): message
        case .ingress(let message): message
        case .ingressClass(let message): message
        case .secret(let message): message
        case .event(let message): message
        case .lease(let message): message
        }
    }

    var metadata: WireObjectMeta {
        get {
            switch self {
            case .service(let message): message.metadata
            case .endpointSlice(let message): message.metadata
            case .node(let message): message.metadata
            case .serviceCIDR(let message): message.metadata
            case .ingress(let message): message.metadata
            case .ingressClass(let message): message.metadata
            case .secret(let message): message.metadata
            case .event(let message): message.metadata
            case .lease(let message): message.metadata
            }
        }
        set {
            func with<M>(_ message: M, _ change: (inout M) -> Void) -> M {
                var copy = message
                change(&copy)
                return copy
            }
            switch self {
            case .service(let message): self = .service(with(message) { $0.metadata = newValue })
            case .endpointSlice(let message): self = .endpointSlice(with(message) { $0.metadata = newValue })
            case .node(let message): self = .node(with(message) { $0.metadata = newValue })
            case .serviceCIDR(let message): self = .serviceCIDR(with(message) { $0.metadata = newValue })
            case .ingress(let message): self = .ingress(with(message) { $0.metadata = newValue })
            case .ingressClass(let message): self = .ingressClass(with(message) { $0.metadata = newValue })
            case .secret(let message): self = .secret(with(message) { $0.metadata = newValue })
            case .event(let message): self = .event(with(message) { $0.metadata = newValue })
            case .lease(let message): self = .lease(with(message) { $0.metadata = newValue })
            }
        }
    }

    /// What a field selector compares.
    func field(_ name: String) -> String {
        switch (name, self) {
        case ("metadata.name", _): self.metadata.name
        case ("metadata.namespace", _): self.metadata.namespace
        case ("spec.clusterIP", .service(let service)): service.spec.clusterIp
        case ("spec.type", .service(let service)): service.spec.type
        case ("type", .secret(let secret)): secret.type
        default: ""
        }
    }

    func protobuf() throws -> [UInt8] { try self.message.serializedBytes() }

    /// Without `kind` and `apiVersion`, as in a list.
    func json() throws -> [UInt8] {
        var options = JSONEncodingOptions()
        options.alwaysPrintInt64sAsNumbers = true
        options.useDeterministicOrdering = true
        switch self {
        case .service(let service): return try service.inJSON.jsonUTF8Bytes(options: options)
        case .ingress(let ingress): return try ingress.inJSON.jsonUTF8Bytes(options: options)
        default: return try self.message.jsonUTF8Bytes(options: options)
        }
    }
}

/// One version of an object, encoded once for all who read it.
final class StoredObject: Sendable {
    let message: StoredMessage
    let resourceVersion: Int
    /// Without envelope.
    let protobuf: [UInt8]
    let labels: [String: String]
    /// Made when the first asks for it.
    private let encodedJSON = Mutex<[UInt8]?>(nil)

    init(_ message: StoredMessage, resourceVersion: Int) throws {
        var message = message
        message.metadata.resourceVersion = String(resourceVersion)
        self.message = message
        self.resourceVersion = resourceVersion
        self.labels = message.metadata.labels
        self.protobuf = try message.protobuf()
    }

    var resource: Resource { self.message.resource }

    /// Without `kind` and `apiVersion`.
    func json() throws -> [UInt8] {
        try self.encodedJSON.withLock { encoded in
            if let encoded { return encoded }
            let bytes = try self.message.json()
            encoded = bytes
            return bytes
        }
    }
}
