package import Bytes

/// What a proxy has to know of gRPC over HTTP/2: how its requests are told from others, and that its clients look at `grpc-status`.
///
/// Source: gRPC's `PROTOCOL-HTTP2.md` and `http-grpc-status-mapping.md`.
package enum GRPC {
    /// Whether a request is a call: by the beginning of its `content-type`.
    package static func isCall(_ bytes: Span<UInt8>, _ fields: borrowing FieldTable) -> Bool {
        for index in 0..<fields.count where fields[index].name.count == 12 {
            let line = fields[index]
            guard line.value.count >= 16, Self.has("content-type", bytes, at: line.name.lowerBound) else { continue }
            return Self.has("application/grpc", bytes, at: line.value.lowerBound)
        }
        return false
    }

    /// How long the client of a call waits for its answer, in milliseconds and no less; nil without end, and where that cannot be
    /// read.
    package static func timeout(_ bytes: Span<UInt8>, _ fields: borrowing FieldTable) -> UInt64? {
        for index in 0..<fields.count where fields[index].name.count == 12 {
            let line = fields[index]
            guard Self.has("grpc-timeout", bytes, at: line.name.lowerBound) else { continue }
            return Self.milliseconds(bytes.extracting(line.value.indices))
        }
        return nil
    }

    /// At most eight digits and a unit.
    private static func milliseconds(_ text: Span<UInt8>) -> UInt64? {
        guard (2...9).contains(text.count) else { return nil }
        var value: UInt64 = 0
        for index in 0..<text.count - 1 {
            guard (0x30...0x39).contains(text[index]) else { return nil }
            value = value * 10 + UInt64(text[index] - 0x30)
        }
        return switch text[text.count - 1] {
        case UInt8(ascii: "H"): value * 3_600_000
        case UInt8(ascii: "M"): value * 60_000
        case UInt8(ascii: "S"): value * 1_000
        case UInt8(ascii: "m"): value
        case UInt8(ascii: "u"): (value + 999) / 1_000
        case UInt8(ascii: "n"): (value + 999_999) / 1_000_000
        default: nil
        }
    }

    private static func has(_ text: StaticString, _ bytes: Span<UInt8>, at start: Int) -> Bool {
        for index in 0..<text.utf8CodeUnitCount where bytes[start + index] != text.byte(index) { return false }
        return true
    }

    /// Appends the head of an answer of the proxy's own, which is all of it ("Trailers-Only").
    /// - Returns: false when there may not be room; nothing is written then.
    package static func writeAnswer(
        status: UInt8, reason: StaticString, date: HTTPDate, into buffer: inout ByteBuffer
    ) -> Bool {
        guard buffer.space >= ErrorResponse.overhead + 2 * reason.utf8CodeUnitCount else { return false }
        buffer.append("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nServer: fairlead\r\nDate: ")
        date.write(into: &buffer)
        buffer.append("\r\ngrpc-status: ")
        buffer.append(decimal: UInt64(status))
        buffer.append("\r\ngrpc-message: ")
        buffer.append(reason)
        buffer.append("\r\n")
        buffer.append(ErrorResponse.reasonField)
        buffer.append(": ")
        buffer.append(reason)
        buffer.append("\r\n\r\n")
        return true
    }

    /// Appends the trailers of an answer that has begun and cannot be finished.
    package static func writeTrailers(status: UInt8, reason: StaticString, into buffer: inout ByteBuffer) {
        buffer.append("grpc-status: ")
        buffer.append(decimal: UInt64(status))
        buffer.append("\r\ngrpc-message: ")
        buffer.append(reason)
        buffer.append("\r\n")
    }

    package static let deadlineExceeded: UInt8 = 4
    package static let unavailable: UInt8 = 14

    /// The status of a call for that of an answer of HTTP.
    package static func status(for status: UInt16) -> UInt8 {
        switch status {
        // INTERNAL, UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED
        case 400: 13
        case 401: 16
        case 403: 7
        case 404: 12
        // UNAVAILABLE: to be tried again.
        case 429, 502, 503, 504: 14
        // RESOURCE_EXHAUSTED: what is too large stays so.
        case 413, 431: 8
        // UNKNOWN
        default: 2
        }
    }
}
