internal import Glibc
internal import Linux
package import Networking

/// What came of an attempt to reach something. The outcomes a Service proxy can cause stay apart:
/// a refusal (RST or ICMP) is told at once, a dropped packet never.
package enum ProbeResult: Sendable, Hashable {
    case answered(by: String, seenAs: IPAddress, after: Duration)
    case refused(after: Duration)
    case timedOut
    case unreachable(errno: Int32)
    /// Connected, and then cut before an answer came.
    case reset
}

extension ProbeResult: CustomStringConvertible {
    /// Who answered; nil for every other outcome.
    package var server: String? {
        if case .answered(let name, _, _) = self { name } else { nil }
    }

    /// The client's address as the server saw it; nil unless answered.
    package var source: IPAddress? {
        if case .answered(_, let source, _) = self { source } else { nil }
    }

    package var isAnswered: Bool { self.server != nil }

    package var isRefused: Bool {
        if case .refused = self { true } else { false }
    }

    /// How long the answer or the refusal took.
    package var duration: Duration? {
        switch self {
        case .answered(_, _, let duration), .refused(let duration): duration
        case .timedOut, .unreachable, .reset: nil
        }
    }

    package var description: String {
        switch self {
        case .answered(let name, let source, let duration):
            "answered by \(name), seen as \(source), after \(duration.milliseconds) ms"
        case .refused(let duration): "refused after \(duration.milliseconds) ms"
        case .timedOut: "timed out"
        case .unreachable(let number): "unreachable: \(SystemError.text(of: number))"
        case .reset: "reset"
        }
    }
}

/// Attempts to reach something, from the namespace of the calling thread. ``Host`` has the same
/// for its own namespace.
package enum Probe {
    /// Connects and waits for the line of an ``EchoServer``. `source` fixes our end.
    package static func tcp(
        to address: IPAddress,
        port: UInt16,
        timeout: Duration = .seconds(2),
        source: SocketAddress? = nil
    ) throws -> ProbeResult {
        let socket = try Socket(.stream, address.family)
        if let source { try socket.bind(to: source) }
        let attempt = Attempt(timeout: timeout)
        if let failure = attempt.connect(socket, to: SocketAddress(address, port)) { return failure }
        return attempt.answer(socket)
    }

    /// Sends a datagram from a connected socket, so that ICMP errors are heard, and waits for the line.
    package static func udp(
        to address: IPAddress,
        port: UInt16,
        timeout: Duration = .seconds(2),
        source: SocketAddress? = nil
    ) throws -> ProbeResult {
        let socket = try Socket(.datagram, address.family)
        if let source { try socket.bind(to: source) }
        let attempt = Attempt(timeout: timeout)
        if let failure = attempt.connect(socket, to: SocketAddress(address, port)) { return failure }
        return attempt.exchange(socket, Array("hello\n".utf8))
    }

    /// Sends an ICMP echo request. `by` is the address that answers.
    package static func ping(to address: IPAddress, timeout: Duration = .seconds(2)) throws -> ProbeResult {
        let socket = try Socket(.echoRequest, address.family)
        let attempt = Attempt(timeout: timeout)
        if let failure = attempt.connect(socket, to: SocketAddress(address, 0)) { return failure }
        // Type, code; the kernel fills in checksum and identifier; sequence 1.
        let request: [UInt8] = [address.family == .ipv4 ? 8 : 128, 0, 0, 0, 0, 0, 0, 1] + "fairlead".utf8
        let result = attempt.exchange(socket, request) { _ in
            guard let local = socket.localAddress() else { return nil }
            return (address.description, local.address)
        }
        return result
    }
}

extension Host {
    /// ``Probe/tcp(to:port:timeout:source:)`` from this host. A `sourcePort` is one of its own address.
    package func tcp(
        to address: IPAddress, port: UInt16, timeout: Duration = .seconds(2), sourcePort: UInt16? = nil
    ) throws -> ProbeResult {
        let source = sourcePort.map { SocketAddress(self.address(address.family), $0) }
        return try self.run { try Probe.tcp(to: address, port: port, timeout: timeout, source: source) }
    }

    /// ``Probe/udp(to:port:timeout:source:)`` from this host. A `sourcePort` is one of its own address.
    package func udp(
        to address: IPAddress, port: UInt16, timeout: Duration = .seconds(2), sourcePort: UInt16? = nil
    ) throws -> ProbeResult {
        let source = sourcePort.map { SocketAddress(self.address(address.family), $0) }
        return try self.run { try Probe.udp(to: address, port: port, timeout: timeout, source: source) }
    }

    /// ``Probe/ping(to:timeout:)`` from this host.
    package func ping(to address: IPAddress, timeout: Duration = .seconds(2)) throws -> ProbeResult {
        try self.run { try Probe.ping(to: address, timeout: timeout) }
    }
}

/// The clock of one attempt, and what its errors mean.
struct Attempt {
    let start = ContinuousClock.now
    let timeout: Duration

    init(timeout: Duration) { self.timeout = timeout }

    private var elapsed: Duration { ContinuousClock.now - self.start }
    private var remaining: Duration { self.timeout - self.elapsed }

    func meaning(of number: Int32) -> ProbeResult {
        switch number {
        case ECONNREFUSED: .refused(after: self.elapsed)
        case ECONNRESET, EPIPE: .reset
        case ETIMEDOUT: .timedOut
        default: .unreachable(errno: number)
        }
    }

    /// nil once connected.
    func connect(_ socket: borrowing Socket, to address: SocketAddress) -> ProbeResult? {
        do throws(SystemError) {
            try socket.connect(to: address)
        } catch {
            return self.meaning(of: error.number)
        }
        guard Readiness.wait(socket, writing: true, timeout: self.remaining) else { return .timedOut }
        return socket.takeError().map(self.meaning)
    }

    /// Reads the line of an ``EchoServer``.
    func answer(_ socket: borrowing Socket) -> ProbeResult {
        var line: [UInt8] = []
        while self.remaining > .zero {
            do throws(SystemError) {
                if let bytes = try socket.receive() {
                    if bytes.isEmpty { return .reset }
                    line += bytes
                }
            } catch {
                return self.meaning(of: error.number)
            }
            if line.contains(UInt8(ascii: "\n")), let answer = Answer(line: String(decoding: line, as: UTF8.self)) {
                return .answered(by: answer.server, seenAs: answer.peer.address, after: self.elapsed)
            }
            _ = Readiness.wait(socket, writing: false, timeout: self.remaining)
        }
        return .timedOut
    }

    /// Sends one datagram and waits for one, or for the ICMP error that says there will be none.
    func exchange(
        _ socket: borrowing Socket,
        _ request: [UInt8],
        reading read: (([UInt8]) -> (String, IPAddress)?) = Self.readLine
    ) -> ProbeResult {
        for _ in 0..<2 {
            do throws(SystemError) {
                _ = try socket.send(request[...])
                break
            } catch  where error.number == EPERM {
                // Stopped in our own output hook. A rejection leaves its error for the next call; a
                // drop leaves nothing and ends as a timeout.
                continue
            } catch {
                return self.meaning(of: error.number)
            }
        }
        while self.remaining > .zero {
            do throws(SystemError) {
                if let bytes = try socket.receive(), let (name, source) = read(bytes) {
                    return .answered(by: name, seenAs: source, after: self.elapsed)
                }
            } catch {
                return self.meaning(of: error.number)
            }
            _ = Readiness.wait(socket, writing: false, timeout: self.remaining)
        }
        return .timedOut
    }

    static func readLine(_ bytes: [UInt8]) -> (String, IPAddress)? {
        Answer(line: String(decoding: bytes, as: UTF8.self)).map { ($0.server, $0.peer.address) }
    }
}
