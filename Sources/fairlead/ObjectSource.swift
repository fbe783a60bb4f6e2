internal import ClusterState
internal import KubernetesAPI
internal import Logging
internal import ServiceLifecycle

/// Where the objects come from.
enum ObjectSource: Hashable {
    case manifests(directory: String)
    /// By a kubeconfig file, other addresses instead of its own, or both.
    case apiServer(kubeconfig: String?, masters: [String])
    /// The service account of the pod that this runs in.
    case inCluster

    /// `--manifests` goes before all else; then an API server if anything names one.
    static func resolve(
        _ source: SourceOptions, _ cluster: ClusterOptions, _ configuration: ProxyConfiguration
    ) throws(CommandFailure) -> ObjectSource {
        let masters = try cluster.masters()
        if let directory = source.manifests {
            guard cluster.kubeconfig == nil, masters.isEmpty else {
                throw .usage("--manifests, --kubeconfig, --master: objects come from files or from an API server")
            }
            return .manifests(directory: directory)
        }
        let kubeconfig = configuration.clientConnection.kubeconfig
        guard !kubeconfig.isEmpty || !masters.isEmpty else { return .inCluster }
        return .apiServer(kubeconfig: kubeconfig.isEmpty ? nil : kubeconfig, masters: masters)
    }

    /// The service that feeds the queue from it.
    func makeSource(queue: ChangeQueue, limits: ManifestLimits, logger: Logger) throws -> any ServiceLifecycle.Service {
        switch self {
        case .manifests(let directory):
            return try ManifestSource(directory: directory, queue: queue, limits: limits, logger: logger)
        case .apiServer(let kubeconfig, let masters):
            let names = (kubeconfig.map { [$0] } ?? []) + masters
            throw Self.notYet("of \(names.joined(separator: ", "))")
        case .inCluster:
            throw Self.notYet("that this pod belongs to")
        }
    }

    private static func notYet(_ which: String) -> CommandFailure {
        .failed("the API server \(which) cannot be asked: this build has no client for it. Use --manifests DIRECTORY")
    }
}
