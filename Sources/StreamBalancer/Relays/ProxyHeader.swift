internal import Bytes
internal import Networking
internal import Reactor

/// A header of version 2 of the PROXY protocol (haproxy.org, proxy-protocol.txt, section 2.2), without further fields.
enum ProxyHeader {
    static func write(from client: SocketAddress, to destination: SocketAddress, into buffer: inout ByteBuffer) {
        buffer.append("\r\n\r\n\0\r\nQUIT\n")
        // Version 2, command PROXY.
        buffer.append(0x21)
        let family = client.address.family
        let isSame = destination.address.family == family
        // TCP over IPv4 or IPv6; UNSPEC where they do not fit together.
        buffer.append(!isSame ? 0 : family == .ipv4 ? 0x11 : 0x21)
        let length = isSame ? 2 * family.addressLength + 4 : 0
        buffer.append(0)
        buffer.append(UInt8(length))
        guard isSame else { return }
        for address in [client.address, destination.address] {
            for index in 0..<family.addressLength { buffer.append(address.byte(index)) }
        }
        for port in [client.port, destination.port] {
            buffer.append(UInt8(truncatingIfNeeded: port >> 8))
            buffer.append(UInt8(truncatingIfNeeded: port))
        }
    }
}
