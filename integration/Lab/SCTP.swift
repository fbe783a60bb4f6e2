internal import Linux
package import Networking
import Synchronization

// SCTP without a kernel that speaks it: the first packet of an association and the answer to it, which
// is all that a Service proxy decides by. RFC 9260 sections 3 and 3.3.2.

/// Answers the INIT of every client with an INIT ACK whose cookie is the line of an ``EchoServer``.
package final class SCTPResponder: Sendable {
    private let host: Host
    private let port: UInt16
    private let sockets: [Listener]
    private let stopSignal: WakeUp
    private let thread = Mutex<OSThread?>(nil)

    private final class Listener: Sendable {
        let family: AddressFamily
        let socket: Socket

        init(_ family: AddressFamily) throws(SystemError) {
            self.family = family
            self.socket = try Socket(.raw(.sctp), family)
        }
    }

    package init(on host: Host, port: UInt16) throws {
        self.host = host
        self.port = port
        self.stopSignal = try WakeUp()
        self.sockets = try host.run { try AddressFamily.allCases.map { try Listener($0) } }
        let thread = try OSThread { [weak self] in self?.serve() }
        self.thread.withLock { $0 = thread }
    }

    deinit { self.stop() }

    package func stop() {
        self.stopSignal.signal()
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    private func serve() {
        let interests =
            [Readiness.Interest(number: self.stopSignal.number, writing: false)]
            + self.sockets.map { Readiness.Interest(number: $0.socket.number, writing: false) }
        while true {
            let ready = Readiness.wait(interests, timeout: .seconds(3600))
            if ready.first == 0 { return }
            for index in ready { try? self.answer(self.sockets[index - 1]) }
        }
    }

    private func answer(_ listener: Listener) throws(SystemError) {
        while let (bytes, from) = try listener.socket.receiveFrom() {
            guard let from, let packet = SCTPPacket(RawPacket.payload(of: bytes, listener.family)),
                packet.chunk == .initiation, packet.destination == self.port
            else { continue }
            let line = Answer.line(
                name: self.host.name, peer: SocketAddress(from.address, packet.source),
                local: SocketAddress(self.host.address(listener.family), self.port))
            let reply = SCTPPacket(
                .acknowledgment, source: self.port, destination: packet.source, verificationTag: packet.initiateTag,
                cookie: Array(line.utf8))
            _ = try listener.socket.send(reply.bytes[...], to: SocketAddress(from.address, 0))
        }
    }
}

/// How many there were.
private let sctpProbes = Atomic<Int>(0)

extension Probe {
    /// Sends an SCTP INIT and waits for the answer of an ``SCTPResponder``.
    package static func sctp(
        to address: IPAddress, port: UInt16, timeout: Duration = .seconds(2)
    ) throws -> ProbeResult {
        let socket = try Socket(.raw(.sctp), address.family)
        let attempt = Attempt(timeout: timeout)
        if let failure = attempt.connect(socket, to: SocketAddress(address, 0)) { return failure }
        // One that was used a moment ago would be the same flow, and go where that went.
        let number = sctpProbes.add(1, ordering: .relaxed).oldValue
        let source = UInt16(10_000 + number % 50_000)
        let request = SCTPPacket(.initiation, source: source, destination: port, verificationTag: 0)
        return attempt.exchange(socket, request.bytes) { bytes in
            guard let packet = SCTPPacket(RawPacket.payload(of: bytes, address.family)),
                packet.chunk == .acknowledgment, packet.destination == source, packet.source == port
            else { return nil }
            return Attempt.readLine(packet.cookie)
        }
    }
}

/// A packet with one chunk: INIT or INIT ACK.
private struct SCTPPacket {
    enum Chunk: UInt8 {
        case initiation = 1
        case acknowledgment = 2
    }

    let chunk: Chunk
    let source: UInt16
    let destination: UInt16
    let verificationTag: UInt32
    let initiateTag: UInt32
    let cookie: [UInt8]

    private static let stateCookie: UInt16 = 7

    init(_ chunk: Chunk, source: UInt16, destination: UInt16, verificationTag: UInt32, cookie: [UInt8] = []) {
        self.chunk = chunk
        self.source = source
        self.destination = destination
        self.verificationTag = verificationTag
        self.initiateTag = UInt32.random(in: 1...UInt32.max)
        self.cookie = cookie
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count >= 32, let chunk = Chunk(rawValue: bytes[12]) else { return nil }
        self.chunk = chunk
        self.source = UInt16(bigEndianBytes: bytes[0..<2])
        self.destination = UInt16(bigEndianBytes: bytes[2..<4])
        self.verificationTag = UInt32(bigEndianBytes: bytes[4..<8])
        self.initiateTag = UInt32(bigEndianBytes: bytes[16..<20])
        let length = bytes.count >= 36 ? Int(UInt16(bigEndianBytes: bytes[34..<36])) : 0
        self.cookie = length >= 4 && 32 + length <= bytes.count ? Array(bytes[36..<(32 + length)]) : []
    }

    var bytes: [UInt8] {
        // Window, one stream each way, first sequence number.
        var body = self.initiateTag.bigEndianBytes + [0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]
        if self.chunk == .acknowledgment {
            body += Self.stateCookie.bigEndianBytes + UInt16(self.cookie.count + 4).bigEndianBytes + self.cookie
        }
        let head = [self.chunk.rawValue, 0] + UInt16(body.count + 4).bigEndianBytes
        let padding = [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let ports = self.source.bigEndianBytes + self.destination.bigEndianBytes
        var bytes = ports + self.verificationTag.bigEndianBytes + [0, 0, 0, 0] + head + body + padding
        bytes.replaceSubrange(8..<12, with: Checksum.crc32c(bytes))
        return bytes
    }
}
