// fairlead-fake-apiserver: the fake API server as a program, for tests of other programs. It writes a
// kubeconfig, says `listening PORT`, and then does what it is told, a line for each command: `ok NANOSECONDS
// ...` with the time of CLOCK_MONOTONIC when watches had been written to, or `error ...`. The end of its input
// ends it.

internal import FakeAPIServer
internal import Glibc
internal import KubernetesAPI
internal import Linux
internal import Networking

@main
struct Main {
    private struct Options {
        var configuration = FakeAPIServerConfiguration()
        var kubeconfig = ""

        init(_ words: [String]) throws(Command.Unknown) {
            var rest = words[...]
            while let flag = rest.popFirst() {
                if flag == "--no-http2" {
                    self.configuration.offersHTTP2 = false
                    continue
                }
                guard let value = rest.popFirst() else { throw Command.Unknown(description: "\(flag) takes a value") }
                switch flag {
                case "--listen":
                    guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]),
                        let address = IPAddress(value[..<colon].filter { $0 != "[" && $0 != "]" })
                    else { throw Command.Unknown(description: "--listen takes ADDRESS:PORT, not \(value)") }
                    self.configuration.address = address.description
                    self.configuration.port = Int(port)
                case "--kubeconfig": self.kubeconfig = value
                case "--name": self.configuration.names.append(value)
                default: throw Command.Unknown(description: "no option \(flag)")
                }
            }
            if self.kubeconfig.isEmpty { throw Command.Unknown(description: "--kubeconfig is required") }
        }
    }

    /// Our standard output, unbuffered: whoever reads it waits for whole lines.
    private final class Output: Sendable {
        private let descriptor = Descriptor(owning: 1)

        func say(_ line: String) throws { try self.descriptor.write("\(line)\n".utf8) }
    }

    static func main() async {
        // The other end of the pipe decides when this is over, and says so with the end of our input.
        signal(SIGPIPE, SIG_IGN)
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            let server = try await FakeAPIServer.start(options.configuration)
            try Self.write(server.kubeconfig(), to: options.kubeconfig)
            let output = Output()
            try output.say("listening \(server.port)")
            try await self.obey(server, output)
            try await server.stop()
        } catch let problem as Command.Unknown {
            Self.fail(
                "\(problem)\nfairlead-fake-apiserver --kubeconfig PATH [--listen ADDRESS:PORT] [--name NAME] "
                    + "[--no-http2]\n\(Command.usage)", code: 2)
        } catch {
            Self.fail("\(error)", code: 1)
        }
    }

    private static func fail(_ text: String, code: Int32) {
        try? Descriptor(owning: 2).write("fairlead-fake-apiserver: \(text)\n".utf8)
        exit(code)
    }

    private static func write(_ text: String, to path: String) throws {
        try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).write(text.utf8)
    }

    /// Waits for lines on the thread it is called on: the server has one of its own.
    private static func obey(_ server: FakeAPIServer, _ output: Output) async throws {
        while let line = readLine() {
            guard line.contains(where: { $0 != " " }) else { continue }
            do {
                let command = try Command(line)
                let answer = try await Self.perform(command, server)
                try output.say("ok \(answer)")
                if case .stop = command { return }
            } catch {
                try output.say("error \("\(error)".replacing("\n", with: " "))")
            }
        }
    }

    private static func perform(_ command: Command, _ server: FakeAPIServer) async throws -> String {
        switch command {
        case .apply(let file):
            let bytes = try Descriptor.open(file, flags: O_RDONLY).readToEnd(limit: ManifestLimits().maximumFileSize)
            let content = ManifestDecoder.decode(bytes, file: file)
            if let problem = content.problems.first(where: { $0.severity == .error }) { throw problem }
            let written = try await server.apply(content.objects.map(\.object))
            return "\(written.nanoseconds) \(content.objects.count) objects"
        case .delete(let resource, let name):
            return "\(try await server.delete(resource, namespace: name.namespace, name: name.name).nanoseconds)"
        case .generate(let cluster):
            return "\(try await server.generate(cluster).nanoseconds) \(cluster.services) services"
        case .patchEndpoint(let slice, let index, let address):
            return "\(try await server.setEndpoint(index, of: slice, to: address).nanoseconds)"
        case .token(let token):
            try await server.configure { $0.tokens = [token] }
        case .fault(let fault): try await self.perform(fault, server)
        case .counts: return "\(MonotonicClock.nanoseconds()) \(Self.text(try await server.counts()))"
        case .resetCounts: try await server.resetCounts()
        case .resourceVersion: return "\(MonotonicClock.nanoseconds()) \(try await server.resourceVersion())"
        case .stop: break
        }
        return "\(MonotonicClock.nanoseconds())"
    }

    private static func text(_ counts: Counts) -> String {
        let requests = counts.requests.sorted { $0.key < $1.key }
            .map { "\($0.key.replacing(" ", with: "-"))=\($0.value)" }
        return
            (requests + [
                "unauthorized=\(counts.unauthorized)", "connections=\(counts.connections)",
                "open-connections=\(counts.openConnections)", "open-watches=\(counts.openWatches)",
                "bytes-sent=\(counts.bytesSent)", "bytes-received=\(counts.bytesReceived)",
            ]).joined(separator: " ")
    }

    private static func perform(_ fault: Command.Fault, _ server: FakeAPIServer) async throws {
        switch fault {
        case .expireWatches(let count, let expiry):
            try await server.setFaults {
                $0.expiredWatches = count
                $0.expiry = expiry
            }
        case .disconnect: try await server.dropConnections()
        case .cut: try await server.setFaults { $0.cutsNextObject = true }
        case .malformed: try await server.setFaults { $0.spoilsNextEvent = true }
        case .chunk(let size): try await server.setFaults { $0.chunkSize = size }
        case .slow(let rate): try await server.setFaults { $0.bytesPerSecond = rate }
        case .freeze(let isOn): try await server.setFaults { $0.isFrozen = isOn }
        case .fail(let count, let failure):
            try await server.setFaults { $0.failures = Array(repeating: failure, count: max(0, count)) }
        case .restart(let version): try await server.restart(resourceVersion: version)
        case .endWatches: try await server.endWatches()
        case .bookmarks: try await server.sendBookmarks()
        case .compact: try await server.compact()
        case .watchList(let mode): try await server.configure { $0.watchList = mode }
        case .none: try await server.setFaults { $0 = Faults() }
        }
    }
}
