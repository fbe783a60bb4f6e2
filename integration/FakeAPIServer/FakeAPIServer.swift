package import KubernetesAPI
internal import KubernetesMessages
internal import KubernetesWire
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL
package import Networking

/// A Kubernetes API server for tests: real sockets, real TLS, the watch protocol to the letter, and faults.
///
/// Its thread is made by ``start(_:)``, in the network namespace of the thread that calls it.
package final class FakeAPIServer: Sendable {
    /// Something that could not be done as asked.
    package struct Problem: Error, Sendable, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let core: NIOLoopBound<ServerCore>
    private let listener: any Channel
    let credentials: Credentials
    let address: String

    /// Where it listens.
    package let port: Int

    private init(
        _ group: MultiThreadedEventLoopGroup,
        _ core: NIOLoopBound<ServerCore>,
        _ listener: any Channel,
        _ credentials: Credentials,
        address: String
    ) {
        self.group = group
        self.loop = group.any()
        self.core = core
        self.listener = listener
        self.credentials = credentials
        self.address = address
        self.port = listener.localAddress?.port ?? 0
    }

    package static func start(
        _ configuration: FakeAPIServerConfiguration = FakeAPIServerConfiguration()
    ) async throws -> FakeAPIServer {
        let credentials = try Credentials.shared(names: configuration.certifiedNames)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.any()
        do {
            let context = try self.context(credentials, configuration)
            let core = try await loop.submit {
                let core = ServerCore(configuration, loop: loop)
                core.startBookmarks()
                return NIOLoopBound(core, eventLoop: loop)
            }.get()
            let listener = try await self.listen(configuration, core, context, on: loop)
            return FakeAPIServer(group, core, listener, credentials, address: configuration.address)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private static func context(
        _ credentials: Credentials,
        _ configuration: FakeAPIServerConfiguration
    ) throws -> NIOSSLContext {
        let authority = try NIOSSLCertificate.fromPEMBytes(Array(credentials.authority.utf8))
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(credentials.serverCertificate.utf8))
                .map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(credentials.serverKey.utf8), format: .pem))
        )
        tls.minimumTLSVersion = .tlsv12
        tls.trustRoots = .certificates(authority)
        tls.certificateVerification = .optionalVerification
        tls.applicationProtocols = configuration.offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        return try NIOSSLContext(configuration: tls)
    }

    private static func listen(
        _ configuration: FakeAPIServerConfiguration,
        _ core: NIOLoopBound<ServerCore>,
        _ context: NIOSSLContext,
        on loop: any EventLoop
    ) async throws -> any Channel {
        // A socket belongs to the network namespace of the thread that makes it.
        try await loop.flatSubmit {
            self.bootstrap(core, context, on: loop).bind(host: configuration.address, port: configuration.port)
        }.get()
    }

    private static func bootstrap(
        _ core: NIOLoopBound<ServerCore>,
        _ context: NIOSSLContext,
        on loop: any EventLoop
    ) -> ServerBootstrap {
        ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    core.value.opened(channel)
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                }.flatMap {
                    channel.configureCommonHTTPServerPipeline { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(RequestHandler(core.value))
                        }
                    }
                }
            }
    }

    /// Ends it and all its connections.
    package func stop() async throws {
        try await self.listener.close()
        try await self.perform { $0.stop() }
        try await self.group.shutdownGracefully()
    }

    private func perform<Value: Sendable>(_ action: @escaping @Sendable (ServerCore) throws -> Value) async throws
        -> Value
    {
        try await self.loop.submit { [core] in try action(core.value) }.get()
    }

    // MARK: - Objects

    /// When watches had been written to: nanoseconds of `CLOCK_MONOTONIC`.
    package struct WrittenAt: Sendable, Hashable {
        package let nanoseconds: Int64

        static func now() -> WrittenAt { WrittenAt(nanoseconds: MonotonicClock.nanoseconds()) }
    }

    /// Makes objects, or new versions of them.
    @discardableResult
    package func apply(_ objects: [KubernetesObject]) async throws -> WrittenAt {
        try await self.perform { core in
            for object in objects { _ = try core.put(StoredMessage(object)) }
            return .now()
        }
    }

    @discardableResult
    package func apply(_ objects: KubernetesObject...) async throws -> WrittenAt {
        try await self.apply(objects)
    }

    /// An object in JSON, with labels and annotations that Fairlead would not keep.
    @discardableResult
    package func apply(json: String, to resource: Resource) async throws -> WrittenAt {
        let message = try StoredMessage(resource, Array(json.utf8), .json)
        return try await self.perform { core in
            _ = try core.put(message)
            return .now()
        }
    }

    @discardableResult
    package func delete(_ key: ObjectKey) async throws -> WrittenAt {
        try await self.delete(Resource(key.kind), namespace: key.name.namespace, name: key.name.name)
    }

    @discardableResult
    package func delete(
        _ resource: Resource,
        namespace: String,
        name: String
    ) async throws -> WrittenAt {
        try await self.perform { core in
            guard let change = core.store.delete(resource, .init(namespace: namespace, name: name)) else {
                throw Problem(description: "\(resource.rawValue) \(namespace)/\(name) is not there")
            }
            try core.publish(change)
            return .now()
        }
    }

    /// Answers a GET of a path with this, whatever kind it is of: Pods, for one, which are asked for and not followed.
    package func show(json: String, at path: String) async throws {
        try await self.perform { $0.documents[path] = Array(json.utf8) }
    }

    /// The query of the last GET of such a path; nil if there has been none.
    package func query(ofDocumentAt path: String) async throws -> [String: String]? {
        try await self.perform { $0.documentQueries[path] }
    }

    /// The object as a `GET` in JSON would give it; nil if it is not there.
    package func json(_ resource: Resource, namespace: String, name: String) async throws -> String? {
        try await self.perform { core in
            try core.store.object(resource, .init(namespace: namespace, name: name)).map {
                String(decoding: try Encoding.object($0, .json), as: UTF8.self)
            }
        }
    }

    /// The names of all objects of a resource, as `namespace/name`.
    package func names(_ resource: Resource) async throws -> [String] {
        try await self.perform { core in
            core.store.all(resource, namespace: nil).map { object in
                let metadata = object.message.metadata
                return ObjectName(namespace: metadata.namespace, name: metadata.name).description
            }
        }
    }

    /// Replaces the address of one endpoint of a slice.
    @discardableResult
    package func setEndpoint(
        _ index: Int,
        of slice: ObjectName,
        to address: IPAddress
    ) async throws -> WrittenAt {
        try await self.perform { core in
            let name = ObjectStore.Name(namespace: slice.namespace, name: slice.name)
            guard case .endpointSlice(var message)? = core.store.object(.endpointSlices, name)?.message,
                message.endpoints.indices.contains(index)
            else { throw Problem(description: "endpointslices \(slice) has no endpoint \(index)") }
            message.endpoints[index].addresses = [address.description]
            _ = try core.put(.endpointSlice(message))
            return .now()
        }
    }

    package func resourceVersion() async throws -> Int { try await self.perform { $0.store.resourceVersion } }

    // MARK: - Behaviour

    package func counts() async throws -> Counts { try await self.perform { $0.counts } }

    package func resetCounts() async throws {
        try await self.perform { core in
            core.counts.requests = [:]
            core.counts.bytesSent = 0
            core.counts.bytesReceived = 0
            core.counts.unauthorized = 0
        }
    }

    /// Changes what goes wrong.
    package func setFaults(_ change: @escaping @Sendable (inout Faults) -> Void) async throws {
        try await self.perform { core in
            var faults = core.faults
            change(&faults)
            core.setFaults(faults)
        }
    }

    package func faults() async throws -> Faults { try await self.perform { $0.faults } }

    /// Changes who may do what; where it listens stays.
    package func configure(_ change: @escaping @Sendable (inout FakeAPIServerConfiguration) -> Void) async throws {
        try await self.perform { core in
            let interval = core.configuration.bookmarkInterval
            change(&core.configuration)
            if core.configuration.bookmarkInterval != interval { core.startBookmarks() }
        }
    }

    /// Closes all connections, in the middle of whatever they are at.
    package func dropConnections() async throws { try await self.perform { $0.dropConnections() } }

    /// Ends all watches as the server does after their time.
    package func endWatches() async throws { try await self.perform { $0.endWatches() } }

    package func sendBookmarks() async throws { try await self.perform { $0.sendBookmarks() } }

    /// Forgets the history, and the lists that pages are left of.
    package func compact() async throws {
        try await self.perform { core in
            core.store.compact()
            core.pages = [:]
        }
    }

    /// What restoring a backup does: all connections are closed, and versions begin again at a lower one.
    package func restart(resourceVersion: Int) async throws {
        try await self.perform { core in
            core.dropConnections()
            core.pages = [:]
            try core.store.restore(resourceVersion: resourceVersion)
        }
    }
}

extension Resource {
    init(_ kind: ObjectKind) {
        self =
            switch kind {
            case .service: .services
            case .endpointSlice: .endpointSlices
            case .node: .nodes
            case .serviceCIDR: .serviceCIDRs
            case .ingress: .ingresses
            case .ingressClass: .ingressClasses
            case .secret: .secrets
            }
    }
}
