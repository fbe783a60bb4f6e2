package import Bytes

/// Heads as they are sent on. Field lines that need no change are copied as they came, as many at once as lie side by side.
package enum ForwardedHead {
    /// What every head may get that it did not bring, but for texts of unknown length.
    private static let requestOverhead = 640

    /// Appends the head of a request for a backend: HTTP/1.1, origin form, without what concerned the client's connection
    /// only, with what the backend is to know of the client.
    /// - Parameters:
    ///   - path: with `scratch`, what ``PathNormalizer`` made of the head's path. Not refused.
    ///   - peer: the client's address as text, without port.
    ///   - defaultHost: for HTTP/1.0 clients that do not say whom they mean. May be empty.
    ///   - extra: whole field lines with their CRLF. May be empty.
    ///   - upgrades: whether the head's ``RequestHead/upgrade`` is passed on.
    ///   - forwardsExpectation: whether the backend is asked for `100 Continue`.
    /// - Returns: false when there may not be room; nothing is written then.
    package static func writeRequest(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ fields: borrowing FieldTable, path: NormalPath,
        scratch: Span<UInt8>, forwarding: Forwarding, peer: Span<UInt8>, requestID: RequestID,
        defaultHost: Span<UInt8> = Span(), extra: Span<UInt8> = Span(), upgrades: Bool = true,
        forwardsExpectation: Bool = false, into buffer: inout ByteBuffer
    ) -> Bool {
        let host = head.authority.text
        let needed =
            Self.requestOverhead &+ head.length &+ scratch.count &+ 2 &* Int(host.count) &+ defaultHost.count
            &+ 3 &* peer.count &+ extra.count
        guard needed <= buffer.space else { return false }

        var removed = forwarding.removed
        var runStart: Int
        if case .unchanged = path, head.form == .origin, head.minorVersion == 1 {
            // The request line is as it has to be.
            runStart = head.methodName.lowerBound
        } else {
            Self.writeRequestLine(bytes, head, path, scratch: scratch, into: &buffer)
            runStart = fields.count > 0 ? fields[0].name.lowerBound : head.length &- 2
            // The target's authority stands before that of the field (RFC 9112 section 3.2.2); an empty field stays as it is.
            if head.form != .origin && head.authority.kind != .none || !fields.presence.contains(.host) {
                removed.formUnion(FieldSet(.host))
                buffer.append("Host: ")
                if head.authority.kind == .none { buffer.append(defaultHost) } else { buffer.append(bytes, host) }
                buffer.append("\r\n")
            }
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

        Self.writeFraming(head.framing, fields, into: &buffer)
        if head.acceptsTrailers || head.upgrade != .none || head.expectsContinue {
            Self.writeConnection(
                bytes, head, fields, upgrades: upgrades, forwardsExpectation: forwardsExpectation, into: &buffer)
        }
        if forwarding.isTrusted {
            Self.writeTrusted(bytes, head, fields, forwarding, peer: peer, requestID: requestID, into: &buffer)
        } else {
            Self.writeForwarded(
                bytes, head, forwarding, forwarding.fields, peer: peer, requestID: requestID, into: &buffer)
        }
        if extra.count > 0 { buffer.append(extra) }
        buffer.append("\r\n")
        return true
    }

    @inline(never)
    private static func writeRequestLine(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ path: NormalPath, scratch: Span<UInt8>,
        into buffer: inout ByteBuffer
    ) {
        buffer.append(bytes, head.methodName)
        buffer.append(.space)
        switch path {
        case .unchanged(let range): buffer.append(bytes, range)
        case .rewritten(let range): buffer.append(scratch, range)
        case .refused: preconditionFailure("a refused path is not forwarded")
        }
        buffer.append(bytes, head.query)
        buffer.append(" HTTP/1.1\r\n")
    }

    @inline(always)
    private static func writeFraming(
        _ framing: RequestFraming, _ fields: borrowing FieldTable, into buffer: inout ByteBuffer
    ) {
        if framing == .chunked {
            buffer.append("Transfer-Encoding: chunked\r\n")
        } else if fields.hasDropped, let index = fields.index(of: .contentLength), fields[index].isDropped {
            // It had leading zeros.
            var length: UInt64 = 0
            if case .length(let count) = framing { length = count }
            Self.writeContentLength(length, into: &buffer)
        }
    }

    static func writeContentLength(_ length: UInt64, into buffer: inout ByteBuffer) {
        buffer.append("Content-Length: ")
        buffer.append(decimal: length)
        buffer.append("\r\n")
    }

    @inline(never)
    private static func writeConnection(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ fields: borrowing FieldTable, upgrades: Bool,
        forwardsExpectation: Bool, into buffer: inout ByteBuffer
    ) {
        if head.expectsContinue, forwardsExpectation { buffer.append("Expect: 100-continue\r\n") }
        let upgrades = upgrades && head.upgrade != .none
        if head.acceptsTrailers {
            // Whoever sends TE says that it is for this connection (RFC 9110 section 10.1.4).
            buffer.append(
                upgrades ? "TE: trailers\r\nConnection: te, upgrade\r\n" : "TE: trailers\r\nConnection: te\r\n")
        } else if upgrades {
            buffer.append("Connection: upgrade\r\n")
        }
        guard upgrades else { return }
        if head.upgrade == .webSocket {
            buffer.append("Upgrade: websocket\r\n")
        } else {
            buffer.append("Upgrade: ")
            buffer.append(bytes, fields[Int(head.upgradeField)].value)
            buffer.append("\r\n")
        }
    }

    // MARK: - About the client

    /// What this proxy says itself.
    @inline(always)
    private static func writeForwarded(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ forwarding: Forwarding, _ fields: ForwardedFields,
        peer: Span<UInt8>, requestID: RequestID, into buffer: inout ByteBuffer
    ) {
        if fields.contains(.xForwardedFor) {
            buffer.append("X-Forwarded-For: ")
            buffer.append(peer)
            buffer.append("\r\n")
        }
        if fields.contains(.xForwardedHost), !head.authority.text.isEmpty {
            buffer.append("X-Forwarded-Host: ")
            buffer.append(bytes, head.authority.text)
            buffer.append("\r\n")
        }
        if fields.contains(.xForwardedPort) {
            buffer.append("X-Forwarded-Port: ")
            buffer.append(decimal: UInt64(forwarding.port))
            buffer.append("\r\n")
        }
        if fields.contains(.xForwardedProto) {
            buffer.append(forwarding.isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
        }
        if fields.contains(.xForwardedScheme) {
            buffer.append(forwarding.isSecure ? "X-Forwarded-Scheme: https\r\n" : "X-Forwarded-Scheme: http\r\n")
        }
        if fields.contains(.xScheme) {
            buffer.append(forwarding.isSecure ? "X-Scheme: https\r\n" : "X-Scheme: http\r\n")
        }
        if fields.contains(.xRealIP) {
            buffer.append("X-Real-IP: ")
            buffer.append(peer)
            buffer.append("\r\n")
        }
        if fields.contains(.xRequestID) {
            buffer.append("X-Request-ID: ")
            requestID.write(into: &buffer)
            buffer.append("\r\n")
        }
        if fields.contains(.forwarded) {
            buffer.append("Forwarded: ")
            Self.writeForwardedElement(bytes, head, forwarding, peer: peer, into: &buffer)
            buffer.append("\r\n")
        }
    }

    /// Adds to what a trusted peer said, and says what it did not.
    @inline(never)
    private static func writeTrusted(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ table: borrowing FieldTable, _ forwarding: Forwarding,
        peer: Span<UInt8>, requestID: RequestID, into buffer: inout ByteBuffer
    ) {
        var missing = forwarding.fields
        let presence = table.presence
        if presence.contains(.xForwardedHost) { missing.remove(.xForwardedHost) }
        if presence.contains(.xForwardedPort) { missing.remove(.xForwardedPort) }
        if presence.contains(.xForwardedProto) { missing.remove(.xForwardedProto) }
        if presence.contains(.xForwardedScheme) { missing.remove(.xForwardedScheme) }
        if presence.contains(.xScheme) { missing.remove(.xScheme) }
        if presence.contains(.xRealIP) { missing.remove(.xRealIP) }
        if presence.contains(.xRequestID) { missing.remove(.xRequestID) }
        if missing.contains(.xForwardedFor), presence.contains(.xForwardedFor) {
            missing.remove(.xForwardedFor)
            buffer.append("X-Forwarded-For: ")
            Self.writeValues(of: .xForwardedFor, bytes, table, into: &buffer)
            buffer.append(peer)
            buffer.append("\r\n")
        }
        if missing.contains(.forwarded), presence.contains(.forwarded) {
            missing.remove(.forwarded)
            buffer.append("Forwarded: ")
            Self.writeValues(of: .forwarded, bytes, table, into: &buffer)
            Self.writeForwardedElement(bytes, head, forwarding, peer: peer, into: &buffer)
            buffer.append("\r\n")
        }
        Self.writeForwarded(bytes, head, forwarding, missing, peer: peer, requestID: requestID, into: &buffer)
    }

    /// All values of a field, each with the comma that separates it from the next.
    private static func writeValues(
        of field: KnownField, _ bytes: Span<UInt8>, _ table: borrowing FieldTable, into buffer: inout ByteBuffer
    ) {
        for index in 0..<table.count where table[index].field == field && !table[index].value.isEmpty {
            buffer.append(bytes, table[index].value)
            buffer.append(", ")
        }
    }

    /// `for=192.0.2.1;host="shop.example";proto=https` (RFC 7239 section 4). A host has nothing that needs a backslash.
    private static func writeForwardedElement(
        _ bytes: Span<UInt8>, _ head: RequestHead, _ forwarding: Forwarding, peer: Span<UInt8>,
        into buffer: inout ByteBuffer
    ) {
        var isIPv6 = false
        for index in 0..<peer.count where peer[index] == .colon { isIPv6 = true }
        buffer.append(isIPv6 ? "for=\"[" : "for=")
        buffer.append(peer)
        if isIPv6 { buffer.append("]\"") }
        if !head.authority.text.isEmpty {
            buffer.append(";host=\"")
            buffer.append(bytes, head.authority.text)
            buffer.append("\"")
        }
        buffer.append(forwarding.isSecure ? ";proto=https" : ";proto=http")
    }
}
