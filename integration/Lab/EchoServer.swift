package import Networking

/// A server that tells every client who it reached and how it was seen, over TCP and UDP, IPv4 and
/// IPv6.
///
/// A TCP client is sent one line `NAME PEER PEERPORT LOCAL LOCALPORT` and then whatever it sends; a
/// UDP client is sent the line for every datagram.
package final class EchoServer: Sendable {
    package let name: String
    package let port: UInt16
    private let loop: ServerLoop

    /// Serves on the host's own addresses unless others are given. `transports` may leave out one.
    package init(
        on host: Host,
        port: UInt16,
        name: String? = nil,
        addresses: [IPAddress]? = nil,
        transports: Set<TransportProtocol> = [.tcp, .udp]
    ) throws {
        self.name = name ?? host.name
        self.port = port
        var kinds: [Socket.Kind] = []
        if transports.contains(.tcp) { kinds.append(.stream) }
        if transports.contains(.udp) { kinds.append(.datagram) }
        self.loop = try ServerLoop(
            on: host, name: self.name, style: .echo, kinds: kinds,
            addresses: (addresses ?? [host.ipv4, host.ipv6]).map { SocketAddress($0, port) }
        )
    }

    deinit { self.loop.stop() }

    /// How many TCP connections were accepted so far.
    package var connections: Int { self.loop.connections }

    /// Closes the listeners and every connection.
    package func stop() { self.loop.stop() }
}

/// An HTTP/1.1 server that answers any GET with `Hello from pod-2 (10.244.1.3), you are 10.244.1.4`.
package final class HTTPEchoServer: Sendable {
    package let name: String
    package let port: UInt16
    private let loop: ServerLoop

    package init(on host: Host, port: UInt16, name: String? = nil, addresses: [IPAddress]? = nil) throws {
        self.name = name ?? host.name
        self.port = port
        self.loop = try ServerLoop(
            on: host, name: self.name, style: .http, kinds: [.stream],
            addresses: (addresses ?? [host.ipv4, host.ipv6]).map { SocketAddress($0, port) }
        )
    }

    deinit { self.loop.stop() }

    package var connections: Int { self.loop.connections }

    package func stop() { self.loop.stop() }
}

/// What an ``EchoServer`` says about a conversation.
package struct Answer: Sendable, Hashable {
    package let server: String
    /// The client as the server saw it.
    package let peer: SocketAddress
    /// The server's own end.
    package let local: SocketAddress

    static func line(name: String, peer: SocketAddress, local: SocketAddress) -> String {
        "\(name) \(peer.address) \(peer.port) \(local.address) \(local.port)\n"
    }

    init?(line: String) {
        let words = line.split { $0 == " " || $0 == "\n" }.map(String.init)
        guard words.count == 5,
            let peer = IPAddress(words[1]), let peerPort = UInt16(words[2]),
            let local = IPAddress(words[3]), let localPort = UInt16(words[4])
        else { return nil }
        self.server = words[0]
        self.peer = SocketAddress(peer, peerPort)
        self.local = SocketAddress(local, localPort)
    }
}
