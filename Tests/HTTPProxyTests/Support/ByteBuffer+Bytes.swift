import Bytes

extension ByteBuffer {
    /// A copy of what is readable.
    var bytes: [UInt8] { self.bytes(0..<self.count) }

    func bytes(_ range: Range<Int>) -> [UInt8] {
        let span = self.readable
        return range.map { span[$0] }
    }

    mutating func append(bytes: ArraySlice<UInt8>) { self.append(bytes.span) }
}
