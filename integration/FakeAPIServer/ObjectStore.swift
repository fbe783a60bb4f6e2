internal import KubernetesMessages
internal import SwiftProtobuf

/// The objects and their history: one counter of versions for all, as etcd has it. A value without clock or
/// sockets.
struct ObjectStore {
    struct Name: Hashable, Comparable {
        /// Empty for what belongs to the cluster.
        var namespace: String
        var name: String

        static func < (left: Self, right: Self) -> Bool {
            (left.namespace, left.name) < (right.namespace, right.name)
        }
    }

    /// What one version did.
    struct Change {
        let resourceVersion: Int
        let resource: Resource
        /// As it was before; nil if it is new.
        let old: StoredObject?
        /// nil if it was deleted.
        let new: StoredObject?
    }

    /// Of the last change.
    private(set) var resourceVersion: Int
    /// Changes up to this one are forgotten.
    private(set) var compactedVersion: Int
    private var objects: [Resource: [Name: StoredObject]] = [:]
    private var sortedNames: [Resource: [Name]] = [:]
    private var history: [Change] = []
    private var lastUID = 0

    /// Changes that are kept, as the API server's watch cache keeps some.
    private let maximumHistory: Int

    init(resourceVersion: Int = 1_000, maximumHistory: Int = 20_000) {
        self.resourceVersion = resourceVersion
        self.compactedVersion = resourceVersion
        self.maximumHistory = maximumHistory
    }

    func object(_ resource: Resource, _ name: Name) -> StoredObject? { self.objects[resource]?[name] }

    /// In the order of lists: by namespace and name.
    mutating func all(_ resource: Resource, namespace: String?) -> [StoredObject] {
        let byName = self.objects[resource] ?? [:]
        let names = self.sortedNames[resource] ?? byName.keys.sorted()
        self.sortedNames[resource] = names
        return names.compactMap { namespace == nil || $0.namespace == namespace ? byName[$0] : nil }
    }

    /// Makes an object, or a new version of it.
    mutating func put(_ message: StoredMessage, time: Int64) throws -> Change {
        var message = message
        let name = Name(namespace: message.metadata.namespace, name: message.metadata.name)
        let old = self.object(message.resource, name)
        if let old {
            message.metadata.uid = old.message.metadata.uid
            message.metadata.creationTimestamp = old.message.metadata.creationTimestamp
        } else {
            self.lastUID += 1
            let number = String(self.lastUID)
            message.metadata.uid =
                "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - number.count) + number
            if !message.metadata.hasCreationTimestamp { message.metadata.creationTimestamp.seconds = time }
            self.sortedNames[message.resource] = nil
        }
        let new = try StoredObject(message, resourceVersion: self.resourceVersion + 1)
        self.resourceVersion += 1
        self.objects[message.resource, default: [:]][name] = new
        return self.remember(
            Change(resourceVersion: self.resourceVersion, resource: message.resource, old: old, new: new))
    }

    /// nil if it is not there.
    mutating func delete(_ resource: Resource, _ name: Name) -> Change? {
        guard let old = self.objects[resource]?.removeValue(forKey: name) else { return nil }
        self.sortedNames[resource] = nil
        self.resourceVersion += 1
        return self.remember(Change(resourceVersion: self.resourceVersion, resource: resource, old: old, new: nil))
    }

    private mutating func remember(_ change: Change) -> Change {
        self.history.append(change)
        if self.history.count > self.maximumHistory { self.forget(self.history.count - self.maximumHistory / 2) }
        return change
    }

    /// Changes after a version; nil if they are not all known any more.
    func changes(of resource: Resource, after version: Int) -> [Change]? {
        guard version >= self.compactedVersion else { return nil }
        let start = self.history.partitioningIndex { $0.resourceVersion > version }
        return self.history[start...].filter { $0.resource == resource }
    }

    /// Forgets all history, as etcd's compaction does.
    mutating func compact() { self.forget(self.history.count) }

    private mutating func forget(_ count: Int) {
        self.history.removeFirst(count)
        self.compactedVersion = self.history.first.map { $0.resourceVersion - 1 } ?? self.resourceVersion
    }

    /// What restoring a backup does: the same objects with other, lower versions, and no history.
    mutating func restore(resourceVersion: Int) throws {
        var next = max(1, resourceVersion - self.objects.values.reduce(0) { $0 + $1.count })
        for resource in Resource.allCases {
            for (name, object) in self.objects[resource] ?? [:] {
                self.objects[resource]?[name] = try StoredObject(object.message, resourceVersion: next)
                next += 1
            }
        }
        self.resourceVersion = max(next, resourceVersion)
        self.history = []
        self.compactedVersion = self.resourceVersion
    }
}

extension Array {
    /// The first index whose element is so, in an array of which all behind such one are so.
    fileprivate func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = self.count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
