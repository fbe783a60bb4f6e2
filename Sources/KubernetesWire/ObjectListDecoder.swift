package import KubernetesAPI
internal import KubernetesMessages

/// Decodes a list as its bytes arrive, so that in protobuf no more of it is held than one object.
///
/// Feed it with ``append(_:)``, which returns the objects that are complete, and end with ``finish()``.
package struct ObjectListDecoder: Sendable {
    /// Where in a list in protobuf the next byte is.
    private enum Place: Sendable {
        case magic
        /// Among the fields of the envelope.
        case envelope
        /// Among the fields of the list, of which so many bytes are to come.
        case list(Int)
    }

    /// Field numbers of every list of the API.
    private enum Field {
        static let metadata: UInt64 = 1
        static let items: UInt64 = 2
    }

    private let kind: ObjectKind
    private let format: WireFormat
    private let limits: WireLimits
    private var conversion: Conversion
    @usableFromInline var buffer = InputBuffer()
    private var place = Place.magic
    private var type: ObjectType?
    private var hasContent = false
    private var list = ObjectList()

    /// `strings`: from the page before, so that the names of nodes and zones are held once.
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

    /// For the next page, and for the watch that follows.
    package var strings: StringPool { self.conversion.strings }

    /// The objects that these bytes complete. In JSON there are none before ``finish()``.
    @inlinable
    package mutating func append(_ bytes: some Collection<UInt8>) throws(WireError) -> [DecodedObject] {
        self.buffer.append(bytes)
        return try self.completeObjects()
    }

    @usableFromInline
    mutating func completeObjects() throws(WireError) -> [DecodedObject] {
        guard self.format == .protobuf else {
            guard self.buffer.count <= self.limits.maximumListSize else {
                throw WireError(
                    .tooLarge,
                    "the \(self.kind.listType.kind) is over \(self.limits.maximumListSize) bytes of JSON long"
                )
            }
            return []
        }
        var objects: [DecodedObject] = []
        while try self.step(&objects) {}
        return objects
    }

    /// What the list says of itself, and the objects that ``append(_:)`` did not return.
    package mutating func finish() throws(WireError) -> ObjectList {
        if self.format == .json { return try self.conversion.list(self.kind, json: self.buffer.bytes) }
        guard case .envelope = self.place, self.buffer.count == 0, self.hasContent else {
            throw WireError(.truncated, "the \(self.kind.listType.kind) ended in the middle")
        }
        guard self.type == self.kind.listType else { throw self.unexpected(self.type) }
        return self.list
    }

    /// Decodes the next part; false if more bytes are needed for it.
    private mutating func step(_ objects: inout [DecodedObject]) throws(WireError) -> Bool {
        switch self.place {
        case .magic:
            guard self.buffer.count >= Envelope.magic.count else { return false }
            guard self.buffer.bytes.starts(with: Envelope.magic) else { throw Envelope.noMagic }
            self.buffer.consume(Envelope.magic.count)
            self.place = .envelope
        case .envelope:
            guard let head = try ProtobufFields.FieldHead.read(self.buffer.bytes) else { return false }
            if head.isLengthDelimited, head.number == Envelope.Field.raw {
                // The type comes first, and what is not a list of the kind is not read as one.
                if let type = self.type, type != self.kind.listType { throw self.unexpected(type) }
                self.buffer.consume(head.length)
                self.place = .list(head.contentLength)
                self.hasContent = true
                return true
            }
            guard let content = try self.content(of: head) else { return false }
            if head.isLengthDelimited, head.number == Envelope.Field.typeMeta { self.type = try ObjectType(content) }
            self.buffer.consume(head.length + head.contentLength)
        case .list(0):
            self.place = .envelope
        case .list(let rest):
            guard let head = try ProtobufFields.FieldHead.read(self.buffer.bytes) else {
                guard self.buffer.count < rest else { throw self.overrun }
                return false
            }
            let length = head.length + head.contentLength
            guard length <= rest else { throw self.overrun }
            guard let content = try self.content(of: head) else { return false }
            if head.isLengthDelimited { try self.read(head.number, content, &objects) }
            self.buffer.consume(length)
            self.place = .list(rest - length)
        }
        return true
    }

    private mutating func read(
        _ number: UInt64,
        _ content: ArraySlice<UInt8>,
        _ objects: inout [DecodedObject]
    ) throws(WireError) {
        switch number {
        case Field.metadata:
            self.list = ObjectList(
                try MessageCoding.decode(WireListMeta.self, content, .protobuf, "the list's metadata")
            )
        case Field.items:
            objects.append(try self.conversion.object(self.kind, content, .protobuf))
        default: break
        }
    }

    /// A field's content; nil if it is not all there.
    private func content(of head: ProtobufFields.FieldHead) throws(WireError) -> ArraySlice<UInt8>? {
        guard head.contentLength <= self.limits.maximumObjectSize else {
            throw WireError(
                .tooLarge,
                "an object of \(head.contentLength) bytes in the \(self.kind.listType.kind): "
                    + "the limit is \(self.limits.maximumObjectSize)"
            )
        }
        let content = self.buffer.bytes.dropFirst(head.length).prefix(head.contentLength)
        return content.count == head.contentLength ? content : nil
    }

    private var overrun: WireError {
        WireError(.malformed, "an object in the \(self.kind.listType.kind) is longer than the list")
    }

    private func unexpected(_ type: ObjectType?) -> WireError {
        WireError(
            .unexpectedKind,
            "\(type?.description ?? "nothing") came where \(self.kind.listType) was asked for"
        )
    }
}

extension ObjectList {
    /// A whole list at once.
    package init(
        decoding bytes: [UInt8],
        kind: ObjectKind,
        format: WireFormat,
        limits: WireLimits = WireLimits()
    ) throws(WireError) {
        var decoder = ObjectListDecoder(kind: kind, format: format, limits: limits)
        let objects = try decoder.append(bytes)
        self = try decoder.finish()
        self.objects = objects + self.objects
    }
}
