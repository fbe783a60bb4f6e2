package import KubernetesAPI
internal import KubernetesMessages

extension ObjectKind {
    /// The type of single objects of this kind.
    package var objectType: ObjectType { ObjectType(apiVersion: self.apiVersion, kind: self.rawValue) }
    /// The type of lists of this kind.
    package var listType: ObjectType { ObjectType(apiVersion: self.apiVersion, kind: "\(self.rawValue)List") }
}

/// Which message a kind is.
extension Conversion {
    /// One object without its envelope.
    mutating func object(
        _ kind: ObjectKind,
        _ bytes: ArraySlice<UInt8>,
        _ format: WireFormat
    ) throws(WireError) -> DecodedObject {
        switch kind {
        case .service: try self.decode(WireService.self, kind, bytes, format)
        case .endpointSlice: try self.decode(WireEndpointSlice.self, kind, bytes, format)
        case .node: try self.decode(WireNode.self, kind, bytes, format)
        case .serviceCIDR: try self.decode(WireServiceCIDR.self, kind, bytes, format)
        case .ingress: try self.decode(WireIngress.self, kind, bytes, format)
        case .ingressClass: try self.decode(WireIngressClass.self, kind, bytes, format)
        case .secret: try self.decode(WireSecret.self, kind, bytes, format)
        }
    }

    private mutating func decode<M: ObjectMessage>(
        _ type: M.Type,
        _ kind: ObjectKind,
        _ bytes: ArraySlice<UInt8>,
        _ format: WireFormat
    ) throws(WireError) -> DecodedObject {
        try self.decoded(MessageCoding.decode(type, bytes, format, "a \(kind.rawValue)"), as: kind)
    }

    /// A whole list in JSON.
    mutating func list(_ kind: ObjectKind, json bytes: ArraySlice<UInt8>) throws(WireError) -> ObjectList {
        switch kind {
        case .service: try self.list(WireServiceList.self, kind, bytes)
        case .endpointSlice: try self.list(WireEndpointSliceList.self, kind, bytes)
        case .node: try self.list(WireNodeList.self, kind, bytes)
        case .serviceCIDR: try self.list(WireServiceCIDRList.self, kind, bytes)
        case .ingress: try self.list(WireIngressList.self, kind, bytes)
        case .ingressClass: try self.list(WireIngressClassList.self, kind, bytes)
        case .secret: try self.list(WireSecretList.self, kind, bytes)
        }
    }

    private mutating func list<M: ListMessage>(
        _ type: M.Type,
        _ kind: ObjectKind,
        _ bytes: ArraySlice<UInt8>
    ) throws(WireError) -> ObjectList {
        let message = try MessageCoding.decode(type, bytes, .json, "the \(kind.listType.kind)")
        var list = ObjectList(message.metadata)
        list.objects.reserveCapacity(message.items.count)
        for item in message.items { list.objects.append(try self.decoded(item, as: kind)) }
        return list
    }
}

extension ObjectList {
    init(_ metadata: WireListMeta) {
        self.init(
            resourceVersion: metadata.resourceVersion,
            continueToken: metadata.continue,
            remainingItemCount: metadata.hasRemainingItemCount ? Int(metadata.remainingItemCount) : nil
        )
    }
}

extension DecodedObject {
    /// A single object, the answer to a `GET`.
    package init(decoding bytes: [UInt8], kind: ObjectKind, format: WireFormat) throws(WireError) {
        var content = bytes[...]
        if format == .protobuf {
            let envelope = try Envelope(content)
            guard envelope.type == kind.objectType else {
                throw WireError(.unexpectedKind, "\(envelope.type) came where \(kind.objectType) was asked for")
            }
            content = envelope.content
        }
        var conversion = Conversion(strings: StringPool())
        self = try conversion.object(kind, content, format)
    }
}
