package import Bytes

/// Unsafe invariant of this file: memory that a buffer lends is copied within the call.
extension ByteBuffer {
    /// A copy of what is readable.
    package var bytes: [UInt8] { unsafe self.withReadable { unsafe Array($0) } }

    package func bytes(_ range: Range<Int>) -> [UInt8] { unsafe self.withReadable { unsafe Array($0[range]) } }

    package mutating func append(bytes: ArraySlice<UInt8>) { self.append(bytes.span) }
}
