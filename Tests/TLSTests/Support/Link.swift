import Linux
import TLS
import Testing

/// A server's connection and a client, and the sockets between them. Runs on one thread: nothing in it waits.
final class Link {
    let sockets: SocketPair
    let client: TestClient
    private var server: TLSConnection
    private(set) var step = TLSStep.wantsRead
    /// How many bytes are sent to the server at a time.
    var pieces = Int.max

    init(_ context: TLSServerContext, _ options: TestClient.Options = .init(), _ kind: SocketPair.Kind = .local) throws
    {
        self.sockets = try SocketPair(kind)
        self.client = try TestClient(options)
        self.server = try TLSConnection(context, descriptor: self.sockets.server)
    }

    /// Goes on until both are done, or one has failed, or nothing moves any more.
    @discardableResult
    func handshake() throws -> TLSStep {
        var idle = 0
        while idle < 3 {
            self.client.handshake()
            let moved = try self.pump()
            if case .failed = self.step { break }
            idle = moved ? 0 : idle + 1
        }
        self.client.handshake()
        _ = self.client.state == .done ? self.client.read() : []
        return self.step
    }

    /// Carries bytes both ways once; the server makes a step of its handshake for each piece.
    private func pump() throws -> Bool {
        var rest = self.client.takeOutput()[...]
        var moved = !rest.isEmpty
        repeat {
            let piece = Array(rest.prefix(self.pieces))
            rest = rest.dropFirst(piece.count)
            if !piece.isEmpty { try? self.sockets.send(piece) }
            self.step = self.server.handshake()
            if case .failed = self.step { rest = [] }
        } while !rest.isEmpty
        if let answer = self.sockets.receive(), !answer.isEmpty {
            self.client.feed(answer)
            moved = true
        }
        return moved
    }

    // MARK: - After it

    /// What the server reads, with a buffer of `size` bytes, until it wants something; and what that was.
    func serverReads(size: Int = 1 << 16) -> (bytes: [UInt8], last: TLSTransfer) {
        var bytes: [UInt8] = []
        while true {
            let (piece, result) = self.serverReadsOnce(size: size)
            bytes += piece
            guard case .bytes = result else { return (bytes, result) }
        }
    }

    func serverReadsOnce(size: Int = 1 << 16) -> (bytes: [UInt8], result: TLSTransfer) {
        var buffer = [UInt8](repeating: 0, count: size)
        let result = unsafe buffer.withUnsafeMutableBytes { unsafe self.server.read(into: $0) }
        guard case .bytes(let count) = result else { return ([], result) }
        return (Array(buffer[..<count]), result)
    }

    func serverWrites(_ bytes: [UInt8]) -> TLSTransfer { self.server.write(from: bytes.span) }
    func serverShutsDown() -> TLSStep { self.server.shutdown() }
    func serverHandshakes() -> TLSStep { self.server.handshake() }

    /// Carries what the client has encrypted to the server.
    func clientSends() throws { try self.sockets.send(self.client.takeOutput()) }

    /// Carries what the server has sent to the client; false after the end.
    func clientReceives() -> Bool {
        guard let bytes = self.sockets.receive() else { return false }
        self.client.feed(bytes)
        return true
    }

    var hasPending: Bool { self.server.hasPending }
    var isSocketDrained: Bool { self.server.isSocketDrained }
    var negotiatedProtocol: ApplicationProtocol? { self.server.negotiatedProtocol }
    var serverName: String? { self.server.serverName }
    var version: TLSVersion? { self.server.version }
    var cipher: String? { self.server.cipher }
    var isResumed: Bool { self.server.isResumed }
    var clientCertificate: ClientIdentity { self.server.clientCertificate }
    var policy: ClientCertificatePolicy.ID? { self.server.clientCertificatePolicy }
}

/// Contexts for tests.
enum TestContext {
    static func make(
        _ certificate: Certificate? = nil, hosts: [String: TLSHost] = [:], tickets: TicketKeys? = nil,
        _ change: (inout TLSSettings) -> Void = { _ in }
    ) throws -> TLSServerContext {
        var settings = TLSSettings()
        change(&settings)
        let hosts = TLSHosts(defaultCertificate: try certificate ?? Certificate.selfSigned(), hosts: hosts)
        return try TLSServerContext(settings: settings, tickets: try tickets ?? TicketKeys(), hosts: hosts)
    }
}

extension TLSStep {
    var failure: TLSFailure? {
        if case .failed(let failure) = self { return failure }
        return nil
    }
}
