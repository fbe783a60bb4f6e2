internal import ArgumentParser
internal import KubernetesAPI

/// Which API server to ask, where there are no manifests.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A kubeconfig file with the API server and how to authenticate. Without it, in a pod: its service account.",
            valueName: "file"))
    var kubeconfig: String?

    @Option(
        help: ArgumentHelp(
            "The API server's address instead of the one in the kubeconfig; several, separated by commas, are tried "
                + "in turn. Counts beside --config too.",
            valueName: "url,url"))
    var master: String?

    var given: [GivenFlag] { GivenFlag.list([("kubeconfig", self.kubeconfig)]) }

    func masters() throws(CommandFailure) -> [String] {
        guard let master, !master.isEmpty else { return [] }
        let addresses = master.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        for address in addresses where !["https://", "http://"].contains(where: address.hasPrefix) {
            throw .usage("--master: must be addresses such as https://192.0.2.10:6443, not '\(address)'")
        }
        return addresses
    }
}
