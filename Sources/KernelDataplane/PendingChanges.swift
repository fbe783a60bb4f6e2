package import ClusterState
internal import KubernetesAPI
package import Networking

/// Changes of objects that were seen and are not in force yet, as the metrics have them.
package struct PendingChanges: Hashable, Sendable {
    /// A change of endpoints, and when what led to it happened, say a Pod became ready: nanoseconds since 1970.
    package struct Trigger: Hashable, Sendable {
        package let family: AddressFamily
        package let time: Int64
    }

    package private(set) var services = 0
    package private(set) var endpointSlices = 0
    /// By slice, the oldest: so there are no more than slices however long programming fails.
    private var triggers: [ObjectName: Trigger] = [:]
    /// What happened before this process started has waited for it and not for programming.
    private let start: Int64

    /// - Parameter start: when this process started to look, in nanoseconds since 1970.
    package init(since start: Int64) {
        self.start = start
    }

    package mutating func take(_ changes: some Sequence<ObjectChange>) {
        for change in changes {
            switch change.key.kind {
            case .service: self.services += 1
            case .endpointSlice:
                self.endpointSlices += 1
                self.takeTrigger(of: change)
            case .node, .serviceCIDR, .ingress, .ingressClass, .secret: break
            }
        }
    }

    private mutating func takeTrigger(of change: ObjectChange) {
        guard case .endpointSlice(let slice)? = change.object else {
            // A slice that is gone says when it changed last, not when it went.
            self.triggers[change.key.name] = nil
            return
        }
        guard let family = slice.family, let time = slice.lastChangeTriggerTime, time > self.start else { return }
        guard self.triggers[change.key.name].map({ time < $0.time }) ?? true else { return }
        self.triggers[change.key.name] = Trigger(family: family, time: time)
    }

    /// All of them are in force. Returns what led to those of endpoints.
    package mutating func programmed() -> [Trigger] {
        defer { self = PendingChanges(since: self.start) }
        return Array(self.triggers.values)
    }
}
