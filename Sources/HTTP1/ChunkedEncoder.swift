public import Bytes

/// Chunks as they are forwarded (RFC 9112 section 7.1): without extensions, and sized as the bytes are at hand.
///
///     writeSize, the data, writeDataEnd, ..., writeLastChunk, writeTrailer..., writeEnd
public enum ChunkedEncoder {
    /// The most that ``writeSize(_:into:)`` and ``writeDataEnd(into:)`` add to a chunk's data.
    public static let overhead = 20

    /// - Parameter count: bytes of data, at least one.
    /// - Returns: false when it does not fit; nothing is written then. The same below.
    @inlinable
    public static func writeSize(_ count: Int, into buffer: inout ByteBuffer) -> Bool {
        precondition(count > 0)
        guard buffer.space >= 18 else { return false }
        buffer.append(hex: UInt64(count))
        buffer.append("\r\n")
        return true
    }

    @inlinable
    public static func writeDataEnd(into buffer: inout ByteBuffer) -> Bool {
        guard buffer.space >= 2 else { return false }
        buffer.append("\r\n")
        return true
    }

    /// A chunk with `range` of `bytes`, or as much of it as fits.
    /// - Returns: how many of the bytes were written.
    @inlinable
    public static func writeChunk(_ bytes: Span<UInt8>, _ range: ByteRange, into buffer: inout ByteBuffer) -> Int {
        let count = min(Int(range.count), buffer.space - Self.overhead)
        guard count > 0 else { return 0 }
        buffer.append(hex: UInt64(count))
        buffer.append("\r\n")
        buffer.append(bytes, ByteRange(start: range.lowerBound, count: count))
        buffer.append("\r\n")
        return count
    }

    /// Ends the data; a trailer section follows.
    public static func writeLastChunk(into buffer: inout ByteBuffer) -> Bool {
        guard buffer.space >= 3 else { return false }
        buffer.append("0\r\n")
        return true
    }

    /// - Parameter line: of ``ChunkedStep/Event/trailer(_:)``, with the bytes that were given for that step.
    public static func writeTrailer(
        _ bytes: Span<UInt8>, _ line: FieldLine, into buffer: inout ByteBuffer
    ) -> Bool {
        guard !line.isDropped else { return true }
        guard buffer.space >= Int(line.name.count) + Int(line.value.count) + 4 else { return false }
        buffer.append(bytes, line.name)
        buffer.append(": ")
        buffer.append(bytes, line.value)
        buffer.append("\r\n")
        return true
    }

    /// Ends the trailer section, and with it the body.
    public static func writeEnd(into buffer: inout ByteBuffer) -> Bool { Self.writeDataEnd(into: &buffer) }
}
