internal import ClusterState
internal import KubernetesAPI
internal import KubernetesWire
internal import Logging
internal import NIOCore

/// Lists and watches the objects of one selection for as long as it runs, and submits what changes: the shell around a
/// ``Reflector``.
actor ObjectFollower {
    private let client: APIClient
    private let selection: ObjectSelection
    private let format: WireFormat
    private let queue: ChangeQueue
    private let report: @Sendable (ObjectSelection, SourceEvent) -> Void
    private let limits: ClientLimits
    private let clock = ContinuousClock()

    private var reflector: Reflector
    private var random = SystemRandomNumberGenerator()
    private var strings = StringPool()
    /// When the request under way brought something last.
    private var lastActivity = ContinuousClock.now
    /// What the answer under way comes over; nil before there is one.
    private var session: Session?
    /// Objects of which something could not be used.
    private var noted: Set<ObjectName> = []

    init(
        _ selection: ObjectSelection,
        client: APIClient,
        format: WireFormat,
        queue: ChangeQueue,
        isNeeded: Bool,
        report: @escaping @Sendable (ObjectSelection, SourceEvent) -> Void
    ) {
        self.selection = selection
        self.client = client
        self.format = format
        self.queue = queue
        self.report = report
        self.limits = client.configuration.limits
        self.reflector = Reflector(isNeeded: isNeeded)
    }

    private var kind: ObjectKind { self.selection.kind }

    /// Until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            switch self.reflector.next() {
            case .pause(let duration):
                // Cut short by cancellation alone, which ends the loop.
                try? await Task.sleep(for: duration)
            case .ask(let request):
                let start = self.clock.now
                let end: Reflector.End
                do throws(APIError) {
                    end = try await self.perform(request)
                } catch {
                    guard error.code != .cancelled || !Task.isCancelled else { return }
                    end = self.end(of: request, error)
                    if end != .expired, end != .streamingUnsupported { self.report(self.selection, .failed(error)) }
                }
                self.reflector.ended(end, lasted: self.clock.now - start, &self.random)
            }
        }
    }

    // MARK: - One request

    private func perform(_ request: Reflector.Request) async throws(APIError) -> Reflector.End {
        self.lastActivity = self.clock.now
        self.session = nil
        let (outgoing, deadline) = self.request(for: request)
        do {
            return try await withThrowingTaskGroup(of: Reflector.End.self) { group in
                group.addTask { @Sendable in try await self.exchange(request, outgoing) }
                group.addTask { @Sendable in try await self.guardProgress(of: request, outgoing, deadline) }
                defer { group.cancelAll() }
                return try await group.next() ?? .failed
            }
        } catch let error as APIError {
            if error.code == .timeout, let session = self.session { self.client.doubt(session) }
            throw error
        } catch {
            throw APIError(.cancelled, request: outgoing.summary, message: "was cancelled")
        }
    }

    /// Ends a request that has stalled. A watch may be silent for a while, but bookmarks come about once a minute: one on
    /// which nothing comes for long may be on a connection that is dead, though somebody on the way acknowledges.
    private func guardProgress(
        of request: Reflector.Request,
        _ outgoing: APIRequest,
        _ deadline: Duration?
    ) async throws -> Reflector.End {
        let start = self.clock.now
        while true {
            var limit = self.lastActivity + self.limits.answerTimeout
            if case .watch = request, let deadline, self.session != nil {
                limit = min(start + deadline, self.lastActivity + self.limits.watchSilence)
            } else if self.session == nil {
                // Who sent the request waits for the head of the answer as well, and knows what to make of it.
                limit += self.limits.answerTimeout
            }
            if self.clock.now >= limit { break }
            try await Task.sleep(until: limit, clock: self.clock)
        }
        throw APIError(.timeout, request: outgoing.summary, message: "nothing came in time")
    }

    private func exchange(
        _ request: Reflector.Request,
        _ outgoing: APIRequest
    ) async throws(APIError) -> Reflector.End {
        switch request {
        case .page:
            return try await self.client.send(outgoing, isList: true) { response throws(APIError) in
                try await self.readPage(response, outgoing)
            }
        case .streamingList:
            return try await self.client.send(outgoing, isList: true) { response throws(APIError) in
                try await self.readWatch(response, outgoing, untilListed: true)
            }
        case .watch:
            return try await self.client.send(outgoing) { response throws(APIError) in
                try await self.readWatch(response, outgoing, untilListed: false)
            }
        case .probe:
            return try await self.client.send(outgoing) { response throws(APIError) in
                self.begin(response)
                _ = try await response.readAll(limit: self.limits.maximumAnswerSize)
                self.reflector.probed()
                return .closed
            }
        }
    }

    /// The request, and how long it may take where nothing need come meanwhile.
    private func request(for request: Reflector.Request) -> (APIRequest, deadline: Duration?) {
        var deadline: Duration?
        var query: [(name: String, value: String)] = []
        if let selector = self.selection.labelSelector { query.append(("labelSelector", selector)) }
        if let selector = self.selection.fieldSelector { query.append(("fieldSelector", selector)) }
        func watch(_ version: String) {
            let seconds = Int.random(in: self.limits.watchDuration, using: &self.random)
            // It has to come to an end by itself, and is given a while to do so.
            deadline = .seconds(seconds) + self.limits.answerTimeout
            query += [
                ("watch", "true"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", "\(seconds)"),
                ("resourceVersion", version),
            ]
        }
        let verb: String
        switch request {
        case .page(let version, let token):
            verb = "list"
            if let token {
                query += [("limit", "\(self.limits.pageSize)"), ("continue", token)]
            } else if version.isEmpty || version == "0" {
                query += [("limit", "\(self.limits.pageSize)"), ("resourceVersion", version)]
            } else {
                // With a limit it would mean exactly this version, from etcd, however old it is (KEP-2523).
                query += [("resourceVersion", version), ("resourceVersionMatch", "NotOlderThan")]
            }
        case .probe(let version):
            verb = "list"
            query += [
                ("limit", "1"), ("resourceVersion", version), ("resourceVersionMatch", "NotOlderThan"),
            ]
        case .watch(let version):
            verb = "watch"
            watch(version)
        case .streamingList(let version):
            verb = "list and watch"
            watch(version)
            query += [("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan")]
        }
        let outgoing = APIRequest(
            .get, self.selection.path, query: query, accept: self.format.accept,
            summary: "\(verb) \(self.kind.resource)\(self.selection.namespace.map { " of \($0)" } ?? "")")
        return (outgoing, deadline)
    }

    // MARK: - Answers

    private func begin(_ response: APIClient.Response) {
        self.lastActivity = self.clock.now
        self.session = response.session
    }

    private func readPage(_ response: APIClient.Response, _ outgoing: APIRequest) async throws(APIError)
        -> Reflector.End
    {
        self.begin(response)
        var decoder = ObjectListDecoder(kind: self.kind, format: response.format ?? .json, strings: self.strings)
        try await response.read { chunk throws(APIError) in
            self.lastActivity = self.clock.now
            let objects = try outgoing.decoding { () throws(WireError) in try decoder.append(chunk.readableBytesView) }
            self.take(objects)
            return true
        }
        let list = try outgoing.decoding { () throws(WireError) in try decoder.finish() }
        self.strings = decoder.strings
        self.take(list.objects)
        let gone = self.reflector.pageEnded(resourceVersion: list.resourceVersion, token: list.continueToken)
        self.remove(gone)
        self.noteSync()
        return .closed
    }

    /// - Parameter untilListed: whether to end with the list, and leave what follows to a watch of its own.
    private func readWatch(
        _ response: APIClient.Response,
        _ outgoing: APIRequest,
        untilListed: Bool
    ) async throws(APIError) -> Reflector.End {
        self.begin(response)
        var decoder = WatchDecoder(kind: self.kind, format: response.format ?? .json, strings: self.strings)
        self.noteSync()
        try await response.read { chunk throws(APIError) in
            self.lastActivity = self.clock.now
            decoder.append(chunk.readableBytesView)
            let events = try outgoing.decoding { () throws(WireError) in
                var events: [WatchEvent] = []
                while let event = try decoder.next() { events.append(event) }
                return events
            }
            // What follows an error is nothing that anybody should rely on.
            guard let status = self.take(events) else { return !(untilListed && self.reflector.isWatching) }
            throw APIError(.broken, request: outgoing.summary, message: "\(status)", status: status)
        }
        self.strings = decoder.strings
        guard decoder.isBetweenEvents || untilListed && self.reflector.isWatching else {
            throw APIError(.interrupted, request: outgoing.summary, message: "it ended in the middle of an object")
        }
        return .closed
    }

    private func take(_ objects: [DecodedObject]) {
        var changes: [ObjectChange] = []
        for decoded in objects { self.note(decoded, &changes) }
        self.queue.submit(changes)
    }

    /// All events of a piece at once. Returns the error that ends the watch, if there is one.
    private func take(_ events: [WatchEvent]) -> APIStatus? {
        var changes: [ObjectChange] = []
        var failure: APIStatus?
        loop: for event in events {
            switch event {
            case .added(let decoded), .modified(let decoded):
                self.note(decoded, &changes)
            case .deleted(let key, let version):
                if self.reflector.deleted(key.name, resourceVersion: version) {
                    changes.append(ObjectChange(key: key, object: nil))
                }
                self.forgetNotes(of: key)
            case .bookmark(let version, let endsList):
                for name in self.reflector.bookmark(resourceVersion: version, endsList: endsList) {
                    changes.append(ObjectChange(key: ObjectKey(kind: self.kind, name: name), object: nil))
                }
            case .error(let status):
                failure = status
                break loop
            case .unrecognized:
                break
            }
        }
        self.queue.submit(changes)
        self.noteSync()
        return failure
    }

    private func note(_ decoded: DecodedObject, _ changes: inout [ObjectChange]) {
        let key = decoded.object.key
        guard self.reflector.observed(key.name, resourceVersion: decoded.resourceVersion) else { return }
        if decoded.notes.isEmpty {
            self.forgetNotes(of: key)
        } else {
            self.noted.insert(key.name)
            self.report(self.selection, .noted(key, decoded.notes))
        }
        changes.append(ObjectChange(key: key, object: decoded.object))
    }

    private func forgetNotes(of key: ObjectKey) {
        if self.noted.remove(key.name) != nil { self.report(self.selection, .noted(key, [])) }
    }

    private func remove(_ names: [ObjectName]) {
        self.queue.submit(names.map { ObjectChange(key: ObjectKey(kind: self.kind, name: $0), object: nil) })
    }

    /// Tells that this kind is in step, whenever it comes to be.
    private func noteSync() {
        guard self.reflector.isWatching else { return }
        self.report(self.selection, .inStep(count: self.reflector.count))
    }

    // MARK: - Ends

    private func end(of request: Reflector.Request, _ error: APIError) -> Reflector.End {
        guard let status = error.status else {
            // A server that does not know streaming lists, and says nothing of it, never says that the list is over.
            if case .streamingList = request, error.code == .timeout, self.session != nil {
                return .streamingUnsupported
            }
            return error.code == .malformed ? .broken : .failed
        }
        if case .streamingList = request, [400, 422].contains(status.code) { return .streamingUnsupported }
        let end = Self.end(status)
        return end == .failed && error.code == .broken ? .broken : end
    }

    private static func end(_ status: APIStatus) -> Reflector.End {
        if status.isResourceVersionTooLarge { return .fromTheFuture }
        switch status.code {
        case _ where status.isExpired: return .expired
        case 429: return .throttled(after: status.retryAfterSeconds.map { .seconds($0) })
        case 403, 404, 405: return .refused
        case 503: return .throttled(after: status.retryAfterSeconds.map { .seconds($0) })
        default: return .failed
        }
    }
}

/// What a follower tells of itself.
enum SourceEvent: Sendable {
    /// It knows all objects, and is told of every change from now on.
    case inStep(count: Int)
    case failed(APIError)
    /// What of an object could not be used.
    case noted(ObjectKey, [String])
}
