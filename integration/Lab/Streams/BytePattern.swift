/// Bytes that tell their place in a stream: whoever reads them knows at once if one is missing, doubled, foreign or out of
/// order, wherever the stream was cut.
package struct BytePattern: Sendable, Hashable {
    /// A prime, so that no power of two, as sizes of buffers are, is a multiple of the period.
    private static let period = 65_521
    /// So many bytes are compared or copied in one go, which are contiguous in the table.
    private static let reach = 16 << 10

    private static let table: [UInt8] = {
        var generator = SeededGenerator(seed: 7)
        let once = (0..<Self.period).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return once + once[..<Self.reach]
    }()

    /// Streams of different numbers differ from their first bytes on.
    package let number: Int

    package init(_ number: Int = 0) { self.number = number }

    /// The bytes of a stream from `offset` on.
    package func bytes(from offset: Int, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            bytes += self.piece(at: offset + bytes.count, atMost: count - bytes.count)
        }
        return bytes
    }

    /// The place in the stream of the first of `bytes` that is not what it has to be; nil if all are.
    package func firstDifference(in bytes: ArraySlice<UInt8>, from offset: Int) -> Int? {
        var bytes = bytes
        var offset = offset
        while !bytes.isEmpty {
            let expected = self.piece(at: offset, atMost: bytes.count)
            if !bytes.prefix(expected.count).elementsEqual(expected) {
                return zip(bytes, expected).enumerated().first { $0.element.0 != $0.element.1 }.map {
                    offset + $0.offset
                }
            }
            offset += expected.count
            bytes = bytes.dropFirst(expected.count)
        }
        return nil
    }

    /// What stands in the table for a place. Each turn through the table starts elsewhere, so that the loss of a whole turn shows.
    private func piece(at offset: Int, atMost count: Int) -> ArraySlice<UInt8> {
        let (turn, place) = offset.quotientAndRemainder(dividingBy: Self.period)
        let start = (place + turn * 4_099 + self.number * 257) % Self.period
        let count = min(count, Self.reach, Self.period - place)
        return Self.table[start..<start + count]
    }
}
