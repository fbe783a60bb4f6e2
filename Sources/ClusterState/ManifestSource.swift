internal import Glibc
package import KubernetesAPI
package import Linux
package import Logging
internal import ServiceLifecycle

/// Reads a directory of manifests and follows it with inotify.
///
/// It reads every `*.yaml`, `*.yml` and `*.json` in the directory itself. A file is taken over whole,
/// when its writer closes it or a rename puts it there; a broken or unreadable one keeps its last good
/// content. Symbolic links to files are followed, also where the directory they lead through is
/// swapped as in a mounted ConfigMap. If the directory goes away the last state stays until it is back.
package final class ManifestSource: ServiceLifecycle.Service, Sendable {
    private let directory: String
    private let kinds: Set<ObjectKind>
    private let queue: ChangeQueue
    private let limits: ManifestLimits
    private let logger: Logger
    private let stop: WakeUp

    /// - Parameter kinds: what is submitted; the others cost nothing.
    package init(
        directory: String,
        kinds: Set<ObjectKind>,
        queue: ChangeQueue,
        limits: ManifestLimits = ManifestLimits(),
        logger: Logger
    ) throws(ManifestSourceError) {
        self.directory = directory
        self.kinds = kinds
        self.queue = queue
        self.limits = limits
        self.logger = logger
        do throws(SystemError) {
            self.stop = try WakeUp()
            _ = try FileStatus.names(inDirectory: directory)
        } catch {
            throw ManifestSourceError(directory: directory, cause: error)
        }
    }

    /// Follows the directory until graceful shutdown or cancellation. Owns one thread meanwhile.
    package func run() async throws {
        let stop = self.stop
        let failure = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "manifests") { self.follow() }
            } onGracefulShutdown: {
                stop.signal()
            }
        } onCancel: {
            stop.signal()
        }
        if let failure { throw failure }
    }

    private func follow() -> ManifestSourceError? {
        do throws(SystemError) {
            var follower = try ManifestFollower(
                directory: self.directory,
                kinds: self.kinds,
                queue: self.queue,
                limits: self.limits,
                logger: self.logger
            )
            while true {
                let ready = try Poller.wait(
                    readable: follower.descriptors + [self.stop.number], timeout: follower.timeout)
                if ready.contains(self.stop.number) { return nil }
                try follower.step()
            }
        } catch {
            return ManifestSourceError(directory: self.directory, cause: error)
        }
    }
}

/// The directory cannot be read, or not be followed.
package struct ManifestSourceError: Error, Sendable, Hashable, CustomStringConvertible {
    package let directory: String
    package let cause: SystemError

    package var description: String {
        let advice =
            switch self.cause.number {
            case ENOENT: "create it, or name another directory"
            case ENOTDIR: "name a directory, not a file"
            case EACCES: "let this user read it"
            case EMFILE, ENOSPC: "raise fs.inotify.max_user_instances and max_user_watches"
            default: "see to it, then start again"
            }
        return "cannot follow manifests in \(self.directory): \(self.cause.reason); \(advice)"
    }
}
