internal import Glibc
internal import Linux
internal import Networking
import Synchronization

/// A TLS connection, made by `openssl s_client`: another implementation than any that is tested here.
final class TLSStream: ByteStream {
    private let client: ChildProcess
    private let pipe: BytePipe
    private let received = Mutex(0)

    init(on host: Host, to target: SocketAddress, options: [String]) throws {
        self.pipe = try BytePipe()
        // -quiet: what is printed is what comes, and lines of input are no commands.
        let words = ["openssl", "s_client", "-quiet", "-connect", "\(target)"] + options
        let command = words.map { "'\($0)'" }.joined(separator: " ")
        self.client = try host.spawn(["sh", "-c", "exec \(command) <\(self.pipe.reading.pathForChildren)"])
    }

    func send(_ bytes: ArraySlice<UInt8>, until deadline: ContinuousClock.Instant) throws -> Int {
        guard self.client.isRunning else { throw LabError("the TLS connection has ended: \(self.client.errorOutput)") }
        // A pipe takes 64 KiB, and s_client reads on while it can write.
        let piece = bytes.prefix(16 << 10)
        try self.pipe.writing.write(piece)
        return piece.count
    }

    func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? {
        let start = self.received.withLock { $0 }
        var new: ArraySlice<UInt8> = []
        waitUntil(timeout: deadline - .now, interval: .milliseconds(1)) {
            // Asked before, so that nothing comes in between.
            let hasEnded = !self.client.isRunning
            new = self.client.outputBytes.dropFirst(start)
            return !new.isEmpty || hasEnded
        }
        if new.isEmpty { return self.client.isRunning ? nil : [] }
        self.received.withLock { $0 += new.count }
        return Array(new)
    }

    /// s_client has no way to say so without ending the connection.
    func finishSending() throws { throw LabError("a TLS conversation ends in both directions at once") }

    func close(reset: Bool) { self.client.kill() }
}

/// What a handshake showed.
package struct TLSHandshake: Sendable {
    /// Whether it was completed.
    package let succeeded: Bool
    /// `TLSv1.3`.
    package let version: String
    /// The chain as it was sent, leaf first, in PEM.
    package let chain: [String]
    /// The protocol of ALPN; nil if none was agreed on.
    package let protocolName: String?
    /// Whether a session was resumed.
    package let isResumed: Bool
    /// All that was printed.
    package let text: String

    package var leaf: String? { self.chain.first }

    init(isWhole: Bool, output: String, errorOutput: String) {
        self.text = output + errorOutput
        let lines = output.split(separator: "\n").map(String.init)
        let summary = lines.first { $0.hasPrefix("New, TLS") || $0.hasPrefix("Reused, TLS") } ?? ""
        self.succeeded = isWhole && !summary.isEmpty
        self.isResumed = summary.hasPrefix("Reused")
        self.version = summary.split(separator: " ").dropFirst().first.map { String($0.dropLast()) } ?? ""
        self.protocolName = lines.first { $0.hasPrefix("ALPN protocol: ") }.map { String($0.dropFirst(15)) }
        self.chain = Certificate.blocks(of: output)
    }
}

extension Host {
    /// Connects over TLS with the name for SNI, and leaves the certificate to be looked at by others. `options` are
    /// those of `openssl s_client`.
    package func converseByHTTPS(
        with target: SocketAddress, name: String?, _ options: [String] = []
    ) throws -> HTTPConversation {
        HTTPConversation(
            try TLSStream(on: self, to: target, options: TLSHandshake.nameOptions(name) + options))
    }

    /// A handshake and nothing more.
    package func handshake(
        with target: SocketAddress, name: String?, _ options: [String] = []
    ) throws -> TLSHandshake {
        let words = ["openssl", "s_client", "-connect", "\(target)", "-showcerts"]
        let completion = try self.execute(words + TLSHandshake.nameOptions(name) + options)
        return TLSHandshake(
            isWhole: completion.succeeded, output: completion.output, errorOutput: completion.errorOutput)
    }
}

extension TLSHandshake {
    static func nameOptions(_ name: String?) -> [String] {
        name.map { ["-servername", $0] } ?? ["-noservername"]
    }
}
