package import Linux
package import Networking

/// One machine of the lab: a network namespace and the addresses it is known by.
package final class Host: Sendable {
    /// What it is called in the lab: `client`, `node`, `pod-1`.
    package let name: String
    package let namespace: NetworkNamespace
    package let ipv4: IPAddress
    package let ipv6: IPAddress

    init(name: String, namespace: NetworkNamespace, ipv4: IPAddress, ipv6: IPAddress) {
        self.name = name
        self.namespace = namespace
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    package func address(_ family: AddressFamily) -> IPAddress { family == .ipv4 ? self.ipv4 : self.ipv6 }

    /// Runs `body` on a thread inside this host and waits for it.
    package func run<Value: ~Copyable>(_ body: () throws -> Value) throws -> Value {
        try self.namespace.run(body)
    }

    /// Starts a program inside this host.
    package func spawn(
        _ arguments: [String],
        environment: [String]? = nil,
        workingDirectory: String? = nil,
        output: ChildProcess.Output = .captured,
        errorOutput: ChildProcess.Output = .captured
    ) throws -> ChildProcess {
        try ChildProcess(
            arguments, environment: environment, workingDirectory: workingDirectory, namespace: self.namespace,
            output: output, errorOutput: errorOutput
        )
    }

    /// Runs a program inside this host to its end, whatever that is.
    package func execute(
        _ arguments: [String],
        timeout: Duration = .seconds(30)
    ) throws -> ChildProcess.Completion {
        try ChildProcess.run(arguments, namespace: self.namespace, timeout: timeout)
    }

    /// What `sh -c command` prints; throws ``LabError`` if it fails.
    @discardableResult
    package func shell(_ command: String, timeout: Duration = .seconds(30)) throws -> String {
        let completion = try self.execute(["sh", "-c", command], timeout: timeout)
        guard completion.succeeded else {
            throw LabError("\(self.name): \(command): \(completion.status): \(completion.errorOutput)")
        }
        return completion.output
    }

    /// Writes kernel parameters of this host's namespace, named as paths below `/proc/sys`.
    package func setKernelParameters(_ parameters: [(path: String, value: String)]) throws {
        try self.run {
            for (path, value) in parameters {
                try Descriptor.open("/proc/sys/\(path)", flags: 1).write(value.utf8)
            }
        }
    }
}

/// Something the lab needed did not work; the message says what.
package struct LabError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
