internal import Bytes
internal import HTTP1
internal import Linux
internal import Reactor
internal import ServiceModel
internal import TLS

/// One check: a connection of its own to an endpoint, from the first packet to the last. Told of events, it says when it is decided and
/// when it is over. Belongs to the thread that made it.
final class Probe {
    enum Phase {
        case connecting
        case handshaking
        case asking
        /// Decided. What the endpoint still sends is read and thrown away until it closes: with unread bytes a close would be a
        /// reset, which servers write into their logs.
        case lingering
    }

    enum Step {
        case waiting
        case decided(ProbeResult)
        case over
    }

    private let question: HealthCheckPolicy.Question
    private let request: ProbeRequest?
    private let transport: ProbeTransport
    private let endpoint: SocketAddress
    private let seed: UInt64
    private(set) var phase = Phase.connecting
    private var socket: ProbeSocket
    /// One of the two, once it asks.
    private var http1: HTTP1Question?
    private var http2: HTTP2Question?
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var discarded = 0

    private static let bufferSize = 20_480

    /// What beginning one came to.
    enum Beginning {
        case begun(Probe)
        case decided(ProbeResult)
    }

    static func begin(_ backend: CheckedBackend, _ endpoint: SocketAddress, seed: UInt64) -> Beginning {
        switch StreamSocket.connect(to: endpoint) {
        case .begun(let socket): .begun(Probe(backend, endpoint, socket, seed: seed))
        case .failed(let number):
            .decided(SystemError.isExhaustion(number) ? .inconclusive(number) : .failed(.unreachable(number)))
        }
    }

    private init(_ backend: CheckedBackend, _ endpoint: SocketAddress, _ socket: StreamSocket, seed: UInt64) {
        self.question = backend.policy.question
        self.transport = backend.transport
        self.endpoint = endpoint
        self.seed = seed
        self.socket = ProbeSocket(socket)
        let authority = "\(endpoint)"
        self.request =
            switch backend.policy.question {
            case .tcp: nil
            case .http(let path): .get(path, authority: authority)
            case .grpc(let service): .check(service, authority: authority, timeout: backend.policy.timeout)
            }
    }

    private var isHTTP2: Bool {
        switch self.http2 {
        case .none: false
        case .some: true
        }
    }

    /// To be watched, edge-triggered, for everything.
    var number: Int32 { self.socket.socket.number }

    /// Gives the connection up. Nothing else may be called afterwards.
    func close(_ heads: inout BufferPool) {
        self.http2?.release(into: &heads)
        self.socket.socket.close()
    }

    /// Its time is over.
    var timeout: ProbeFailure {
        switch self.phase {
        case .connecting: .timedOut(.connect)
        case .handshaking: .timedOut(.handshake)
        case .asking, .lingering: .timedOut(.answer)
        }
    }

    // MARK: - Events

    /// Something has become possible with the connection.
    func ready(_ readiness: Readiness, now: UInt64, _ heads: inout BufferPool) -> Step {
        if self.phase == .connecting {
            guard readiness.canWrite || readiness.isEnd else { return .waiting }
            let error = self.socket.socket.error
            guard error == 0 else { return .decided(.failed(.unreachable(error))) }
            guard let request = self.request else { return .decided(.passed) }
            if let failure = self.begin(request) { return .decided(failure) }
        }
        if self.phase == .handshaking {
            switch self.socket.handshake() {
            case .wantsRead, .wantsWrite: return .waiting
            case .failed(let failure): return .decided(.failed(.handshake(failure)))
            case .done: if let failure = self.ask(byHTTP2: self.socket.choseHTTP2) { return .decided(failure) }
            }
        }
        return self.phase == .lingering ? self.linger() : self.converse(now, &heads)
    }

    /// The connection stands.
    private func begin(_ request: ProbeRequest) -> ProbeResult? {
        switch self.transport {
        case .plain:
            if case .grpc = self.question { return self.ask(byHTTP2: true) }
            return self.ask(byHTTP2: false)
        case .plainHTTP2: return self.ask(byHTTP2: true)
        case .tls(let context):
            guard self.socket.secure(context, self.endpoint) else { return .inconclusive(Self.outOfMemory) }
            self.phase = .handshaking
            return nil
        }
    }

    private func ask(byHTTP2 isHTTP2: Bool) -> ProbeResult? {
        guard let request = self.request else { return nil }
        var isCall = false
        if case .grpc = self.question { isCall = true }
        guard isHTTP2 || !isCall else { return .failed(.noHTTP2) }
        self.phase = .asking
        self.input = ByteBuffer(capacity: Self.bufferSize)
        self.output = ByteBuffer(capacity: Self.bufferSize)
        if isHTTP2 {
            var isSecure = false
            if case .tls = self.transport { isSecure = true }
            self.http2 = HTTP2Question(request, isCall: isCall, isSecure: isSecure, seed: self.seed, into: &self.output)
        } else {
            self.http1 = HTTP1Question()
            self.output.append(request.head.span)
        }
        return nil
    }

    // MARK: - Question and answer

    private func converse(_ now: UInt64, _ heads: inout BufferPool) -> Step {
        while true {
            self.flush()
            self.input.compact()
            switch self.socket.receive(into: &self.input) {
            case .bytes: break
            case .blocked: return .waiting
            case .ended: return .decided(.failed(.closed))
            case .failed(let number): return .decided(.failed(.lost(number)))
            }
            if let result = self.read(now, &heads) {
                self.finish()
                return .decided(result)
            }
        }
    }

    private func read(_ now: UInt64, _ heads: inout BufferPool) -> ProbeResult? {
        if let result = self.http2?.receive(&self.input, now: now, heads: &heads) { return result }
        if let result = self.http1?.receive(&self.input) { return result }
        return nil
    }

    /// Sends what there is, as far as it goes now.
    private func flush() {
        self.output.compact()
        if self.output.hasMemory { self.http2?.write(into: &self.output) }
        while !self.output.isEmpty {
            switch self.socket.send(self.output) {
            case .bytes(let count): self.output.consume(count)
            case .blocked, .ended: return
            // An endpoint may answer and close without having read everything: what it said is there to be read.
            case .failed:
                self.output.clear()
                return
            }
        }
    }

    // MARK: - The end

    /// The answer is there: all that is left is an orderly end.
    private func finish() {
        self.phase = .lingering
        self.input.clear()
        guard self.isHTTP2 else { return }
        self.output.compact()
        self.http2?.finish(into: &self.output)
        self.flush()
        self.socket.finishWriting()
    }

    private func linger() -> Step {
        while self.discarded < ProbeLimits.remainder {
            self.input.clear()
            switch self.socket.receive(into: &self.input) {
            case .bytes(let count): self.discarded += count
            case .blocked: return .waiting
            case .ended, .failed: return .over
            }
        }
        return .over
    }

    /// ENOMEM.
    private static let outOfMemory: Int32 = 12
}
