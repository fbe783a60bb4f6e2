public import Bytes

/// Which fields tell a backend about the client.
@frozen
public struct ForwardedFields: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public var rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static var xForwardedFor: ForwardedFields { ForwardedFields(rawValue: 1) }
    public static var xForwardedHost: ForwardedFields { ForwardedFields(rawValue: 2) }
    public static var xForwardedPort: ForwardedFields { ForwardedFields(rawValue: 4) }
    public static var xForwardedProto: ForwardedFields { ForwardedFields(rawValue: 8) }
    public static var xForwardedScheme: ForwardedFields { ForwardedFields(rawValue: 16) }
    public static var xScheme: ForwardedFields { ForwardedFields(rawValue: 32) }
    public static var xRealIP: ForwardedFields { ForwardedFields(rawValue: 64) }
    public static var xRequestID: ForwardedFields { ForwardedFields(rawValue: 128) }
    /// RFC 7239.
    public static var forwarded: ForwardedFields { ForwardedFields(rawValue: 256) }

    /// What ingress-nginx sends: all but `Forwarded`.
    public static var `default`: ForwardedFields { ForwardedFields(rawValue: 255) }
}

/// What requests of one connection are forwarded with. Made once for a listener and whether the peer is trusted.
@frozen
public struct Forwarding: BitwiseCopyable, Hashable, Sendable {
    public let fields: ForwardedFields
    /// The peer is a proxy whose word counts: what it says of the client is kept, and added to. Of anybody else it is removed.
    public let isTrusted: Bool
    /// The client came over TLS.
    public let isSecure: Bool
    /// The port that the client came to.
    public let port: UInt16
    /// Fields that are not copied.
    @usableFromInline let removed: FieldSet

    public init(fields: ForwardedFields = .default, isTrusted: Bool, isSecure: Bool, port: UInt16) {
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
public struct RequestID: BitwiseCopyable, Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Needs 32 bytes of space.
    public func write(into buffer: inout ByteBuffer) {
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
