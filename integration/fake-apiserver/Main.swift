// fairlead-fake-apiserver: the fake API server as a program, for tests of other programs. It writes a
// kubeconfig, says `listening PORT`, and then does what it is told, a line for each command: `ok NANOSECONDS
// ...` with the time of CLOCK_MONOTONIC when watches had been written to, or `error ...`. The end of its input
// ends it.

internal import FakeAPIServer
internal import Glibc
internal import Linux
internal import Networking

@main
struct Main {
    private struct Options {
        var configuration = FakeAPIServerConfiguration()
        var kubeconfig = ""

        init(_ words: [String]) throws(UnknownCommand) {
            var rest = words[...]
            while let flag = rest.popFirst() {
                if flag == "--no-http2" {
                    self.configuration.offersHTTP2 = false
                    continue
                }
                guard let value = rest.popFirst() else { throw UnknownCommand("\(flag) takes a value") }
                switch flag {
                case "--listen":
                    guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]),
                        let address = IPAddress(value[..<colon].filter { $0 != "[" && $0 != "]" })
                    else { throw UnknownCommand("--listen takes ADDRESS:PORT, not \(value)") }
                    self.configuration.address = address.description
                    self.configuration.port = Int(port)
                case "--kubeconfig": self.kubeconfig = value
                case "--control": try Main.readLines(from: value)
                case "--name": self.configuration.names.append(value)
                default: throw UnknownCommand("no option \(flag)")
                }
            }
            if self.kubeconfig.isEmpty { throw UnknownCommand("--kubeconfig is required") }
        }
    }

    /// Lines come from a FIFO in place of standard input, for those who start programs without giving them one.
    private static func readLines(from path: String) throws(UnknownCommand) {
        // For writing too: it does not end when a writer does.
        guard let fifo = try? Descriptor.open(path, flags: O_RDWR), dup2(fifo.number, 0) == 0 else {
            throw UnknownCommand("--control: \(path) cannot be opened")
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
        } catch let problem as UnknownCommand {
            Self.fail(
                "\(problem)\nfairlead-fake-apiserver --kubeconfig PATH [--listen ADDRESS:PORT] [--name NAME] "
                    + "[--control FIFO] [--no-http2]\n\(FakeAPIServer.commandUsage)", code: 2)
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
            let answer = await server.obey(line)
            try output.say(answer.text)
            if answer.isLast { return }
        }
    }
}
