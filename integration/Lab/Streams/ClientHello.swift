/// The first message of a TLS client (RFC 8446 section 4.1.2), made by hand: whole, in pieces, or damaged. No handshake comes of
/// it; for that there is ``Host/handshake(with:name:_:)``.
package struct ClientHello: Sendable, Hashable {
    /// For SNI (RFC 6066 section 3); nil leaves the extension out.
    package var serverName: String?
    /// Protocols of ALPN (RFC 7301), in order; empty leaves it out.
    package var protocols: [String] = []
    /// Bytes of the padding extension (RFC 7685), in front of SNI; 0 leaves it out. Up to 65,535 less the rest.
    package var padding = 0

    package init(serverName: String?, protocols: [String] = [], padding: Int = 0) {
        self.serverName = serverName
        self.protocols = protocols
        self.padding = padding
    }

    /// The handshake message with its header of four bytes.
    package var message: [UInt8] {
        var extensions: [UInt8] = []
        func add(_ type: UInt16, _ content: [UInt8]) {
            extensions += type.bigEndianBytes + Self.vector16(content)
        }
        // GREASE (RFC 8701), as browsers send it first.
        add(0x1a1a, [])
        if self.padding > 0 { add(21, [UInt8](repeating: 0, count: self.padding)) }
        if !self.protocols.isEmpty {
            add(16, Self.vector16(self.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }))
        }
        if let name = self.serverName { add(0, Self.vector16([0] + Self.vector16(Array(name.utf8)))) }
        // supported_groups x25519 and secp256r1, ec_point_formats, signature_algorithms ecdsa_secp256r1_sha256 and
        // rsa_pss_rsae_sha256, supported_versions TLS 1.3 and 1.2, key_share without one: the server is to ask.
        add(10, Self.vector16([0, 0x1d, 0, 0x17]))
        add(11, [1, 0])
        add(13, Self.vector16([4, 3, 8, 4]))
        add(43, [4, 3, 4, 3, 3])
        add(51, [0, 0])
        let random = [UInt8](repeating: 0x5a, count: 32)
        let suites: [UInt8] = [0x13, 0x01, 0xc0, 0x2b]
        let body = [3, 3] + random + [0] + Self.vector16(suites) + [1, 0] + Self.vector16(extensions)
        return [1, UInt8(body.count >> 16)] + UInt16(truncatingIfNeeded: body.count).bigEndianBytes + body
    }

    /// As it is sent: in records of at most `recordLimit` bytes of the message each (RFC 8446 section 5.1 allows any cut).
    package func bytes(recordLimit: Int = 16_384) -> [UInt8] {
        let message = self.message
        return stride(from: 0, to: message.count, by: recordLimit).flatMap { start in
            [22, 3, 1] + Self.vector16(Array(message[start..<min(start + recordLimit, message.count)]))
        }
    }

    private static func vector16(_ content: [UInt8]) -> [UInt8] {
        UInt16(truncatingIfNeeded: content.count).bigEndianBytes + content
    }
}
