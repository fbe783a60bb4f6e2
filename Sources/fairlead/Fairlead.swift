internal import ArgumentParser
internal import Linux

/// The command line. Its flags are a contract: names are those that kube-proxy and ingress-nginx users
/// know. Exit codes: 0 done, 1 failed, 2 wrong usage.
@main
struct Fairlead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead",
        abstract: "The service data plane of a Kubernetes node.",
        discussion: """
            Makes Services answer at their virtual IPs by programming nftables over netlink: ClusterIP, \
            NodePort, load balancer and external IPs, for TCP, UDP and SCTP, over IPv4 and IPv6. Makes Ingress \
            rules route requests by host and path, over HTTP and HTTPS.
            """,
        version: "fairlead \(Self.versionNumber)",
        subcommands: [
            Run.self, Node.self, IngressCommand.self, Get.self, Check.self, Trace.self, Render.self, Cleanup.self,
        ]
    )

    static let versionNumber = "0.1.0"

    static func main() async {
        // A log that nobody reads any more must not end the data plane.
        Signals.ignoreBrokenPipes()
        do {
            var command = try Self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            Terminal.fail(failure)
        } catch {
            Terminal.exit(parsing: error, of: Self.self)
        }
    }
}

/// A command that could not do what it was asked.
struct CommandFailure: Error, CustomStringConvertible {
    /// What went wrong, and what to do.
    let description: String
    let exitCode: Int32

    static func failed(_ text: String) -> CommandFailure { CommandFailure(description: text, exitCode: 1) }
    static func usage(_ text: String) -> CommandFailure { CommandFailure(description: text, exitCode: 2) }
}
