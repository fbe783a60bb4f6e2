internal import Networking

/// What a header of the PROXY protocol, version 2, says (HAProxy's proxy-protocol.txt, section 2.2), read as strictly as the
/// text can be read: the balancer's own reader is another one.
package struct ProxyHeader: Sendable, Hashable {
    /// Who connected, and to what; nil for LOCAL, where the connection is the sender's own.
    package let source: SocketAddress?
    package let destination: SocketAddress?
    /// Types of the extensions (TLVs), in order.
    package let extensions: [UInt8]

    package static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    /// Takes the header from the front of `bytes`; nil while it is not whole. Throws ``LabError`` for everything that is none.
    package static func take(from bytes: inout [UInt8]) throws -> ProxyHeader? {
        guard bytes.prefix(12).elementsEqual(self.signature.prefix(bytes.count)) else {
            throw LabError("no PROXY header of version 2: \(bytes.prefix(16))")
        }
        guard bytes.count >= 16 else { return nil }
        let end = 16 + Int(UInt16(bigEndianBytes: bytes[14..<16]))
        guard bytes.count >= end else { return nil }
        let header = try ProxyHeader(bytes[..<end])
        bytes.removeFirst(end)
        return header
    }

    private init(_ bytes: ArraySlice<UInt8>) throws {
        guard bytes[12] >> 4 == 2 else { throw LabError("PROXY version \(bytes[12] >> 4)") }
        let isLocal = bytes[12] & 15 == 0
        guard isLocal || bytes[12] & 15 == 1 else { throw LabError("PROXY command \(bytes[12] & 15)") }
        var rest = bytes.dropFirst(16)
        if isLocal {
            // Whoever sends LOCAL should say UNSPEC; whoever reads has to skip what follows.
            guard bytes[13] == 0 else { throw LabError("PROXY LOCAL of family and protocol \(bytes[13])") }
            (self.source, self.destination, rest) = (nil, nil, [])
        } else {
            // AF_INET or AF_INET6 in the upper half, STREAM in the lower.
            guard bytes[13] == 0x11 || bytes[13] == 0x21 else {
                throw LabError("PROXY family and protocol \(bytes[13])")
            }
            let length = bytes[13] == 0x11 ? 4 : 16
            guard rest.count >= 2 * length + 4, let from = IPAddress(bytes: rest.prefix(length)),
                let to = IPAddress(bytes: rest.dropFirst(length).prefix(length))
            else { throw LabError("PROXY addresses of \(rest.count) bytes") }
            rest = rest.dropFirst(2 * length)
            let ports = [rest.prefix(2), rest.dropFirst(2).prefix(2)].map { UInt16(bigEndianBytes: $0) }
            self.source = SocketAddress(from, ports[0])
            self.destination = SocketAddress(to, ports[1])
            rest = rest.dropFirst(4)
        }
        var extensions: [UInt8] = []
        while let type = rest.first {
            guard rest.count >= 3 else { throw LabError("PROXY extension of \(rest.count) bytes") }
            let length = Int(UInt16(bigEndianBytes: rest.dropFirst().prefix(2)))
            guard rest.count >= 3 + length else { throw LabError("PROXY extension \(type) is cut off") }
            extensions.append(type)
            rest = rest.dropFirst(3 + length)
        }
        self.extensions = extensions
    }

    /// A header as a sender makes it, to try out readers.
    package static func bytes(from source: SocketAddress, to destination: SocketAddress, extensions: [UInt8] = [])
        -> [UInt8]
    {
        let isIPv4 = source.address.family == .ipv4
        let body =
            source.address.bytes + destination.address.bytes + source.port.bigEndianBytes
            + destination.port.bigEndianBytes + extensions
        return self.signature + [0x21, isIPv4 ? 0x11 : 0x21] + UInt16(body.count).bigEndianBytes + body
    }
}
