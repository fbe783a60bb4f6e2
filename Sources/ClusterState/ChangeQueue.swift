// ClusterState: where objects come from. A source reads them and follows them; a ``ChangeQueue``
// hands what changed to the data plane's thread. Deciding is apart from doing: ``ManifestDirectory``
// and ``PendingFiles`` are values that know which object wins and which file to read, and
// ``ManifestSource`` is the thin shell that asks the kernel and obeys them.
package import KubernetesAPI
package import Linux
internal import Synchronization

/// A change of one object: the new object, or nil when it is gone.
package struct ObjectChange: Sendable, Hashable {
    package let key: ObjectKey
    package let object: KubernetesObject?

    package init(key: ObjectKey, object: KubernetesObject?) {
        self.key = key
        self.object = object
    }
}

/// The hand-over between a source's thread and the data plane's: changes by key, the newest wins;
/// taking empties it. Bounded by the number of objects.
package final class ChangeQueue: Sendable {
    private struct State {
        var changes: [ObjectKey: KubernetesObject?] = [:]
        /// The keys of `changes` in the order in which they first changed.
        var order: [ObjectKey] = []
        var isSynced = false
    }

    private let state = Mutex(State())
    /// nil where everything goes on to others.
    private let wakeUp: WakeUp?
    private let kinds: Set<ObjectKind>
    private let others: [ChangeQueue]

    /// Signals `wakeUp` whenever there is something to take.
    ///
    /// - Parameter kinds: what is taken in; the rest is passed over.
    package init(wakeUp: WakeUp, kinds: Set<ObjectKind> = Set(ObjectKind.allCases)) {
        self.wakeUp = wakeUp
        self.kinds = kinds
        self.others = []
    }

    /// Hands everything on, for the roles of one process that have one source. There is nothing to take here.
    package init(feeding others: [ChangeQueue]) {
        self.wakeUp = nil
        self.kinds = []
        self.others = others
    }

    package func submit(_ changes: [ObjectChange]) {
        for other in self.others { other.submit(changes) }
        let changes = changes.filter { self.kinds.contains($0.key.kind) }
        guard !changes.isEmpty else { return }
        self.state.withLock { state in
            for change in changes where state.changes.updateValue(change.object, forKey: change.key) == nil {
                state.order.append(change.key)
            }
        }
        self.wakeUp?.signal()
    }

    /// Says that the first complete listing has been submitted. Before that, what is missing here may
    /// yet come; after it, what is missing is not there.
    package func markSynced() {
        for other in self.others { other.markSynced() }
        self.state.withLock { $0.isSynced = true }
        self.wakeUp?.signal()
    }

    /// All changes since the last call, in the order in which their keys first changed.
    package func take() -> (changes: [ObjectChange], isSynced: Bool) {
        self.state.withLock { state in
            let changes = state.order.map { ObjectChange(key: $0, object: state.changes[$0] ?? nil) }
            state.changes = [:]
            state.order = []
            return (changes, state.isSynced)
        }
    }
}
