internal import Glibc
package import Linux

/// The fake API server as a program inside a host of the lab, told what to do line by line.
package final class APIServerProcess: Sendable {
    /// What it answered to a command.
    package struct Reply: Sendable {
        /// When watches had been written to, in nanoseconds of `CLOCK_MONOTONIC`.
        package let writtenAt: Int64
        package let text: String
    }

    package let process: ChildProcess
    /// For `--kubeconfig`.
    package let kubeconfig: String
    private let folder: String
    private let input: Descriptor

    /// Starts it, listening on `127.0.0.1:port` of the host.
    package init(on host: Host, port: UInt16 = 6443) throws {
        let program = try Self.locate()
        self.folder = try host.shell("mktemp -d /tmp/fairlead-apiserver-XXXXXX").filter { $0 != "\n" }
        self.kubeconfig = "\(self.folder)/kubeconfig"
        try host.shell("mkfifo \(self.folder)/input")
        // For reading too: otherwise this would wait for the program.
        self.input = try Descriptor.open("\(self.folder)/input", flags: O_RDWR)
        self.process = try host.spawn([
            program, "--listen", "127.0.0.1:\(port)", "--kubeconfig", self.kubeconfig, "--control",
            "\(self.folder)/input",
        ])
        waitUntil(timeout: .seconds(20)) { !self.lines.isEmpty || !self.process.isRunning }
        guard self.lines.first?.hasPrefix("listening") == true else {
            throw LabError("the fake API server did not start: \(self.process.output)\(self.process.errorOutput)")
        }
    }

    deinit {
        self.process.kill()
        _ = try? ChildProcess.run(["rm", "-rf", self.folder])
    }

    private static func locate() throws -> String {
        let fairlead = try FairleadProcess.locate()
        let folder = fairlead.lastIndex(of: "/").map { String(fairlead[..<$0]) } ?? "."
        let program = "\(folder)/fairlead-fake-apiserver"
        guard ChildProcess.find(program) != nil else { throw LabError("there is no \(program); build it") }
        return program
    }

    /// Whole lines that it has said.
    private var lines: [Substring] {
        let output = self.process.output
        return output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }

    /// Gives a command without waiting for the answer. Returns the answer's place.
    package func send(_ command: String) throws -> Int {
        let place = self.lines.count
        try self.input.write("\(command)\n".utf8)
        return place
    }

    /// The answer to a command that ``send(_:)`` gave; commands are not to overlap.
    package func reply(_ place: Int, timeout: Duration = .seconds(60)) throws -> Reply {
        waitUntil(timeout: timeout) { self.lines.count > place || !self.process.isRunning }
        guard self.lines.count > place else {
            throw LabError(
                "the fake API server does not answer: \(self.process.status.map { "\($0)" } ?? "it runs"), "
                    + "said \(self.process.output.suffix(300)) \(self.process.errorOutput.suffix(1000))")
        }
        let words = self.lines[place].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "ok", let time = Int64(words[1]) else {
            throw LabError("the fake API server says: \(self.lines[place])")
        }
        return Reply(writtenAt: time, text: words.count > 2 ? String(words[2]) : "")
    }

    @discardableResult
    package func command(_ command: String, timeout: Duration = .seconds(60)) throws -> Reply {
        try self.reply(try self.send(command), timeout: timeout)
    }

    /// Makes the objects of some manifests, or new versions of them.
    @discardableResult
    package func apply(_ manifests: [any Manifest]) throws -> Reply {
        let file = "\(self.folder)/objects.yaml"
        try Descriptor.open(file, flags: O_WRONLY | O_CREAT | O_TRUNC).write(
            manifests.map(\.yaml).joined(separator: "---\n").utf8)
        return try self.command("apply \(file)")
    }

    /// A counter of requests, as `watch-services`.
    package func count(_ name: String) throws -> Int {
        let pairs = try self.command("counts").text.split(separator: " ")
        return pairs.first { $0.hasPrefix("\(name)=") }.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
    }
}
