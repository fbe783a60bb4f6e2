import Bytes

extension ByteBuffer {
    /// A copy of what is readable.
    var bytes: [UInt8] {
        let span = self.readable
        return span.indices.map { span[$0] }
    }

    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    init(_ text: String, capacity: Int = 64) {
        self.init(capacity: capacity)
        self.append(text: text)
    }

    /// Where the readable bytes are: how many were consumed before them, how many they are, how many may follow.
    var layout: [Int] { [self.capacity - self.space - self.count, self.count, self.space] }
}
