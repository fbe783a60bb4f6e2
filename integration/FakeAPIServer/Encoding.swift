internal import KubernetesMessages
internal import KubernetesWire
internal import SwiftProtobuf

/// Answers as bytes, put together of objects that are encoded already.
enum Encoding {
    enum EventType: String {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
        case error = "ERROR"
    }

    /// One page of a list.
    static func list(
        _ objects: ArraySlice<StoredObject>,
        of resource: Resource,
        metadata: WireListMeta,
        _ format: WireFormat
    ) throws -> [UInt8] {
        switch format {
        case .protobuf:
            var content: [UInt8] = []
            content.reserveCapacity(objects.reduce(64) { $0 + $1.protobuf.count + 8 })
            Envelope.append(1, try metadata.serializedBytes() as [UInt8], to: &content)
            for object in objects { Envelope.append(2, object.protobuf, to: &content) }
            return Envelope(type: resource.listType, content: content[...]).encoded()
        case .json:
            var options = JSONEncodingOptions()
            options.alwaysPrintInt64sAsNumbers = true
            var bytes = Array(
                #"{"kind":"\#(resource.listType.kind)","apiVersion":"\#(resource.type.apiVersion)","metadata":"#.utf8)
            bytes += try metadata.jsonUTF8Bytes(options: options) as [UInt8]
            bytes += Array(#","items":["#.utf8)
            for (index, object) in objects.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += try object.json()
            }
            return bytes + Array("]}\n".utf8)
        }
    }

    static func object(_ object: StoredObject, _ format: WireFormat) throws -> [UInt8] {
        switch format {
        case .protobuf: Envelope(type: object.resource.type, content: object.protobuf[...]).encoded()
        case .json: self.typed(object.resource.type, try object.json()) + [UInt8(ascii: "\n")]
        }
    }

    /// A watch event of an object.
    static func event(_ type: EventType, _ object: StoredObject, _ format: WireFormat) throws -> [UInt8] {
        switch format {
        case .protobuf: self.frame(type, object.resource.type, object.protobuf)
        case .json: self.document(type, self.typed(object.resource.type, try object.json()))
        }
    }

    /// A watch event of anything else: bookmarks, errors.
    static func event(
        _ type: EventType,
        _ message: some SwiftProtobuf.Message,
        as objectType: ObjectType,
        _ format: WireFormat
    ) throws -> [UInt8] {
        switch format {
        case .protobuf: self.frame(type, objectType, try message.serializedBytes())
        case .json: self.document(type, try MessageCoding.encode(message, as: objectType, .json))
        }
    }

    private static func typed(_ type: ObjectType, _ fields: [UInt8]) -> [UInt8] {
        Array(#"{"kind":"\#(type.kind)","apiVersion":"\#(type.apiVersion)","#.utf8) + fields.dropFirst()
    }

    private static func document(_ type: EventType, _ object: [UInt8]) -> [UInt8] {
        Array(#"{"type":"\#(type.rawValue)","object":"#.utf8) + object + Array("}\n".utf8)
    }

    /// Four bytes of length, and a WatchEvent (apimachinery/pkg/util/framer/framer.go).
    private static func frame(_ type: EventType, _ objectType: ObjectType, _ content: [UInt8]) -> [UInt8] {
        var raw: [UInt8] = []
        Envelope.append(1, Envelope(type: objectType, content: content[...]).encoded(), to: &raw)
        var event: [UInt8] = []
        Envelope.append(1, Array(type.rawValue.utf8), to: &event)
        Envelope.append(2, raw, to: &event)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: event.count >> $0) } + event
    }
}
