internal import Linux
package import Networking

/// TCP segments made by hand, as a broken or malicious peer would send them.
package enum RawTCP {
    /// Which side of the window a segment is on.
    package enum Side: Sendable, CaseIterable {
        case below, above
    }

    /// Sends the last client of `port` on `host` a segment in the name of the server there, with a valid
    /// acknowledgment and a sequence number far outside of the client's window. `exchange` has to make
    /// the client send something: its segments tell the numbers.
    ///
    /// That is the packet of kubernetes/kubernetes#74839.
    package static func sendOutOfWindow(
        _ side: Side, from host: Host, port: UInt16, _ family: AddressFamily, after exchange: () throws -> Void
    ) throws {
        let socket = try host.run { try Socket(.raw(.tcp), family) }
        try exchange()
        var last: (segment: Segment, peer: IPAddress)?
        while let (bytes, from) = try socket.receiveFrom() {
            let payload = RawPacket.payload(of: bytes, family)
            guard let segment = Segment(payload), let from, segment.destination == port, !segment.isReset else {
                continue
            }
            last = (segment, from.address)
        }
        guard let (segment, peer) = last else { throw LabError("no segment came to port \(port)") }
        let distance: UInt32 = 0x1000_0000
        let reply = Segment(
            source: port, destination: segment.source,
            sequence: side == .above ? segment.acknowledgment &+ distance : segment.acknowledgment &- distance,
            acknowledgment: segment.sequence &+ segment.length)
        let bytes = reply.bytes(from: host.address(family), to: peer)
        _ = try socket.send(bytes[...], to: SocketAddress(peer, 0))
    }

    private struct Segment {
        let source: UInt16
        let destination: UInt16
        let sequence: UInt32
        let acknowledgment: UInt32
        var length: UInt32 = 0
        var isReset = false

        init(source: UInt16, destination: UInt16, sequence: UInt32, acknowledgment: UInt32) {
            self.source = source
            self.destination = destination
            self.sequence = sequence
            self.acknowledgment = acknowledgment
        }

        /// nil for what is none, or carries no acknowledgment.
        init?(_ bytes: ArraySlice<UInt8>) {
            let bytes = Array(bytes)
            guard bytes.count >= 20, bytes[13] & 0x10 != 0 else { return nil }
            self.init(
                source: UInt16(bigEndianBytes: bytes[0..<2]), destination: UInt16(bigEndianBytes: bytes[2..<4]),
                sequence: UInt32(bigEndianBytes: bytes[4..<8]), acknowledgment: UInt32(bigEndianBytes: bytes[8..<12]))
            self.length = UInt32(max(0, bytes.count - Int(bytes[12] >> 4) * 4))
            self.isReset = bytes[13] & 0x04 != 0
        }

        /// With ACK as its only flag and a few bytes of data.
        func bytes(from local: IPAddress, to peer: IPAddress) -> [UInt8] {
            let ports = self.source.bigEndianBytes + self.destination.bigEndianBytes
            let numbers = self.sequence.bigEndianBytes + self.acknowledgment.bigEndianBytes
            var bytes = ports + numbers + [0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0] + "boom".utf8
            bytes.replaceSubrange(16..<18, with: Checksum.transport(.tcp, from: local, to: peer, bytes).bigEndianBytes)
            return bytes
        }
    }
}

enum RawPacket {
    /// A raw IPv4 socket gives the IP header as well, an IPv6 one does not.
    static func payload(of bytes: [UInt8], _ family: AddressFamily) -> ArraySlice<UInt8> {
        guard family == .ipv4, let first = bytes.first else { return bytes[...] }
        return bytes.dropFirst(Int(first & 15) * 4)
    }
}
