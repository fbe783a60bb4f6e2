internal import Glibc
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Nftables

/// What kube-proxy's flags ask for instead of running: `--write-config-to`, `--cleanup`, `--init-only`.
struct Errands {
    private let start: NodeStart
    private let logger: Logger

    init(_ start: NodeStart, _ logger: Logger) {
        self.start = start
        self.logger = logger
    }

    func run(_ errand: TakeoverOptions.Errand) throws {
        switch errand {
        case .writeConfiguration(let path): try self.writeConfiguration(to: path)
        case .cleanUp: try self.cleanUp()
        case .initialize: try self.initialize()
        }
    }

    private func writeConfiguration(to path: String) throws {
        do throws(SystemError) {
            let file = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
            try file.write(self.start.configuration.yaml.utf8)
        } catch {
            throw CommandFailure.failed("cannot write the configuration: \(error)")
        }
    }

    private func cleanUp() throws {
        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()
        let isComplete: Bool
        do {
            isComplete = try NodePreparation.cleanUp(try NetlinkKernel(), logger: self.logger)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        withExtendedLifetime(lock) {}
        guard isComplete else {
            throw CommandFailure.failed("not everything could be removed: the log says what and why")
        }
    }

    private func initialize() throws {
        try Privileges.requireNetworkAdministration()
        let settings = ConntrackSettings(self.start.configuration.conntrack)
        guard NodePreparation.initialize(settings, logger: self.logger) else {
            throw CommandFailure.failed(
                "not every kernel setting could be made: the log says which, and how to mend it")
        }
    }
}

/// How likely the kernel ends this process when memory is short.
enum OutOfMemoryScore {
    static func set(_ configuration: ProxyConfiguration, _ logger: Logger) {
        let score = configuration.oomScoreAdj
        do throws(SystemError) {
            try HostSystem.setOutOfMemoryScore(score)
        } catch {
            // Only who asked for it wants to know: to lower the score takes CAP_SYS_RESOURCE, and in a pod the
            // kubelet has seen to it.
            let level: Logger.Level = score == ProxyConfiguration().oomScoreAdj ? .debug : .warning
            logger.log(
                level: level, "the score for memory shortage cannot be set",
                metadata: ["oom_score_adj": "\(score)", "reason": "\(error)"])
        }
    }
}
