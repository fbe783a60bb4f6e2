package import Bytes

/// Which fields tell a backend about the client.
@frozen
package struct ForwardedFields: OptionSet, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt16

    @inlinable
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static var xForwardedFor: ForwardedFields { ForwardedFields(rawValue: 1) }
    package static var xForwardedHost: ForwardedFields { ForwardedFields(rawValue: 2) }
    package static var xForwardedPort: ForwardedFields { ForwardedFields(rawValue: 4) }
    package static var xForwardedProto: ForwardedFields { ForwardedFields(rawValue: 8) }
    package static var xForwardedScheme: ForwardedFields { ForwardedFields(rawValue: 16) }
    package static var xScheme: ForwardedFields { ForwardedFields(rawValue: 32) }
    package static var xRealIP: ForwardedFields { ForwardedFields(rawValue: 64) }
    package static var xRequestID: ForwardedFields { ForwardedFields(rawValue: 128) }
    /// RFC 7239.
    package static var forwarded: ForwardedFields { ForwardedFields(rawValue: 256) }

    /// What ingress-nginx sends: all but `Forwarded`.
    package static var `default`: ForwardedFields { ForwardedFields(rawValue: 255) }
}

/// What requests of one connection are forwarded with. Made once for a listener and whether the peer is trusted.
@frozen
package struct Forwarding: BitwiseCopyable, Hashable, Sendable {
    package let fields: ForwardedFields
    /// The peer is a proxy whose word counts: what it says of the client is kept, and added to. Of anybody else it is removed.
    package let isTrusted: Bool
    /// The client came over TLS.
    package let isSecure: Bool
    /// The port that the client came to.
    package let port: UInt16
    /// Fields that are not copied.
    @usableFromInline let removed: FieldSet

    package init(fields: ForwardedFields = .default, isTrusted: Bool, isSecure: Bool, port: UInt16) {
        self.fields = fields
        self.isTrusted = isTrusted
        self.isSecure = isSecure
        self.port = port
        var removed = FieldSet.hopByHop.union(FieldSet(.expect))
        if isTrusted {
            // Written anew with what was there.
            if fields.contains(.xForwardedFor) { removed.formUnion(FieldSet(.xForwardedFor)) }
            if fields.contains(.forwarded) { removed.formUnion(FieldSet(.forwarded)) }
        } else {
            for field: KnownField in [
                .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xForwardedScheme,
                .xForwardedOther, .xScheme, .xRealIP, .xRequestID, .xOriginal, .xRewrite, .clientIdentity,
            ] {
                removed.formUnion(FieldSet(field))
            }
        }
        self.removed = removed
    }
}

/// Names a request in logs and to its backend: 128 random bits, written as 32 hexadecimal digits.
@frozen
package struct RequestID: BitwiseCopyable, Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    @inlinable
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Needs 32 bytes of space.
    package func write(into buffer: inout ByteBuffer) {
        var text = InlineArray<32, UInt8>(repeating: 0)
        var index = 0
        let halves: InlineArray<4, UInt64> = [self.high >> 32, self.high, self.low >> 32, self.low]
        for half in halves.indices {
            let digits = Word.hexDigits(UInt32(truncatingIfNeeded: halves[half]))
            for byte in 0..<8 { text[index &+ byte] = UInt8(truncatingIfNeeded: digits.bits >> UInt64(byte &* 8)) }
            index &+= 8
        }
        buffer.append(text.span)
    }
}
