internal import Glibc
package import Linux

/// A running Fairlead inside a host of the lab, and its log.
package final class FairleadProcess: Sendable {
    package let process: ChildProcess

    /// Starts `fairlead arguments...`. The program is `binary`, or what `FAIRLEAD_BINARY` names, or
    /// the one built next to the running program. `prefix` is a program that becomes it, say `prlimit` with its options.
    ///
    /// All of them have one file system, so none takes the default admin socket.
    package init(on host: Host, _ arguments: [String], binary: String? = nil, prefix: [String] = []) throws {
        let hasSocket = ["node", "run", "ingress"].contains(arguments.first) && !arguments.contains("--admin-socket")
        self.process = try host.spawn(
            prefix + [try Self.locate(binary)] + arguments + (hasSocket ? ["--admin-socket", "none"] : []))
    }

    /// Starts `fairlead node` for a folder of manifests.
    package convenience init(
        nodeOn host: Host, manifests: ManifestFolder, _ further: [String] = [], binary: String? = nil
    ) throws {
        let arguments = ["node", "--manifests", manifests.path, "--cluster-cidr", Lab.clusterCIDR]
        try self.init(on: host, arguments + further, binary: binary)
    }

    package static func locate(_ binary: String? = nil) throws -> String {
        if let binary { return binary }
        if let named = unsafe getenv("FAIRLEAD_BINARY") { return unsafe String(cString: named) }
        // From a test bundle the running program is the tool's, so the build directory below the
        // working directory counts as well.
        let candidates = [Self.directoryOfThisProgram.map { "\($0)/fairlead" }, ".build/debug/fairlead"]
        guard let found = candidates.compactMap({ $0 }).first(where: { ChildProcess.find($0) != nil }) else {
            throw LabError("there is no fairlead program; build it or name it in FAIRLEAD_BINARY")
        }
        return found
    }

    private static var directoryOfThisProgram: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    /// The lines of its log so far.
    package var log: [String] { self.process.errorOutput.split(separator: "\n").map(String.init) }

    /// The first log line, of those after the first `skipping`, that contains `text`; nil if there is
    /// none within `timeout` or the process has ended without it.
    package func waitForLog(containing text: String, skipping: Int = 0, timeout: Duration = .seconds(10)) -> String? {
        func line() -> String? { self.log.dropFirst(skipping).first { $0.contains(text) } }
        waitUntil(timeout: timeout) { line() != nil || !self.process.isRunning }
        return line()
    }

    /// SIGTERM, as the service manager stops it. How it ended; nil if even SIGKILL did not help.
    @discardableResult
    package func terminate(timeout: Duration = .seconds(10)) -> ChildProcess.Status? {
        self.process.terminate(timeout: timeout)
    }

    /// SIGKILL: no chance to clean up.
    package func kill9() { self.process.kill() }
}
