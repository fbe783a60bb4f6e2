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

    /// The service that feeds the queue from it, and where events are written if there is an API server.
    func open(
        _ configuration: ProxyConfiguration,
        nodeName: String,
        queue: ChangeQueue,
        limits: ManifestLimits,
        logger: (_ label: String) -> Logger
    ) throws -> (service: any ServiceLifecycle.Service, events: EventRecorder?) {
        let client: ClientConfiguration
        switch self {
        case .manifests(let directory):
            let source = try ManifestSource(
                directory: directory, kinds: ObjectKind.ofNode, queue: queue, limits: limits,
                logger: logger("manifests"))
            return (source, nil)
        case .apiServer(let kubeconfig?, let masters):
            client = try .kubeconfig(at: kubeconfig, masters: masters)
        case .apiServer(nil, let masters):
            client = try .inCluster(environment: ProcessInfo.processInfo.environment, masters: masters)
        case .inCluster:
            client = try .inCluster(environment: ProcessInfo.processInfo.environment)
        }
        let connection = ClusterConnection(
            client, selections: ObjectSelection.node(named: nodeName), needed: [.service, .endpointSlice],
            controller: "fairlead.dev/node", instance: nodeName,
            format: WireFormat(contentType: configuration.clientConnection.contentType) ?? .protobuf,
            queue: queue, logger: logger("source"))
        return (connection, connection.events)
    }
}
