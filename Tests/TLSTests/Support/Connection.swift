import Glibc
import Linux
import TLS

/// Our own client and our own server, and the sockets between them. Runs on one thread: nothing in it waits.
final class Connection {
    let sockets: SocketPair
    private var serverEnd: TLSConnection
    private var clientEnd: TLSConnection
    private(set) var serverStep = TLSStep.wantsRead
    private(set) var clientStep = TLSStep.wantsRead

    init(
        _ client: TLSClientContext, to server: TLSServerContext, peer: UInt64 = 1, _ kind: SocketPair.Kind = .local
    ) throws {
        self.sockets = try SocketPair(kind)
        self.serverEnd = try TLSConnection(server, descriptor: self.sockets.server)
        self.clientEnd = try TLSConnection(client, descriptor: self.sockets.far, peer: peer)
    }

    /// What one end says of the connection.
    struct Agreement {
        let negotiatedProtocol: ApplicationProtocol?
        let serverName: String?
        let version: TLSVersion?
        let cipher: String?
        let isResumed: Bool
        let clientCertificate: ClientIdentity

        init(_ end: borrowing TLSConnection) {
            self.negotiatedProtocol = end.negotiatedProtocol
            self.serverName = end.serverName
            self.version = end.version
            self.cipher = end.cipher
            self.isResumed = end.isResumed
            self.clientCertificate = end.clientCertificate
        }
    }

    var server: Agreement { Agreement(self.serverEnd) }
    var client: Agreement { Agreement(self.clientEnd) }

    /// Goes on until neither side gets any further.
    @discardableResult
    func handshake() -> TLSStep {
        // Seven flights at most, and as many in which something comes late.
        for _ in 0..<16 {
            self.clientStep = self.clientEnd.handshake()
            self.serverStep = self.serverEnd.handshake()
        }
        return self.clientStep
    }

    /// What comes to the client, until it wants something; and what that was. Takes in tickets too.
    func clientReads(size: Int = 1 << 16) -> (bytes: [UInt8], last: TLSTransfer) {
        var bytes: [UInt8] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: size)
            let result = unsafe buffer.withUnsafeMutableBytes { unsafe self.clientEnd.read(into: $0) }
            guard case .bytes(let count) = result else { return (bytes, result) }
            bytes += buffer[..<count]
        }
    }

    func serverReads(size: Int = 1 << 16) -> (bytes: [UInt8], last: TLSTransfer) {
        var bytes: [UInt8] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: size)
            let result = unsafe buffer.withUnsafeMutableBytes { unsafe self.serverEnd.read(into: $0) }
            guard case .bytes(let count) = result else { return (bytes, result) }
            bytes += buffer[..<count]
        }
    }

    func clientWrites(_ bytes: [UInt8]) -> TLSTransfer { self.clientEnd.write(from: bytes.span) }
    func serverWrites(_ bytes: [UInt8]) -> TLSTransfer { self.serverEnd.write(from: bytes.span) }
    func clientHandshakes() -> TLSStep { self.clientEnd.handshake() }
    func clientShutsDown() -> TLSStep { self.clientEnd.shutdown() }
    func serverShutsDown() -> TLSStep { self.serverEnd.shutdown() }
}

/// A client of ours on a socket whose other end the test holds, or another program.
final class LoneClient {
    let number: Int32
    private var connection: TLSConnection

    /// On a socket of the caller's.
    init(_ context: TLSClientContext, on number: Int32) throws {
        self.number = number
        self.connection = try TLSConnection(context, descriptor: number, peer: 1)
    }

    func handshake() -> TLSStep { self.connection.handshake() }
    var negotiatedProtocol: ApplicationProtocol? { self.connection.negotiatedProtocol }
    var version: TLSVersion? { self.connection.version }
    var isResumed: Bool { self.connection.isResumed }

    /// Waits as the steps want it.
    func handshakeToItsEnd() -> TLSStep {
        while true {
            let step = self.connection.handshake()
            switch step {
            case .wantsRead: if !self.wait(POLLIN) { return step }
            case .wantsWrite: if !self.wait(POLLOUT) { return step }
            case .done, .failed: return step
            }
        }
    }

    /// Writes, ends its direction, and reads to the end.
    func exchange(_ text: String) -> String {
        guard case .bytes = self.connection.write(from: Array(text.utf8).span) else { return "" }
        var answer: [UInt8] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            switch unsafe buffer.withUnsafeMutableBytes({ unsafe self.connection.read(into: $0) }) {
            case .bytes(let count): answer += buffer[..<count]
            case .wantsRead: if !self.wait(POLLIN) { return "no answer" }
            case .wantsWrite: if !self.wait(POLLOUT) { return "no room" }
            case .closed, .failed: return String(decoding: answer, as: UTF8.self)
            }
        }
    }

    private func wait(_ events: Int32) -> Bool {
        var entry = pollfd(fd: self.number, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, 20_000) > 0
    }
}

/// Contexts for connections to backends.
enum TestClientContext {
    static func make(
        verifying name: String? = nil, with authority: TestAuthority? = nil, depth: Int = 1,
        _ change: (inout TLSClientSettings) -> Void = { _ in }
    ) throws -> TLSClientContext {
        var settings = TLSClientSettings()
        if let name, let authority {
            settings.verification = ServerVerification(
                name: name, authorities: try CertificateAuthorities(authority.identity.certificate), depth: depth)
        }
        change(&settings)
        return try TLSClientContext(settings)
    }
}
