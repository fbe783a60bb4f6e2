internal import KubernetesMessages
internal import KubernetesWire
internal import Linux
internal import NIOCore
internal import NIOHTTP1

/// The API server's behaviour: requests in, answers and watches out. Lives on the event loop.
final class ServerCore {
    let loop: any EventLoop
    var configuration: FakeAPIServerConfiguration
    var store: ObjectStore
    var faults = Faults()
    var counts = Counts()
    var connections: [ObjectIdentifier: any Channel] = [:]
    /// Answers that wait for the end of a freeze.
    var frozen: [Exchange] = []
    /// The lists that pages are taken from, by the token of the next.
    var pages: [String: Page] = [:]
    private(set) var watches: [ObjectIdentifier: Watch] = [:]
    private var bookmarks: RepeatedTask?
    var lastPage = 0
    /// Kinds that are not kept as objects: what a GET of their paths is answered, in JSON.
    var documents: [String: [UInt8]] = [:]
    /// With which query each was asked for last.
    var documentQueries: [String: [String: String]] = [:]

    /// The rest of a list, as it was when its first page was asked for.
    struct Page {
        let objects: ArraySlice<StoredObject>
        let resourceVersion: Int
    }

    /// Bytes of initial events that are handed on at once.
    private static let batchSize = 64 << 10

    init(_ configuration: FakeAPIServerConfiguration, loop: any EventLoop) {
        self.configuration = configuration
        self.loop = loop
        self.store = ObjectStore(
            resourceVersion: configuration.resourceVersion,
            maximumHistory: configuration.maximumHistory
        )
    }

    // MARK: - Requests

    func handle(_ request: Request, _ exchange: Exchange) {
        self.counts.bytesReceived += request.body.count
        if ["/healthz", "/livez", "/readyz"].contains(request.path) {
            return exchange.answer(200, type: "text/plain; charset=utf-8", Array("ok".utf8))
        }
        if request.path == "/version" {
            let version = #"{"major":"1","minor":"36","gitVersion":"v1.36.1","platform":"linux/amd64"}"#
            return exchange.answer(200, type: "application/json", Array(version.utf8))
        }
        let format = request.accepted
        do {
            guard let format else {
                throw Refusal(
                    406, "NotAcceptable",
                    "only the following media types are accepted: application/json, "
                        + "application/vnd.kubernetes.protobuf")
            }
            try self.answer(request, format, exchange)
        } catch let refusal as Refusal {
            self.refuse(refusal, format ?? .json, exchange)
        } catch {
            self.refuse(Refusal(400, "BadRequest", "\(error)"), format ?? .json, exchange)
        }
    }

    private func answer(_ request: Request, _ format: WireFormat, _ exchange: Exchange) throws {
        if let document = self.documents[request.path], request.method == .GET {
            self.documentQueries[request.path] = request.query
            return exchange.answer(200, type: WireFormat.json.mediaType, document)
        }
        if request.path == AccessReviewAnswer.path, request.method == .POST {
            try self.authenticate(request)
            return exchange.answer(
                201, type: WireFormat.json.mediaType,
                try AccessReviewAnswer.make(request.body, forbidden: self.configuration.forbidden))
        }
        guard let path = ResourcePath(request.path), !path.isStatus || path.resource.hasStatus else {
            throw Refusal(404, "NotFound", "the server could not find the requested resource")
        }
        guard let verb = Verb(request, path) else {
            throw Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        }
        self.counts.requests["\(verb.rawValue) \(path.resource.rawValue)", default: 0] += 1
        if let failure = self.faults.takeFailure() {
            throw Refusal(
                failure.code,
                failure.code == 429 ? "TooManyRequests" : "InternalError",
                "asked to fail with \(failure.code)",
                retryAfter: failure.retryAfter
            )
        }
        try self.authorize(verb, path, request)
        switch verb {
        case .list: try self.list(path, request, format, exchange)
        case .watch: try self.watch(path, request, format, exchange)
        case .get: exchange.answer(200, type: format.mediaType, try Encoding.object(self.existing(path), format))
        case .create, .update, .patch, .delete: try self.write(verb, path, request, format, exchange)
        }
    }

    private func authenticate(_ request: Request) throws(Refusal) {
        let token = request.headers.first(name: "Authorization").flatMap { value in
            value.hasPrefix("Bearer ") ? String(value.dropFirst("Bearer ".count)) : nil
        }
        guard request.hasCertificate || token.map(self.configuration.tokens.contains) == true else {
            self.counts.unauthorized += 1
            throw Refusal(401, "Unauthorized", "Unauthorized")
        }
    }

    private func authorize(_ verb: Verb, _ path: ResourcePath, _ request: Request) throws(Refusal) {
        try self.authenticate(request)
        let forbidden = self.configuration.forbidden
        guard
            forbidden.contains(.init(resource: path.resource))
                || forbidden.contains(.init(verb: verb.rawValue, resource: path.resource))
        else { return }
        // kubernetes: apiserver/pkg/endpoints/handlers/responsewriters/errors.go
        let subject = path.name.map { "\(path.resource.qualifiedName) \"\($0)\"" } ?? path.resource.qualifiedName
        let user = request.hasCertificate ? "kubernetes-admin" : self.configuration.user
        let scope = path.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
        let resource = path.isStatus ? "\(path.resource.rawValue)/status" : path.resource.rawValue
        throw Refusal(
            403,
            "Forbidden",
            "\(subject) is forbidden: User \"\(user)\" cannot \(verb.rawValue) resource \"\(resource)\" "
                + "in API group \"\(path.resource.group)\" \(scope)"
        )
    }

    func refuse(_ refusal: Refusal, _ format: WireFormat, _ exchange: Exchange) {
        let retry = refusal.retryAfter.map { [("Retry-After", "\($0)")] } ?? []
        let body = try? MessageCoding.encode(refusal.status, as: Refusal.statusType, format)
        exchange.answer(refusal.code, type: format.mediaType, headers: retry, body ?? [])
    }

    func existing(_ path: ResourcePath) throws(Refusal) -> StoredObject {
        let name = ObjectStore.Name(namespace: path.namespace ?? "", name: path.name ?? "")
        guard let object = self.store.object(path.resource, name) else {
            throw Refusal(404, "NotFound", "\(path.resource.qualifiedName) \"\(name.name)\" not found")
        }
        return object
    }

    // MARK: - Watches

    private func watch(_ path: ResourcePath, _ request: Request, _ format: WireFormat, _ exchange: Exchange) throws {
        let query = try ListQuery(path, request)
        let text = request.query["resourceVersion"] ?? ""
        guard text.isEmpty || Int(text) != nil else {
            throw Refusal(400, "BadRequest", "Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\"")
        }
        let version = Int(text) ?? 0
        let sendsInitialEvents = try self.sendsInitialEvents(request)
        if version > self.store.resourceVersion, self.configuration.futureWatch == .refused || sendsInitialEvents {
            throw Refusal.versionTooLarge(version, current: self.store.resourceVersion)
        }
        let isExpired = self.faults.takeExpiry()
        let expired = Refusal.expired(version, oldest: self.store.compactedVersion)
        if isExpired, self.faults.expiry == .status { throw expired }

        let watch = Watch(
            query, format: format, wantsBookmarks: request.isSet("allowWatchBookmarks"), exchange: exchange)
        exchange.start(200, [("Content-Type", format.watchMediaType), ("Cache-Control", "no-cache, private")])
        let isFromNow = version == 0 || sendsInitialEvents
        let changes = isFromNow ? [] : self.store.changes(of: query.resource, after: version)
        guard !isExpired, let changes else {
            exchange.write(try Encoding.event(.error, expired.status, as: Refusal.statusType, format))
            return exchange.finish()
        }
        // The head goes out at once: without an event it would wait for the first.
        exchange.write([])
        self.open(watch, timeoutSeconds: request.query["timeoutSeconds"].flatMap { Int64($0) })
        if isFromNow {
            try self.sendInitialEvents(watch)
            if sendsInitialEvents, watch.wantsBookmarks {
                self.send(try watch.bookmark(self.store.resourceVersion, isInitialEventsEnd: true), to: watch)
            }
        } else {
            for change in changes {
                if let event = try watch.event(change) { self.send(event, to: watch) }
            }
        }
    }

    private func sendsInitialEvents(_ request: Request) throws(Refusal) -> Bool {
        guard let value = request.query["sendInitialEvents"], self.configuration.watchList != .ignored else {
            return false
        }
        // kubernetes: apimachinery/pkg/apis/meta/internalversion/validation/validation.go
        guard self.configuration.watchList == .supported else {
            throw Refusal(
                422,
                "Invalid",
                "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden "
                    + "for watch unless the WatchList feature gate is enabled"
            )
        }
        guard request.query["resourceVersionMatch"] == "NotOlderThan" else {
            throw Refusal(
                422,
                "Invalid",
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires "
                    + "setting resourceVersionMatch to NotOlderThan"
            )
        }
        return value == "true" || value == "1"
    }

    private func sendInitialEvents(_ watch: Watch) throws {
        var batch: [UInt8] = []
        for object in self.store.all(watch.resource, namespace: watch.namespace) where watch.matches(object) {
            let event = try Encoding.event(.added, object, watch.format)
            if self.faults.cutsNextObject || self.faults.spoilsNextEvent {
                self.send(event, to: watch)
            } else {
                batch += event
                if batch.count < Self.batchSize { continue }
                watch.exchange.write(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if !batch.isEmpty { watch.exchange.write(batch) }
    }

    private func open(_ watch: Watch, timeoutSeconds: Int64?) {
        let identifier = ObjectIdentifier(watch)
        self.watches[identifier] = watch
        self.counts.openWatches += 1
        watch.exchange.whenClosed = { [unowned self] in
            self.watches.removeValue(forKey: identifier)?.end?.cancel()
            self.counts.openWatches -= 1
        }
        guard let timeoutSeconds, timeoutSeconds > 0 else { return }
        let exchange = NIOLoopBound(watch.exchange, eventLoop: self.loop)
        watch.end = self.loop.scheduleTask(in: .seconds(timeoutSeconds)) { exchange.value.finish() }
    }

    /// One event, spoiled if it is to be.
    private func send(_ event: [UInt8], to watch: Watch) {
        guard !watch.exchange.isOver else { return }
        if self.faults.takeSpoiling() {
            // A frame whose length is right and whose content is not protobuf; as JSON, no object.
            return watch.exchange.write([0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff])
        }
        if self.faults.takeCut() { return watch.exchange.cut(event) }
        watch.exchange.write(event)
    }

    /// Tells all watches. An event is encoded once for those that see the same.
    func publish(_ change: ObjectStore.Change) throws {
        for watch in Array(self.watches.values) {
            if let event = try watch.event(change) { self.send(event, to: watch) }
        }
    }

    func startBookmarks() {
        let interval = TimeAmount(self.configuration.bookmarkInterval)
        let this = NIOLoopBound(self, eventLoop: self.loop)
        self.bookmarks?.cancel()
        self.bookmarks = self.loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            this.value.sendBookmarks()
        }
    }

    func sendBookmarks() {
        for watch in Array(self.watches.values) where watch.wantsBookmarks {
            if let bookmark = try? watch.bookmark(self.store.resourceVersion) { self.send(bookmark, to: watch) }
        }
    }

    func endWatches() {
        for watch in Array(self.watches.values) { watch.exchange.finish() }
    }

    /// A new connection.
    func opened(_ connection: any Channel) {
        let identifier = ObjectIdentifier(connection)
        self.connections[identifier] = connection
        self.counts.connections += 1
        self.counts.openConnections += 1
        connection.closeFuture.assumeIsolated().whenComplete { _ in
            self.connections[identifier] = nil
            self.counts.openConnections -= 1
        }
    }

    /// The connection that a channel is, or, with HTTP/2, is a stream of.
    func connection(of channel: any Channel) -> any Channel {
        // A connection has a parent as well: the socket that listens.
        self.connections[ObjectIdentifier(channel)] ?? channel.parent ?? channel
    }

    func stop() {
        self.bookmarks?.cancel()
        self.dropConnections()
    }

    func dropConnections() {
        for connection in self.connections.values { connection.close(promise: nil) }
    }

    func setFaults(_ faults: Faults) {
        self.faults = faults
        let waiting = self.frozen
        self.frozen = []
        for exchange in waiting { exchange.pump() }
    }
}
