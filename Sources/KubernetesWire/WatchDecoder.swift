package import KubernetesAPI
internal import KubernetesMessages

/// Decodes a watch as its bytes arrive, however they are cut.
///
/// Protobuf: each event is a frame, four bytes of its length in network order and a metav1.WatchEvent, whose
/// object is in an ``Envelope``. JSON: one document after the other (kubernetes:
/// apimachinery/pkg/util/framer/framer.go).
///
/// ``append(_:)`` what came, then take events with ``next()`` until there are none. After an error the stream
/// has to be given up.
package struct WatchDecoder: Sendable {
    /// Field numbers of metav1.WatchEvent and runtime.RawExtension.
    private enum Field {
        static let type: UInt64 = 1
        static let object: UInt64 = 2
        static let raw: UInt64 = 1
    }

    /// The annotation of the bookmark that ends the initial events (KEP-3157).
    package static let initialEventsEnd = "k8s.io/initial-events-end"

    private static let lengthBytes = 4

    private let kind: ObjectKind
    private let format: WireFormat
    private let limits: WireLimits
    private var conversion: Conversion
    @usableFromInline var buffer = InputBuffer()
    private var scanner = JSONDocumentScanner()

    /// `strings`: from the list before, so that the names of nodes and zones are held once.
    package init(
        kind: ObjectKind,
        format: WireFormat,
        limits: WireLimits = WireLimits(),
        strings: StringPool = StringPool()
    ) {
        self.kind = kind
        self.format = format
        self.limits = limits
        self.conversion = Conversion(strings: strings)
    }

    /// For the watch that follows.
    package var strings: StringPool { self.conversion.strings }

    /// Whether nothing of an unfinished event has arrived: a stream that ends now lost nothing.
    package var isBetweenEvents: Bool {
        switch self.format {
        case .protobuf: self.buffer.count == 0
        case .json: self.buffer.bytes.allSatisfy(JSONDocumentScanner.isWhiteSpace)
        }
    }

    @inlinable
    package mutating func append(_ bytes: some Collection<UInt8>) {
        self.buffer.append(bytes)
    }

    /// The next event that is complete.
    package mutating func next() throws(WireError) -> WatchEvent? {
        switch self.format {
        case .protobuf: try self.nextFrame()
        case .json: try self.nextDocument()
        }
    }

    // MARK: Protobuf

    private mutating func nextFrame() throws(WireError) -> WatchEvent? {
        guard self.buffer.count >= Self.lengthBytes else { return nil }
        let head = self.buffer.bytes.prefix(Self.lengthBytes)
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard length <= self.limits.maximumObjectSize else { throw self.tooLarge(length) }
        guard self.buffer.count >= Self.lengthBytes + length else { return nil }
        defer { self.buffer.consume(Self.lengthBytes + length) }
        var type = ""
        var object: ArraySlice<UInt8> = []
        var fields = ProtobufFields(self.buffer.bytes.dropFirst(Self.lengthBytes).prefix(length))
        while let field = try fields.next() {
            guard field.isLengthDelimited else { continue }
            switch field.number {
            case Field.type: type = String(decoding: field.content, as: UTF8.self)
            case Field.object:
                var extensionFields = ProtobufFields(field.content)
                while let inner = try extensionFields.next() {
                    if inner.isLengthDelimited, inner.number == Field.raw { object = inner.content }
                }
            default: break
            }
        }
        return try self.event(type) { (expected: ObjectType) throws(WireError) in
            let envelope = try Envelope(object)
            guard envelope.type == expected else {
                throw WireError(.unexpectedKind, "\(envelope.type) came where \(expected) was watched")
            }
            return envelope.content
        }
    }

    // MARK: JSON

    private mutating func nextDocument() throws(WireError) -> WatchEvent? {
        let space = self.buffer.bytes.prefix(while: JSONDocumentScanner.isWhiteSpace).count
        self.buffer.consume(space)
        guard let length = try self.scanner.documentLength(self.buffer.bytes) else {
            guard self.buffer.count <= self.limits.maximumObjectSize else { throw self.tooLarge(self.buffer.count) }
            return nil
        }
        guard length <= self.limits.maximumObjectSize else { throw self.tooLarge(length) }
        defer { self.buffer.consume(length) }
        let members = JSONMembers(self.buffer.bytes.prefix(length))
        guard let type = members["type"], let object = members["object"] else {
            throw WireError(.malformed, "a watch event in JSON has no type or no object")
        }
        return try self.event(String(decoding: type.dropFirst().dropLast(), as: UTF8.self)) { _ in object }
    }

    // MARK: Events

    /// `content` gives the object's bytes without envelope, if it is of the type it is asked for.
    private mutating func event(
        _ type: String,
        _ content: (ObjectType) throws(WireError) -> ArraySlice<UInt8>
    ) throws(WireError) -> WatchEvent {
        switch type {
        case "ADDED":
            return .added(try self.conversion.object(self.kind, content(self.kind.objectType), self.format))
        case "MODIFIED":
            return .modified(try self.conversion.object(self.kind, content(self.kind.objectType), self.format))
        case "DELETED":
            let metadata = try self.metadata(content(self.kind.objectType))
            return .deleted(
                try self.conversion.key(of: metadata, self.kind),
                resourceVersion: metadata.resourceVersion
            )
        case "BOOKMARK":
            let metadata = try self.metadata(content(self.kind.objectType))
            return .bookmark(
                resourceVersion: metadata.resourceVersion,
                isInitialEventsEnd: metadata.annotations[Self.initialEventsEnd] == "true"
            )
        case "ERROR":
            let status = try MessageCoding.decode(
                WireStatus.self,
                content(APIStatus.objectType),
                self.format,
                "the Status of a watch"
            )
            return .error(APIStatus(status))
        default:
            return .unrecognized(type: type)
        }
    }

    private func metadata(_ bytes: ArraySlice<UInt8>) throws(WireError) -> WireObjectMeta {
        let what = "the metadata of a \(self.kind.rawValue)"
        return try MessageCoding.decode(WirePartialObjectMetadata.self, bytes, self.format, what).metadata
    }

    private func tooLarge(_ length: Int) -> WireError {
        WireError(
            .tooLarge,
            "an event of \(length) bytes in the watch of \(self.kind.rawValue): "
                + "the limit is \(self.limits.maximumObjectSize)"
        )
    }
}
