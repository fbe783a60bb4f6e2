internal import ClusterState
internal import FoundationEssentials
internal import KubernetesAPI
internal import KubernetesClient
internal import KubernetesWire
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

    /// Whether there is a cluster, in which every node has a Node.
    var isCluster: Bool {
        switch self {
        case .manifests: false
        case .apiServer, .inCluster: true
        }
    }

    /// How to reach the API server. Without a kubeconfig file this is a pod.
    func clientConfiguration() throws -> ClientConfiguration {
        var addresses: [String] = []
        if case .apiServer(let kubeconfig, let masters) = self {
            if let kubeconfig { return try .kubeconfig(at: kubeconfig, masters: masters) }
            addresses = masters
        }
        return try .inCluster(environment: ProcessInfo.processInfo.environment, masters: addresses)
    }

    /// Whether this process is a pod, as its environment says.
    static var isInPod: Bool { ProcessInfo.processInfo.environment["KUBERNETES_SERVICE_HOST"] != nil }

    /// What feeds a queue.
    struct Feed {
        let service: any ServiceLifecycle.Service
        /// nil without an API server.
        let connection: ClusterConnection?
        let format: WireFormat
    }

    /// The service that feeds the queue from it.
    func open(
        _ configuration: ProxyConfiguration,
        _ needs: SourceNeeds,
        queue: ChangeQueue,
        limits: ManifestLimits,
        logger: (_ label: String) -> Logger
    ) throws -> Feed {
        let format = WireFormat(contentType: configuration.clientConnection.contentType) ?? .protobuf
        if case .manifests(let directory) = self {
            let source = try ManifestSource(
                directory: directory, kinds: needs.kinds, queue: queue, limits: limits, logger: logger("manifests"))
            return Feed(service: source, connection: nil, format: format)
        }
        let client = try self.clientConfiguration()
        let connection = ClusterConnection(
            client, selections: needs.selections, needed: needs.needed, controller: needs.controller,
            instance: needs.instance, format: format, queue: queue, logger: logger("source"))
        return Feed(service: connection, connection: connection, format: format)
    }
}
