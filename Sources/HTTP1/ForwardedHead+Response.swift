package import Bytes

extension ResponseHead {
    /// How the body is framed for the client: as the backend framed it where the client understands that. What has no length is
    /// chunked, or for HTTP/1.0 ends with the connection.
    @inlinable
    public func framing(forMinorVersion minorVersion: UInt8) -> ResponseFraming {
        switch self.framing {
        case .none, .length: self.framing
        case .chunked, .untilClose: minorVersion >= 1 ? .chunked : .untilClose
        }
    }
}

extension ForwardedHead {
    /// What every head may get that it did not bring.
    private static let responseOverhead = 256

    /// Appends the head of a response for a client: HTTP/1.1, without what concerned the backend's connection only, with `Server`
    /// and `Date` where they are missing. Interim responses get nothing.
    /// - Parameters:
    ///   - framing: of what is sent, see ``ResponseHead/framing(forMinorVersion:)``.
    ///   - clientMinorVersion: of the request.
    ///   - keepsAlive: whether the client's connection is used again; not with `untilClose`.
    ///   - extra: whole field lines with their CRLF, `Set-Cookie` for one. May be empty.
    /// - Returns: false when there may not be room; nothing is written then.
    package static func writeResponse(
        _ bytes: Span<UInt8>, _ head: ResponseHead, _ fields: borrowing FieldTable, framing: ResponseFraming,
        clientMinorVersion: UInt8, keepsAlive: Bool, date: HTTPDate, extra: Span<UInt8> = Span(),
        into buffer: inout ByteBuffer
    ) -> Bool {
        guard Self.responseOverhead &+ head.length &+ extra.count <= buffer.space else { return false }

        var removed = FieldSet.hopByHop
        if head.isUpgrade { removed.remove(FieldSet(.upgrade)) }
        // A length of what is never sent would be taken for the next response's (RFC 9110 section 8.6).
        if head.status < 200 || head.status == 204 { removed.formUnion(FieldSet(.contentLength)) }
        if framing != .chunked { removed.formUnion(FieldSet(.trailer)) }

        var runStart = 0
        if _slowPath(head.minorVersion == 0 || bytes[12] != .space) {
            buffer.append("HTTP/1.1 ")
            buffer.append(bytes, ByteRange(start: 9, count: 3))
            buffer.append(.space)
            buffer.append(bytes, head.reason)
            buffer.append("\r\n")
            runStart = head.fieldsStart
        }
        if fields.hasDropped || !fields.presence.isDisjoint(with: removed) {
            for index in 0..<fields.count {
                let line = fields[index]
                guard line.isDropped || removed.contains(line.field) else { continue }
                let end = line.name.lowerBound
                if end > runStart { buffer.append(bytes, ByteRange(start: runStart, count: end &- runStart)) }
                runStart = Int(line.end)
            }
        }
        let end = head.length &- 2
        if end > runStart { buffer.append(bytes, ByteRange(start: runStart, count: end &- runStart)) }

        Self.writeFraming(framing, fields, removed: removed, bytes, into: &buffer)
        if head.isUpgrade {
            buffer.append("Connection: upgrade\r\n")
        } else if head.status >= 200 {
            if !keepsAlive {
                buffer.append("Connection: close\r\n")
            } else if clientMinorVersion == 0 {
                buffer.append("Connection: keep-alive\r\n")
            }
            if !fields.presence.contains(.server) { buffer.append("Server: fairlead\r\n") }
            if !fields.presence.contains(.date) {
                buffer.append("Date: ")
                date.write(into: &buffer)
                buffer.append("\r\n")
            }
        }
        if extra.count > 0 { buffer.append(extra) }
        buffer.append("\r\n")
        return true
    }

    @inline(always)
    private static func writeFraming(
        _ framing: ResponseFraming, _ fields: borrowing FieldTable, removed: FieldSet, _ bytes: Span<UInt8>,
        into buffer: inout ByteBuffer
    ) {
        if framing == .chunked {
            buffer.append("Transfer-Encoding: chunked\r\n")
        } else if fields.hasDropped, !removed.contains(.contentLength), let index = fields.index(of: .contentLength),
            fields[index].isDropped
        {
            // It had leading zeros.
            var digits = fields[index].value
            while digits.count > 1, bytes[digits.lowerBound] == 0x30 {
                digits.start &+= 1
                digits.count &-= 1
            }
            buffer.append("Content-Length: ")
            buffer.append(bytes, digits)
            buffer.append("\r\n")
        }
    }
}
