internal import Admin
internal import ClusterState
internal import FoundationEssentials
internal import Glibc
internal import HTTPProxy
internal import IngressControl
internal import KubernetesAPI
internal import KubernetesClient
internal import KubernetesWire
internal import Linux
internal import Logging
internal import Observability
internal import ServiceLifecycle

/// The ingress role as services, wired to each other.
struct IngressServices {
    private let settings: IngressSettings
    private let identity: ReplicaIdentity
    private let logger: (_ label: String) -> Logger
    private let proxy: HTTPProxy
    private let writer: AccessLogWriter
    private let board = IngressBoard()
    private let metrics: IngressMetrics
    let health: IngressHealth
    /// Where the source leaves what it has.
    let queue: ChangeQueue
    private let wakeUp: WakeUp
    private var status: StatusPublisher?
    /// Whether one of several replicas is chosen, who writes statuses and events.
    private var isElected = false
    private let locks: [HeldLock]
    /// To be asked for after the services.
    private(set) var interface: IngressInterface?

    /// Opens the ports, and what else can fail.
    init(
        _ settings: IngressSettings,
        _ identity: ReplicaIdentity,
        registry: MetricRegistry,
        logger: @escaping (_ label: String) -> Logger
    ) throws {
        var settings = settings
        let descriptors = DescriptorLimit.raise()
        // Who has not said how many is content with what there is.
        let isWish = settings.proxy.limits.maximumConnections != ProxyLimits().maximumConnections
        if settings.proxy.limits.fit(descriptors: descriptors, workers: settings.proxy.workers) {
            logger("ingress").log(
                level: isWish ? .warning : .info,
                "fewer connections are taken than --max-worker-connections says, for want of descriptors",
                metadata: [
                    "connections": "\(settings.proxy.limits.maximumConnections)", "descriptors": "\(descriptors)",
                    "mend": "LimitNOFILE=, ulimit -n",
                ])
        }
        self.locks = try (settings.proxy.plainAddresses + settings.proxy.secureAddresses).map(Privileges.takePortLock)
        let sink = try AccessLogSink(room: settings.proxy.limits.accessLogBufferSize)
        self.writer = try Self.openAccessLog(settings.accessLog, sink, logger("access log"))
        settings.proxy.accessLog = sink
        let proxy = try Self.listen(settings.proxy, logger("proxy"))
        self.proxy = proxy
        self.health = IngressHealth(self.board)
        self.metrics = IngressMetrics(registry, board: self.board) {
            proxy.report()
        } routes: {
            proxy.routeReport($0, within: IngressInterface.workersPatience)
        }
        registry.counter(
            "fairlead_ingress_access_log_dropped_lines_total", "Lines of the access log that could not be written."
        ) { Double(sink.droppedLines) }
        self.wakeUp = try WakeUp()
        self.queue = ChangeQueue(wakeUp: self.wakeUp, kinds: ObjectKind.ofIngress)
        self.settings = settings
        self.identity = identity
        self.logger = logger
    }

    private static func openAccessLog(
        _ target: AccessLogWriter.Target, _ sink: AccessLogSink, _ logger: Logger
    ) throws -> AccessLogWriter {
        do throws(SystemError) {
            return try AccessLogWriter(target, sink: sink, logger: logger)
        } catch {
            throw CommandFailure.failed("--access-log: \(error)")
        }
    }

    private static func listen(_ configuration: HTTPProxyConfiguration, _ logger: Logger) throws -> HTTPProxy {
        do throws(SystemError) {
            return try HTTPProxy(configuration, logger: logger)
        } catch {
            throw CommandFailure.failed(ListeningFailure.describe(error))
        }
    }

    /// What is to run, in the order in which it starts; it ends in the opposite one.
    ///
    /// - Parameter recorder: who writes events in the name of the ingress role; nil without an API server.
    mutating func services(_ feed: ObjectSource.Feed, recorder: EventRecorder?) throws -> [any ServiceLifecycle.Service]
    {
        let settings = self.settings
        let client = feed.connection?.client
        let workload = client.flatMap { client in
            self.identity.pod.map { AddressResolver.Workload(client, pod: $0) }
        }
        let status = StatusPublisher(
            settings.writesStatus ? client.map { StatusWriter($0) } : nil,
            resolver: AddressResolver(
                settings.source, workload: workload, isAlone: !self.identity.isInPod, logger: self.logger("status")),
            clearsAtEnd: settings.clearsStatus, logger: self.logger("status"))
        self.status = status
        self.isElected = client != nil && settings.writesStatus
        let events = recorder.map { ProblemEvents($0, board: self.board, leads: !self.isElected) }
        let proxy = self.proxy
        let control = try IngressControl(
            settings.control, publishService: settings.publishService, board: self.board, queue: self.queue,
            wakeUp: self.wakeUp,
            publish: IngressControl.Publishing(
                snapshot: { proxy.publish($0) }, news: { status.take($0) }, problems: { events?.take($0) }),
            metrics: self.metrics, logger: self.logger("ingress"))
        self.interface = IngressInterface(control: control, board: self.board, proxy: proxy)
        var services: [any ServiceLifecycle.Service] = [self.writer, control, proxy]
        if settings.gracePeriod > .zero { services.append(GracePeriod(duration: settings.gracePeriod)) }
        if let client, self.isElected {
            services.append(
                LeaseElector(
                    client, lease: ObjectName(namespace: self.identity.namespace, name: settings.electionID),
                    identity: self.identity.leaseHolder, format: feed.format, logger: self.logger("leader")
                ) { leads in
                    status.lead(leads)
                    events?.lead(leads)
                })
        }
        return services + [status, self.health]
    }

    // MARK: - Pages

    /// Of the metrics site. To be asked for after the services.
    var pages: [String: Site.Page] {
        let (board, health, status, proxy) = (self.board, self.health, self.status, self.proxy)
        let leads = self.isElected ? status : nil
        return [
            "/ingress/routes": { .json(IngressDocuments.routes(board.state)) },
            "/ingress/backends": { .json(IngressDocuments.backends(board.state, proxy.health)) },
            "/ingress/certificates": { .json(IngressDocuments.certificates(board.state)) },
            "/ingress/problems": { .json(IngressDocuments.problems(board.state)) },
            "/ingress/status": {
                .json(
                    IngressDocuments.status(
                        board.state, addresses: status?.addresses, leads: leads?.leads, isDraining: health.isDraining))
            },
        ]
    }

    /// Says where it listens.
    func announce() {
        func text(_ addresses: [some CustomStringConvertible]) -> String {
            addresses.map(\.description).joined(separator: ", ")
        }
        var metadata: Logger.Metadata = ["workers": "\(self.settings.proxy.workers)"]
        if !self.proxy.plainAddresses.isEmpty { metadata["http"] = "\(text(self.proxy.plainAddresses))" }
        if !self.proxy.secureAddresses.isEmpty { metadata["https"] = "\(text(self.proxy.secureAddresses))" }
        self.logger("ingress").info("listening", metadata: metadata)
    }
}

/// Why a port could not be opened, and what to do.
enum ListeningFailure {
    static func describe(_ error: SystemError) -> String {
        let advice =
            switch error.number {
            case EADDRINUSE:
                "another process listens there: `ss -ltnp` shows which. Stop it, or take other ports (--http-port, "
                    + "--https-port) or another address (--bind-address)"
            case EACCES, EPERM:
                """
                ports below 1024 need the capability CAP_NET_BIND_SERVICE, which this process does not have. One of:
                  - take other ports: --http-port 8080 --https-port 8443
                  - give it to the program: sudo setcap cap_net_bind_service+ep /path/to/fairlead
                  - in a systemd unit: AmbientCapabilities=CAP_NET_BIND_SERVICE
                  - in a pod: the sysctl net.ipv4.ip_unprivileged_port_start=0, or other container ports
                """
            case EADDRNOTAVAIL: "no interface of this host has that address (--bind-address)"
            case EAFNOSUPPORT: "this host has no such addresses: name others (--bind-address)"
            default: "see to it, then start again"
            }
        return "cannot listen: \(error): \(advice)"
    }
}
