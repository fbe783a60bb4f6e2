internal import Admin
internal import ArgumentParser
internal import Linux
internal import Logging
internal import Networking

/// Where the admin API is answered.
struct AdminSocketOptions: ParsableArguments {
    /// Where it is by default: whoever has the node role has that of the node.
    enum DefaultPath: String {
        case node = "/run/fairlead/node.sock"
        case ingress = "/run/fairlead/ingress.sock"
    }

    @Option(
        name: .customLong("admin-socket"),
        help: ArgumentHelp(
            """
            The unix socket at which `fairlead get` and `fairlead trace` ask, for this process's user alone. `none`: there is none. \
            Default: \(DefaultPath.node.rawValue), of the ingress role alone \(DefaultPath.ingress.rawValue); if it can be had.
            """, valueName: "path"))
    var adminSocket: String?

    @Option(
        name: .customLong("admin-bind-address"),
        help: ArgumentHelp(
            "Where the admin API and the dashboard answer by TCP: an address, with its port or with \(Self.defaultPort). Default: nowhere.",
            valueName: "address:port"))
    var adminBindAddress: String?

    @Option(
        name: .customLong("admin-token-file"),
        help: ArgumentHelp(
            """
            A file whose first line everybody has to know who asks by TCP (Authorization: Bearer). Needed unless that is at a loopback \
            address.
            """, valueName: "file"))
    var adminTokenFile: String?

    private static let defaultPort: UInt16 = 10257

    /// What answers by TCP; nil: nothing does. Checked before anything is opened.
    func portal() throws(CommandFailure) -> (address: BindAddress, token: AdminToken?)? {
        let token = try self.adminTokenFile.map { (path) throws(CommandFailure) in try AdminToken(file: path) }
        guard let text = self.adminBindAddress, !text.isEmpty else {
            guard token == nil else {
                throw .usage("--admin-token-file: nobody is asked for it without --admin-bind-address")
            }
            return nil
        }
        guard let address = BindAddress(text, defaultPort: Self.defaultPort) else {
            throw .usage("--admin-bind-address: '\(text)' is not an address with or without a port")
        }
        guard token != nil || address.address.isLoopback else {
            throw .usage(
                "--admin-bind-address: at \(address.address), which others can reach, --admin-token-file is needed")
        }
        return (address, token)
    }

    /// nil for none. One that was asked for is needed; the default one is not.
    func open(_ path: DefaultPath, _ logger: Logger) throws(CommandFailure) -> UnixListener? {
        if let adminSocket, adminSocket.isEmpty || adminSocket == "none" { return nil }
        do throws(UnixListenerError) {
            return try UnixListener.open(self.adminSocket ?? path.rawValue)
        } catch {
            guard self.adminSocket == nil else {
                throw .failed("--admin-socket: cannot listen at \(error). \(Self.advice(error.reason))")
            }
            // The ingress role needs no privilege, and without any it has none to make the folder with.
            logger.log(
                level: path == .node ? .warning : .info,
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
