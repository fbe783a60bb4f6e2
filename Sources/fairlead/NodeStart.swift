internal import ClusterState
internal import KubernetesAPI
internal import Logging

/// With what the node role starts: the file of `--config`, and the flags.
struct NodeStart {
    let configuration: ProxyConfiguration
    let file: ConfigurationFile?
    /// Flags that count for nothing because there is a file.
    private let ignored: [GivenFlag]

    /// The file's mistakes are failures, the command line's are wrong usage.
    init(config: String?, flags: [GivenFlag]) throws(CommandFailure) {
        do throws(ConfigurationFileError) {
            self.file = try config.map { path throws(ConfigurationFileError) in try ConfigurationFile.read(path) }
        } catch {
            throw .failed("\(error)")
        }
        var configuration = self.file?.configuration ?? .ofNoFile
        do throws(FlagError) {
            self.ignored = try configuration.apply(flags, hasFile: self.file != nil)
        } catch {
            throw .usage("\(error)")
        }
        self.configuration = configuration
    }

    /// Says once what of it was passed over.
    func report(_ source: ObjectSource, _ logger: Logger) {
        for warning in self.file?.warnings ?? [] {
            logger.warning(
                "configuration warning",
                metadata: ["file": "\(warning.file)", "line": "\(warning.line)", "reason": "\(warning.reason)"])
        }
        if !self.ignored.isEmpty {
            logger.warning(
                "flags count for nothing where there is a configuration file",
                metadata: ["flags": "\(self.ignored.map(\.option).joined(separator: " "))"])
        }
        let inVain = self.configuration.settingsInVain(asFlags: self.file == nil)
        if !inVain.isEmpty {
            logger.notice(
                "settings of kube-proxy that have no meaning here are passed over",
                metadata: ["settings": "\(inVain.joined(separator: ", "))"])
        }
        self.reportMode(logger)
        if case .manifests = source, !self.configuration.clientConnection.kubeconfig.isEmpty {
            logger.notice("--manifests goes before clientConnection.kubeconfig of the configuration file")
        }
    }

    private func reportMode(_ logger: Logger) {
        let mode = self.configuration.mode
        if mode == .iptables || mode == .ipvs {
            logger.notice("Fairlead programs nftables, whatever the mode", metadata: ["mode": "\(mode.rawValue)"])
        }
        if self.configuration.nodePortAddresses == .unset, mode != .nftables {
            let said = mode == .unset ? "unset" : mode.rawValue
            logger.notice(
                """
                NodePorts answer on all of the node's addresses, as by kube-proxy in this mode; nodePortAddresses can \
                be primary
                """, metadata: ["mode": "\(said)"])
        }
    }
}
