package import Linux
package import Logging
internal import ServiceLifecycle

/// Ends the process when its configuration file comes to say something else, so that the supervisor starts
/// it with the new one: what kube-proxy does (cmd/kube-proxy/app/options.go).
///
/// It is the content that counts. A mounted ConfigMap is swapped as a whole, this file with it, also when
/// only its neighbour has changed.
package final class ConfigurationWatch: ServiceLifecycle.Service, Sendable {
    private let file: ConfigurationFile
    private let logger: Logger
    private let stop: WakeUp

    /// A link may come to lead elsewhere, of which the directory it is in hears nothing.
    static let linkCheckInterval = Duration.seconds(5)

    package init(_ file: ConfigurationFile, logger: Logger) throws(SystemError) {
        self.file = file
        self.logger = logger
        self.stop = try WakeUp()
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// - Throws: ``ConfigurationFileError`` when the file has changed, or cannot be followed.
    package func run() async throws {
        let stop = self.stop
        let failure = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "configuration") { self.follow() }
            } onGracefulShutdown: {
                stop.signal()
            }
        } onCancel: {
            stop.signal()
        }
        if let failure { throw failure }
    }

    private func follow() -> ConfigurationFileError? {
        do throws(SystemError) {
            let inotify = try Inotify()
            // The directory: a file that is replaced is not the file that was followed.
            try inotify.follow(directory: Self.directory(of: self.file.path), PendingFiles.mask)
            // A change between the first reading and the line above has no event.
            while !self.hasChanged() {
                let ready = try Poller.wait(
                    readable: [inotify.number, self.stop.number], timeout: Self.linkCheckInterval)
                if ready.contains(self.stop.number) { return nil }
                // While it is being written it says nothing yet: its close is an event of its own.
                while try inotify.events().contains(where: { $0.mask.contains(.modify) }) {
                    _ = try Poller.wait(readable: [inotify.number, self.stop.number], timeout: .milliseconds(200))
                }
            }
            self.logger.error(
                "the configuration file has changed; this ends, so that the next start takes it over",
                metadata: ["file": "\(self.file.path)"])
            return ConfigurationFileError(
                .changed, message: "the configuration file \(self.file.path) has changed: start again to take it over")
        } catch {
            return ConfigurationFileError(
                .unwatched, message: "cannot follow the configuration file \(self.file.path): \(error)")
        }
    }

    /// One that is gone, or cannot be read, has not come to say something else.
    private func hasChanged() -> Bool {
        guard let bytes = try? ConfigurationFile.bytes(of: self.file.path) else { return false }
        return bytes != self.file.bytes
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
