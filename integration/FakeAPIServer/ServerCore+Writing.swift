internal import KubernetesAPI
internal import KubernetesMessages
internal import KubernetesWire
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import SwiftProtobuf

/// What a request does, as RBAC calls it.
enum Verb: String {
    case get, list, watch, create, update, patch, delete

    init?(_ request: Request, _ path: ResourcePath) {
        switch (request.method, path.name) {
        case (.GET, nil): self = request.isWatch ? .watch : .list
        case (.GET, _): self = .get
        case (.POST, nil): self = .create
        case (.PUT, _?): self = .update
        case (.PATCH, _?): self = .patch
        case (.DELETE, _?): self = .delete
        default: return nil
        }
    }
}

extension ServerCore {
    func write(
        _ verb: Verb,
        _ path: ResourcePath,
        _ request: Request,
        _ format: WireFormat,
        _ exchange: Exchange
    ) throws {
        switch verb {
        case .create:
            let message = try self.message(path, request).keeping(.status, of: nil)
            let name = ObjectStore.Name(namespace: message.metadata.namespace, name: message.metadata.name)
            guard self.store.object(path.resource, name) == nil else {
                throw Refusal(409, "AlreadyExists", "\(path.resource.qualifiedName) \"\(name.name)\" already exists")
            }
            exchange.answer(201, type: format.mediaType, try Encoding.object(self.put(message), format))
        case .update:
            let old = try self.existing(path)
            let message = try self.message(path, request).keeping(path.isStatus ? .spec : .status, of: old.message)
            try self.checkVersion(message.metadata.resourceVersion, old)
            exchange.answer(200, type: format.mediaType, try Encoding.object(self.put(message), format))
        case .patch:
            let old = try self.existing(path)
            let message = try self.patched(old, path, request)
                .keeping(path.isStatus ? .spec : .status, of: old.message)
            try Self.validate(message)
            try self.checkVersion(message.metadata.resourceVersion, old)
            exchange.answer(200, type: format.mediaType, try Encoding.object(self.put(message), format))
        case .delete:
            _ = try self.existing(path)
            let name = ObjectStore.Name(namespace: path.namespace ?? "", name: path.name ?? "")
            if let change = self.store.delete(path.resource, name) { try self.publish(change) }
            var status = WireStatus()
            status.status = "Success"
            let body = try MessageCoding.encode(status, as: Refusal.statusType, format)
            exchange.answer(200, type: format.mediaType, body)
        case .get, .list, .watch: break
        }
    }

    /// Stores an object and tells the watches.
    func put(_ message: StoredMessage) throws -> StoredObject {
        let change = try self.store.put(message, time: WallClock.now().seconds)
        try self.publish(change)
        guard let object = change.new else { throw Refusal(500, "InternalError", "nothing was stored") }
        return object
    }

    /// The object in a body, named as the path says.
    private func message(_ path: ResourcePath, _ request: Request) throws -> StoredMessage {
        guard let format = request.headers.first(name: "Content-Type").flatMap({ WireFormat(contentType: $0) }) else {
            throw Refusal(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        }
        if format == .json { try Self.checkMicroTimes(request.body) }
        var message = try StoredMessage(path.resource, request.body, format)
        if path.resource.isNamespaced, message.metadata.namespace.isEmpty {
            message.metadata.namespace = path.namespace ?? ""
        }
        guard message.metadata.namespace == path.namespace ?? "" else {
            throw Refusal(
                400, "BadRequest",
                "the namespace of the provided object does not match the namespace sent on the request")
        }
        if let name = path.name, message.metadata.name != name {
            throw Refusal(
                400, "BadRequest",
                "the name of the object (\(message.metadata.name)) does not match the name on the URL (\(name))")
        }
        guard !message.metadata.name.isEmpty else {
            throw Refusal(
                422, "Invalid",
                "\(path.resource.type.kind) \"\" is invalid: metadata.name: Required value: name or generateName is required"
            )
        }
        try Self.validate(message)
        return message
    }

    /// kubernetes: pkg/apis/core/validation/events.go, pkg/apis/coordination/validation
    private static func validate(_ message: StoredMessage) throws(Refusal) {
        func invalid(_ field: String, _ problem: String) -> Refusal {
            let type = message.resource.type.kind
            return Refusal(422, "Invalid", "\(type) \"\(message.metadata.name)\" is invalid: \(field): \(problem)")
        }
        switch message {
        case .event(let event):
            if !event.hasEventTime { throw invalid("eventTime", "Required value") }
            if event.reportingController.isEmpty { throw invalid("reportingController", "Required value") }
            if event.reportingInstance.isEmpty { throw invalid("reportingInstance", "Required value") }
            if event.reportingInstance.utf8.count > 128 {
                throw invalid("reportingInstance", "can have at most 128 characters")
            }
            if event.action.isEmpty { throw invalid("action", "Required value") }
            if event.action.utf8.count > 128 { throw invalid("action", "can have at most 128 characters") }
            if event.reason.isEmpty { throw invalid("reason", "Required value") }
            if event.reason.utf8.count > 128 { throw invalid("reason", "can have at most 128 characters") }
            if event.note.utf8.count > 1_024 { throw invalid("note", "can have at most 1024 characters") }
            if !["Normal", "Warning"].contains(event.type) {
                throw invalid("type", "Invalid value: \"\(event.type)\"")
            }
            let namespace = event.regarding.namespace
            if namespace != event.metadata.namespace, !(namespace.isEmpty && event.metadata.namespace == "default") {
                throw invalid("regarding.namespace", "Invalid value: \"\(namespace)\": does not match event.namespace")
            }
        case .lease(let lease):
            if lease.spec.hasLeaseDurationSeconds, lease.spec.leaseDurationSeconds <= 0 {
                throw invalid("spec.leaseDurationSeconds", "must be greater than 0")
            }
        case .ingress(let ingress):
            // kubernetes: pkg/apis/networking/validation/validation.go; of the spec nothing, as nothing here writes it.
            for (index, entry) in ingress.status.loadBalancer.ingress.enumerated() {
                let field = "status.loadBalancer.ingress[\(index)]"
                if !entry.ip.isEmpty, FieldRules.address(entry.ip) == nil {
                    throw invalid("\(field).ip", "Invalid value: \"\(entry.ip)\": must be a valid IP address")
                }
                if !entry.hostname.isEmpty, IngressRules.hostname(entry.hostname) != nil {
                    throw invalid("\(field).hostname", "Invalid value: \"\(entry.hostname)\"")
                }
            }
        default: break
        }
    }

    /// A time with microseconds is read with exactly six digits (apimachinery/pkg/apis/meta/v1/micro_time.go).
    private static func checkMicroTimes(_ body: [UInt8]) throws(Refusal) {
        let text = String(decoding: body, as: UTF8.self)
        let pattern = /"(?:eventTime|renewTime|acquireTime|lastObservedTime)":"([^"]*)"/
        for match in text.matches(of: pattern)
        where match.1.wholeMatch(of: /[-\d]{10}T[:\d]{8}\.\d{6}(?:Z|[-+]\d\d:\d\d)/) == nil {
            throw Refusal(400, "BadRequest", "parsing time \"\(match.1)\" as \"2006-01-02T15:04:05.000000Z07:00\"")
        }
    }

    /// Optimistic concurrency: whoever names a version means that one.
    private func checkVersion(_ version: String, _ old: StoredObject) throws(Refusal) {
        guard !version.isEmpty, version != String(old.resourceVersion) else { return }
        throw Refusal(
            409,
            "Conflict",
            "Operation cannot be fulfilled on \(old.resource.qualifiedName) \"\(old.message.metadata.name)\": the object "
                + "has been modified; please apply your changes to the latest version and try again"
        )
    }

    /// RFC 7396. Of `/status` only the status counts.
    private func patched(_ old: StoredObject, _ path: ResourcePath, _ request: Request) throws -> StoredMessage {
        let type = request.headers.first(name: "Content-Type")?.prefix { $0 != ";" } ?? ""
        guard type == "application/merge-patch+json" else {
            throw Refusal(
                415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media "
                    + "types include: application/merge-patch+json")
        }
        var patch = try Google_Protobuf_Struct(jsonUTF8Bytes: request.body)
        if path.isStatus { patch.fields = patch.fields.filter { $0.key == "status" || $0.key == "metadata" } }
        let target = try Google_Protobuf_Struct(jsonUTF8Bytes: Encoding.object(old, .json))
        let merged = MergePatch.merge(patch, into: target)
        var message = try StoredMessage(path.resource, merged.jsonUTF8Bytes(), .json)
        if patch.fields["metadata"]?.structValue.fields["resourceVersion"] == nil {
            message.metadata.resourceVersion = ""
        }
        return message
    }
}

/// JSON Merge Patch (RFC 7396).
enum MergePatch {
    static func merge(_ patch: Google_Protobuf_Struct, into target: Google_Protobuf_Struct) -> Google_Protobuf_Struct {
        var result = target
        for (name, value) in patch.fields {
            switch value.kind {
            case .nullValue, nil: result.fields[name] = nil
            case .structValue(let inner):
                let old = result.fields[name]?.structValue ?? Google_Protobuf_Struct()
                result.fields[name] = Google_Protobuf_Value(structValue: self.merge(inner, into: old))
            default: result.fields[name] = value
            }
        }
        return result
    }
}
