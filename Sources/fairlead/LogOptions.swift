internal import ArgumentParser
internal import KubernetesAPI
internal import Logging
internal import Observability

/// What is logged, of every command that runs on.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "How much to say: trace, debug, info, notice, warning, error or critical. Default: info.",
            valueName: "level"))
    var level: String?

    @Option(
        name: [.customShort("v", allowingJoined: true), .customLong("v")],
        help: ArgumentHelp(
            "The same as kube-proxy counts it: up to 3 is info, 4 and 5 are debug, from 6 on trace.",
            valueName: "verbosity"))
    var verbosity: String?

    @Option(
        name: .customLong("log-format"),
        help: ArgumentHelp("A line for people, or an object for machines, each in one line.", valueName: "format"))
    var format = LogFormat.text

    var given: [GivenFlag] {
        // `-v=2` reaches us as `=2`.
        GivenFlag.list([("v", self.verbosity.map { $0.hasPrefix("=") ? String($0.dropFirst()) : $0 })])
    }

    /// - Parameter configuration: what counts where `--log-level` says nothing.
    func validLevel(_ configuration: ProxyConfiguration) throws(CommandFailure) -> Logger.Level {
        guard let name = self.level else { return Self.level(verbosity: configuration.logging.verbosity) }
        guard let level = Logger.Level(rawValue: name) else {
            throw .usage("--log-level: '\(name)' is none of trace, debug, info, notice, warning, error, critical")
        }
        return level
    }

    /// The verbosities of klog: 2 is what most run with, 4 is for debugging (kubernetes community,
    /// contributors/devel/sig-instrumentation/logging.md).
    private static func level(verbosity: Int) -> Logger.Level {
        switch verbosity {
        case ...3: .info
        case 4...5: .debug
        default: .trace
        }
    }
}

extension LogFormat: ExpressibleByArgument {}
