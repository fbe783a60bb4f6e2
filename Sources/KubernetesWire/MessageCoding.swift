package import SwiftProtobuf

/// Single messages from and to bytes, with the API server's habits.
package enum MessageCoding {
    /// Unknown fields are dropped: most of an object is.
    private static let binaryOptions: BinaryDecodingOptions = {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        return options
    }()

    private static let jsonReading: JSONDecodingOptions = {
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        return options
    }()

    private static let jsonWriting: JSONEncodingOptions = {
        var options = JSONEncodingOptions()
        options.alwaysPrintInt64sAsNumbers = true
        options.useDeterministicOrdering = true
        return options
    }()

    /// A message without its envelope. `what` names it in errors.
    package static func decode<M: SwiftProtobuf.Message>(
        _ type: M.Type,
        _ bytes: ArraySlice<UInt8>,
        _ format: WireFormat,
        _ what: @autoclosure () -> String
    ) throws(WireError) -> M {
        do {
            switch format {
            case .protobuf: return try M(serializedBytes: Array(bytes), options: Self.binaryOptions)
            case .json: return try M(jsonUTF8Bytes: Array(bytes), options: Self.jsonReading)
            }
        } catch {
            throw WireError(.malformed, "\(what()) is not valid \(format)", cause: "\(error)")
        }
    }

    /// An object with what says its type: the envelope, or the fields `apiVersion` and `kind`.
    package static func encode(
        _ message: some SwiftProtobuf.Message,
        as type: ObjectType,
        _ format: WireFormat
    ) throws(WireError) -> [UInt8] {
        do {
            switch format {
            case .protobuf:
                let content: [UInt8] = try message.serializedBytes()
                return Envelope(type: type, content: content[...]).encoded()
            case .json:
                let fields: [UInt8] = try message.jsonUTF8Bytes(options: Self.jsonWriting)
                let head = #"{"apiVersion":"\#(type.apiVersion)","kind":"\#(type.kind)""#
                // The message is `{}` or `{"name":...}`.
                return Array(head.utf8) + (fields.count > 2 ? [UInt8(ascii: ",")] : []) + fields.dropFirst()
            }
        } catch {
            throw WireError(.malformed, "the \(type.kind) cannot be written as \(format)", cause: "\(error)")
        }
    }

    /// An object with its envelope, if there is one, which is checked.
    package static func decodeObject<M: SwiftProtobuf.Message>(
        _ type: M.Type,
        _ bytes: ArraySlice<UInt8>,
        as expected: ObjectType,
        _ format: WireFormat
    ) throws(WireError) -> M {
        switch format {
        case .json: return try self.decode(type, bytes, .json, "the \(expected.kind)")
        case .protobuf:
            let envelope = try Envelope(bytes)
            guard envelope.type == expected else {
                throw WireError(.unexpectedKind, "\(envelope.type) came where \(expected) was asked for")
            }
            return try self.decode(type, envelope.content, .protobuf, "the \(expected.kind)")
        }
    }
}
