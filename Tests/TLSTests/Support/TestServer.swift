import Glibc
import Linux
import Synchronization
import TLS

/// Serves one connection after the other on a thread of its own: answers each request with who was asked for, over which
/// version, and closes. For clients that are programs.
final class TestServer: Sendable {
    private let listener: Listener
    private let context: TLSServerContext
    private let isStopped = Atomic<Bool>(false)
    private let outcomes = Mutex<[String]>([])

    var port: UInt16 { self.listener.port }
    /// How each handshake ended, in order.
    var log: [String] { self.outcomes.withLock { $0 } }

    init(_ context: TLSServerContext) throws {
        self.listener = try Listener()
        self.context = context
    }

    /// Runs `body` while the server serves.
    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        async let serving: Void = WorkerThread.run(name: "tls-server") { self.serve() }
        let outcome = try await WorkerThread.run(name: "tls-client") { () -> Swift.Result<Result, any Error> in
            Swift.Result { try body() }
        }
        self.isStopped.store(true, ordering: .relaxed)
        try await serving
        return try outcome.get()
    }

    private func serve() {
        while !self.isStopped.load(ordering: .relaxed) {
            guard self.wait(self.listener.number, POLLIN, milliseconds: 20) else { continue }
            let number = accept(self.listener.number, nil, nil)
            guard number >= 0 else { continue }
            try? makeNonBlocking(number)
            self.converse(number)
            close(number)
        }
    }

    private func converse(_ number: Int32) {
        guard var connection = try? TLSConnection(self.context, descriptor: number) else { return }
        shaking: while true {
            switch connection.handshake() {
            case .done: break shaking
            case .wantsRead: if !self.wait(number, POLLIN) { return }
            case .wantsWrite: if !self.wait(number, POLLOUT) { return }
            case .failed(let failure):
                self.outcomes.withLock { $0.append(failure.reason.rawValue) }
                return
            }
        }
        let resumed = connection.isResumed ? " resumed" : ""
        self.outcomes.withLock { $0.append("done\(resumed)") }
        let name = connection.serverName ?? "-"
        let version = connection.version?.description ?? "-"
        let spoken = connection.negotiatedProtocol?.rawValue ?? "-"
        let body = "name=\(name) version=\(version) protocol=\(spoken)\(resumed)\n"
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        guard self.awaitRequest(&connection, number) else { return }
        _ = connection.write(from: Array((head + body).utf8).span)
        _ = connection.shutdown()
    }

    /// Until an empty line has come.
    private func awaitRequest(_ connection: inout TLSConnection, _ number: Int32) -> Bool {
        var request: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let result = unsafe buffer.withUnsafeMutableBytes { unsafe connection.read(into: $0) }
            switch result {
            case .bytes(let count):
                request += buffer[..<count]
                let text = String(decoding: request, as: UTF8.self)
                if text.contains("\r\n\r\n") || text.contains("\n\n") { return true }
            case .wantsRead: if !self.wait(number, POLLIN) { return false }
            case .wantsWrite: if !self.wait(number, POLLOUT) { return false }
            case .closed, .failed: return false
            }
        }
    }

    private func wait(_ number: Int32, _ events: Int32, milliseconds: Int32 = 20_000) -> Bool {
        var entry = pollfd(fd: number, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) > 0
    }
}
