/// Walks the fields of one protobuf message without decoding them
/// (protobuf.dev/programming-guides/encoding).
///
/// For what wraps objects, the envelope, lists and watch events: their fields are the objects' bytes, which
/// the generated code would copy once for each wrapping.
struct ProtobufFields {
    /// A field and where its value is. Numbers are read past: no field that is looked for has one.
    struct Field {
        let number: UInt64
        /// The content of a length-delimited field; empty for numbers.
        let content: ArraySlice<UInt8>
        let isLengthDelimited: Bool
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    /// nil at the end.
    mutating func next() throws(WireError) -> Field? {
        guard !self.rest.isEmpty else { return nil }
        guard let head = try FieldHead.read(self.rest) else { throw Self.truncated }
        let content = self.rest.dropFirst(head.length)
        guard content.count >= head.contentLength else { throw Self.truncated }
        self.rest = content.dropFirst(head.contentLength)
        return Field(
            number: head.number,
            content: content.prefix(head.contentLength),
            isLengthDelimited: head.isLengthDelimited
        )
    }

    private static let truncated = WireError(.truncated, "a protobuf field is longer than its message")

    /// What is before a field's content.
    struct FieldHead {
        let number: UInt64
        /// Bytes of the head itself: the tag and, where there is one, the length.
        let length: Int
        let contentLength: Int
        let isLengthDelimited: Bool

        /// nil if the bytes end in it.
        static func read(_ bytes: ArraySlice<UInt8>) throws(WireError) -> FieldHead? {
            guard let tag = try Varint.read(bytes) else { return nil }
            let number = tag.value >> 3
            guard number > 0, number < 1 << 29 else { throw WireError(.malformed, "a protobuf field has no number") }
            func head(_ contentLength: Int, lengthBytes: Int = 0, isLengthDelimited: Bool = false) -> FieldHead {
                FieldHead(
                    number: number,
                    length: tag.length + lengthBytes,
                    contentLength: contentLength,
                    isLengthDelimited: isLengthDelimited
                )
            }
            switch tag.value & 7 {
            case 0:
                guard let varint = try Varint.read(bytes.dropFirst(tag.length)) else { return nil }
                return head(varint.length)
            case 1: return head(8)
            case 5: return head(4)
            case 2:
                guard let count = try Varint.read(bytes.dropFirst(tag.length)) else { return nil }
                // As protobuf itself limits messages.
                guard count.value < 1 << 31 else { throw WireError(.malformed, "a protobuf field is over 2 GiB long") }
                return head(Int(count.value), lengthBytes: count.length, isLengthDelimited: true)
            default:
                // Groups: the API never had any.
                throw WireError(.malformed, "protobuf wire type \(tag.value & 7) is not used by the Kubernetes API")
            }
        }
    }

    struct Varint {
        let value: UInt64
        /// Bytes of it.
        let length: Int

        /// nil if the bytes end in it.
        static func read(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Varint? {
            var value: UInt64 = 0
            for (index, byte) in bytes.prefix(10).enumerated() {
                value |= UInt64(byte & 0x7f) << UInt64(7 * index)
                if byte < 0x80 { return Varint(value: value, length: index + 1) }
            }
            guard bytes.count < 10 else { throw WireError(.malformed, "a protobuf number is over 10 bytes long") }
            return nil
        }

        static func append(_ value: Int, to bytes: inout [UInt8]) {
            var rest = UInt64(value)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        }
    }
}
