internal import ArgumentParser
internal import Linux
internal import Logging

/// Where the node role answers the admin API.
struct AdminSocketOptions: ParsableArguments {
    static let defaultPath = "/run/fairlead/node.sock"

    @Option(
        name: .customLong("admin-socket"),
        help: ArgumentHelp(
            """
            The unix socket at which `fairlead get` asks, for this process's user alone. `none`: there is none. Default: \
            \(Self.defaultPath), if it can be had.
            """, valueName: "path"))
    var adminSocket: String?

    /// nil for none. One that was asked for is needed; the default one is not.
    func open(_ logger: Logger) throws(CommandFailure) -> UnixListener? {
        if let adminSocket, adminSocket.isEmpty || adminSocket == "none" { return nil }
        do throws(UnixListenerError) {
            return try UnixListener.open(self.adminSocket ?? Self.defaultPath)
        } catch {
            guard self.adminSocket == nil else {
                throw .failed("--admin-socket: cannot listen at \(error). \(Self.advice(error.reason))")
            }
            logger.warning(
                "`fairlead get` has nobody to ask here: the admin socket cannot be opened",
                metadata: ["reason": "\(error)", "mend": "--admin-socket with another path, or none"])
            return nil
        }
    }

    private static func advice(_ reason: UnixListenerError.Reason) -> String {
        switch reason {
        case .inUse: "Stop that one first, or take another path."
        case .occupied: "Remove it, or take another path."
        case .pathTooLong: "Take a shorter path."
        case .failed: "Take a path in a folder that this process may write to."
        }
    }
}
