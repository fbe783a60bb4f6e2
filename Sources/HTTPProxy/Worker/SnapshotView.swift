internal import Reactor
internal import Routing
internal import TLS

/// What a worker serves at present: the snapshot that came last, and where its backends are in this worker.
struct SnapshotView: ~Copyable {
    /// nil before the first snapshot.
    private(set) var routes: RouteTable?
    private(set) var tls: TLSServerContext?
    private(set) var redirectPort: UInt16?
    /// By the plan's index; a backend keeps its index as long as a route leads to it.
    private var backends: [Handle] = []
    /// What the worker has of each, to see what is new.
    private var revisions: [UInt64] = []

    mutating func adopt(_ snapshot: ProxySnapshot) {
        self.routes = snapshot.plan.routes
        self.tls = snapshot.tls
        self.redirectPort = snapshot.plan.redirectPort
        while self.backends.count < snapshot.plan.backends.endIndex {
            self.backends.append(.none)
            self.revisions.append(0)
        }
    }

    func backend(_ index: Int32) -> Handle { self.backends[Int(index)] }

    func revision(_ index: Int) -> UInt64 { self.revisions[index] }

    mutating func setBackend(_ index: Int, _ backend: Handle, revision: UInt64) {
        self.backends[index] = backend
        self.revisions[index] = revision
    }
}
