/// What every object in protobuf is wrapped in: four bytes that say so, and a runtime.Unknown with the
/// object's type and its bytes (kubernetes: apimachinery/pkg/runtime/serializer/protobuf/protobuf.go).
package struct Envelope {
    /// `k8s` and a zero byte.
    package static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]

    /// Field numbers of runtime.Unknown and runtime.TypeMeta.
    enum Field {
        static let typeMeta: UInt64 = 1
        static let raw: UInt64 = 2
        static let apiVersion: UInt64 = 1
        static let kind: UInt64 = 2
    }

    package var type: ObjectType
    package var content: ArraySlice<UInt8>

    package init(type: ObjectType, content: ArraySlice<UInt8>) {
        self.type = type
        self.content = content
    }

    package init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        guard bytes.starts(with: Self.magic) else { throw Self.noMagic }
        self.init(type: ObjectType(apiVersion: "", kind: ""), content: [])
        var fields = ProtobufFields(bytes.dropFirst(Self.magic.count))
        while let field = try fields.next() {
            guard field.isLengthDelimited else { continue }
            switch field.number {
            case Field.typeMeta: self.type = try ObjectType(field.content)
            case Field.raw: self.content = field.content
            default: break
            }
        }
    }

    static let noMagic = WireError(.malformed, "what came as Kubernetes protobuf does not begin with \"k8s\" and zero")

    package func encoded() -> [UInt8] {
        var typeMeta: [UInt8] = []
        Self.append(Field.apiVersion, self.type.apiVersion.utf8, to: &typeMeta)
        Self.append(Field.kind, self.type.kind.utf8, to: &typeMeta)
        var bytes = Self.magic
        bytes.reserveCapacity(typeMeta.count + self.content.count + 32)
        Self.append(Field.typeMeta, typeMeta, to: &bytes)
        Self.append(Field.raw, self.content, to: &bytes)
        return bytes
    }

    package static func append(_ number: UInt64, _ content: some Collection<UInt8>, to bytes: inout [UInt8]) {
        ProtobufFields.Varint.append(Int(number << 3 | 2), to: &bytes)
        ProtobufFields.Varint.append(content.count, to: &bytes)
        bytes.append(contentsOf: content)
    }
}

/// What an object is; in JSON its fields `apiVersion` and `kind`.
package struct ObjectType: Sendable, Hashable, CustomStringConvertible {
    /// `v1`, `discovery.k8s.io/v1`.
    package var apiVersion: String
    package var kind: String

    package init(apiVersion: String, kind: String) {
        self.apiVersion = apiVersion
        self.kind = kind
    }

    /// From a runtime.TypeMeta.
    init(_ typeMeta: ArraySlice<UInt8>) throws(WireError) {
        self.init(apiVersion: "", kind: "")
        var fields = ProtobufFields(typeMeta)
        while let field = try fields.next() {
            switch field.number {
            case Envelope.Field.apiVersion: self.apiVersion = String(decoding: field.content, as: UTF8.self)
            case Envelope.Field.kind: self.kind = String(decoding: field.content, as: UTF8.self)
            default: break
            }
        }
    }

    package var description: String { "\(self.apiVersion) \(self.kind)" }
}
