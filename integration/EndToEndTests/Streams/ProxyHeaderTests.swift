import Lab
import Linux
import Networking
import Testing

/// The lab's reader of the PROXY protocol and its ClientHellos.
@Suite struct ProxyHeaderTests {
    private static let client = SocketAddress(IPAddress(192, 0, 2, 1), 49_152)
    private static let service = SocketAddress(IPAddress(10, 96, 0, 10), 443)
    private static let whole = ProxyHeader.bytes(from: client, to: service, extensions: [4, 0, 2, 9, 9])

    @Test(arguments: [
        (client, service),
        (
            SocketAddress(IPAddress(ipv6High: 0x2001_0db8_0000_0000, low: 1), 1),
            SocketAddress(IPAddress(ipv6High: 0xfd00_0000_0000_0000, low: 2), 65_535)
        ),
    ])
    func aHeaderSaysWhoConnectedToWhat(from: SocketAddress, to: SocketAddress) throws {
        var bytes = ProxyHeader.bytes(from: from, to: to) + Array("hello".utf8)
        let header = try #require(try ProxyHeader.take(from: &bytes))
        #expect(header.source == from)
        #expect(header.destination == to)
        #expect(header.extensions == [])
        #expect(bytes == Array("hello".utf8))
    }

    @Test func aHeaderInPiecesIsWaitedFor() throws {
        for count in 0..<Self.whole.count {
            var bytes = Array(Self.whole.prefix(count))
            #expect(try ProxyHeader.take(from: &bytes) == nil)
            #expect(bytes.count == count)
        }
        var bytes = Self.whole
        #expect(try ProxyHeader.take(from: &bytes)?.extensions == [4])
        #expect(bytes.isEmpty)
    }

    @Test func localMeansTheSenderItself() throws {
        var bytes = ProxyHeader.signature + [0x20, 0, 0, 0]
        let header = try #require(try ProxyHeader.take(from: &bytes))
        #expect(header.source == nil && header.destination == nil)
    }

    @Test(arguments: [
        (0, UInt8(0x0e), "signature"), (11, 0x0b, "signature"), (12, 0x11, "version"), (12, 0x22, "command"),
        (12, 0x20, "LOCAL with addresses"), (13, 0x10, "protocol"), (13, 0x12, "datagrams"), (13, 0x31, "family"),
        (13, 0x21, "IPv6 without room"), (15, 11, "addresses cut off"), (15, 14, "an extension cut off"),
        (29, 0xff, "an extension longer than the header"),
    ])
    func oneWrongByteIsAFault(place: Int, value: UInt8, why: String) {
        var bytes = Self.whole
        bytes[place] = value
        #expect(throws: LabError.self, "\(why)") { _ = try ProxyHeader.take(from: &bytes) }
    }

    @Test func aServerTellsTheClientOfTheHeader() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let address = SocketAddress(IPAddress(127, 0, 0, 1), 9000)
        let server = try StreamServer(on: sandbox.host, address, name: "one", [.proxyHeader, .greet, .receive(5)])
        defer { server.stop() }
        let conversation = try sandbox.host.connect(to: address.address, port: address.port)
        try conversation.send(Self.whole + BytePattern().bytes(from: 0, count: 5))
        let line = "one 192.0.2.1 49152 127.0.0.1 9000\n"
        #expect(try conversation.read(line.utf8.count) == Array(line.utf8))
        #expect(conversation.ending() == .end)
        #expect(server.records.first?.proxyHeader?.destination == Self.service)
        #expect(server.records.first?.received == 5)
        #expect(server.records.first?.firstDifference == nil)

        let other = try sandbox.host.connect(to: address.address, port: address.port)
        try other.send("GET / HTTP/1.1\r\n")
        #expect(other.isClosed())
        #expect(server.records.last?.fault?.contains("no PROXY header") == true)
    }

    @Test(arguments: [16_384, 1000, 7])
    func aClientHelloIsOneToOpenSSL(recordLimit: Int) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let address = SocketAddress(IPAddress(127, 0, 0, 1), 443)
        let server = try TLSServer(on: sandbox.host, address, name: "a.example", ["-tls1_2"])
        let shown = try sandbox.host.handshake(with: address, name: "a.example")
        #expect(shown.leaf == server.certificate.certificate, "\(shown.text)")
        func firstByte(of hello: ClientHello) throws -> UInt8 {
            let conversation = try sandbox.host.connect(to: address.address, port: address.port)
            try conversation.send(hello.bytes(recordLimit: recordLimit))
            return try conversation.read(1, timeout: .seconds(5))[0]
        }
        // A handshake record, ServerHello; an alert, unrecognized_name.
        #expect(try firstByte(of: ClientHello(serverName: "a.example", protocols: ["h2"], padding: 500)) == 22)
        #expect(try firstByte(of: ClientHello(serverName: "b.example")) == 21)
    }
}
