internal import ClusterState
internal import KubernetesAPI
internal import Linux
internal import ServiceModel

/// What who asks is told.
extension DataplaneLoop {
    var view: DataplaneView {
        DataplaneView(
            planner: self.synchronizer.planner, history: self.history, isSynced: self.isSynced,
            node: self.synchronizer.program.node, mode: self.fallback.mode,
            streams: self.streams?.program)
    }

    var plan: TablePlan {
        TablePlan(
            program: self.synchronizer.program, revision: self.synchronizer.revision,
            isPending: self.synchronizer.needsReadback || !self.pending.isEmpty || self.settingsAreStale
                || self.repairAt != nil,
            mode: self.fallback.mode)
    }

    /// Before the changes are taken over.
    func noteHistory(_ changes: [ObjectChange]) {
        let now = WallTime.now.unixNanoseconds
        for change in changes where change.key.kind == .endpointSlice {
            let name = change.key.name
            var slice: EndpointSlice?
            if case .endpointSlice(let new)? = change.object { slice = new }
            self.history.update(name, from: self.synchronizer.planner.slice(name), to: slice, at: now)
        }
    }
}
