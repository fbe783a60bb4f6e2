internal import KubernetesMessages
internal import KubernetesWire
internal import NIOCore

/// One watch that is open. Lives on the event loop.
final class Watch {
    let resource: Resource
    let namespace: String?
    let labels: LabelSelector
    let fields: FieldSelector
    let format: WireFormat
    let wantsBookmarks: Bool
    let exchange: Exchange
    var end: Scheduled<Void>?

    init(_ query: ListQuery, format: WireFormat, wantsBookmarks: Bool, exchange: Exchange) {
        self.resource = query.resource
        self.namespace = query.namespace
        self.labels = query.labels
        self.fields = query.fields
        self.format = format
        self.wantsBookmarks = wantsBookmarks
        self.exchange = exchange
    }

    func matches(_ object: StoredObject) -> Bool {
        (self.namespace == nil || object.message.metadata.namespace == self.namespace)
            && self.labels.matches(object.labels) && self.fields.matches(object)
    }

    /// What the change is to who sees only the objects of the selectors: one that stops to match is deleted, as
    /// it was before, with the version of the change (kubernetes: apiserver/pkg/storage/cacher/cache_watcher.go).
    func event(_ change: ObjectStore.Change) throws -> [UInt8]? {
        guard change.resource == self.resource else { return nil }
        let old = change.old.flatMap { self.matches($0) ? $0 : nil }
        switch (old, change.new.flatMap { self.matches($0) ? $0 : nil }) {
        case (nil, nil): return nil
        case (nil, let new?): return try Encoding.event(.added, new, self.format)
        case (_?, let new?): return try Encoding.event(.modified, new, self.format)
        case (let old?, nil):
            let gone = try StoredObject(old.message, resourceVersion: change.resourceVersion)
            return try Encoding.event(.deleted, gone, self.format)
        }
    }

    /// Says that everything up to a version has been sent.
    func bookmark(_ resourceVersion: Int, isInitialEventsEnd: Bool = false) throws -> [UInt8] {
        var message = WirePartialObjectMetadata()
        message.metadata.resourceVersion = String(resourceVersion)
        if isInitialEventsEnd { message.metadata.annotations[WatchDecoder.initialEventsEnd] = "true" }
        return try Encoding.event(.bookmark, message, as: self.resource.type, self.format)
    }
}

/// Which objects a list or a watch is of.
struct ListQuery {
    let resource: Resource
    let namespace: String?
    let labels: LabelSelector
    let fields: FieldSelector

    init(_ path: ResourcePath, _ request: Request) throws(Refusal) {
        self.resource = path.resource
        self.namespace = path.namespace
        guard let labels = LabelSelector(request.query["labelSelector"] ?? "") else {
            throw Refusal(400, "BadRequest", "unable to parse requirement: \(request.query["labelSelector"] ?? "")")
        }
        self.labels = labels
        do throws(FieldSelector.Unsupported) {
            self.fields = try FieldSelector(request.query["fieldSelector"] ?? "", for: path.resource)
        } catch {
            throw Refusal(400, "BadRequest", "field label not supported: \(error.field)")
        }
    }
}

/// An answer that says no.
struct Refusal: Error {
    let code: Int
    let reason: String
    let message: String
    var retryAfter: Int?
    var cause: (reason: String, message: String)?

    init(
        _ code: Int,
        _ reason: String,
        _ message: String,
        retryAfter: Int? = nil,
        cause: (reason: String, message: String)? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
    }

    var status: WireStatus {
        var status = WireStatus()
        status.metadata = WireListMeta()
        status.status = "Failure"
        status.code = Int32(self.code)
        status.reason = self.reason
        status.message = self.message
        if let retryAfter = self.retryAfter { status.details.retryAfterSeconds = Int32(retryAfter) }
        if let cause = self.cause {
            var entry = WireStatusCause()
            entry.reason = cause.reason
            entry.message = cause.message
            status.details.causes = [entry]
        }
        return status
    }

    static let statusType = ObjectType(apiVersion: "v1", kind: "Status")

    static func expired(_ version: Int, oldest: Int) -> Refusal {
        Refusal(410, "Expired", "too old resource version: \(version) (\(oldest))")
    }

    static func versionTooLarge(_ version: Int, current: Int) -> Refusal {
        Refusal(
            504,
            "Timeout",
            "Timeout: Too large resource version: \(version), current: \(current)",
            retryAfter: 1,
            cause: ("ResourceVersionTooLarge", "Too large resource version")
        )
    }
}
