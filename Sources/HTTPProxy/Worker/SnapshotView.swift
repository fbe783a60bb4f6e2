internal import Balancing
internal import HTTP1
internal import HealthChecking
internal import Networking
internal import Reactor
internal import Routing
internal import TLS

/// What a worker serves at present: the snapshot that came last, and where its backends are in this worker.
struct SnapshotView: ~Copyable {
    /// Tables of routes: the newest, and older ones for as long as an exchange needs their texts.
    private struct Shelved {
        var routes: RouteTable?
        var users = 0
    }

    private var routes = RouteTable.empty
    /// A snapshot has come.
    private(set) var hasRoutes = false
    private(set) var tls: TLSServerContext?
    private(set) var redirectPort: UInt16?
    private var clientPolicies: [Int32: ClientCertificatePolicy.ID] = [:]
    /// By the plan's index; a backend keeps its index as long as a route leads to it.
    private var backends: [Handle] = []
    /// What the worker has of each, to see what is new.
    private var revisions: [UInt64] = []
    /// What checks have found last.
    var health = HealthSnapshot()
    private var shelf: [Shelved] = []
    private var newest = -1

    private let introducing: [CIDR]
    private let trusted: [CIDR]

    init(introducing: [CIDR], trusted: [CIDR]) {
        self.introducing = introducing
        self.trusted = trusted
    }

    /// Whether a peer begins with a PROXY protocol header.
    func introduces(_ peer: IPAddress) -> Bool { self.introducing.contains { $0.contains(peer) } }

    /// Whether what a peer says of clients is believed.
    func trusts(_ peer: IPAddress) -> Bool { self.trusted.contains { $0.contains(peer) } }

    // MARK: - Snapshots

    mutating func adopt(_ snapshot: ProxySnapshot) {
        self.tls = snapshot.tls
        self.clientPolicies = snapshot.clientPolicies
        self.redirectPort = snapshot.plan.redirectPort
        while self.backends.count < snapshot.plan.backends.endIndex {
            self.backends.append(.none)
            self.revisions.append(0)
        }
        guard !self.hasRoutes || self.routes.revision != snapshot.plan.routes.revision else { return }
        self.hasRoutes = true
        self.routes = snapshot.plan.routes
        let former = self.newest
        if let free = self.shelf.firstIndex(where: { $0.routes == nil }) {
            self.newest = free
            self.shelf[free].routes = snapshot.plan.routes
        } else {
            self.newest = self.shelf.count
            self.shelf.append(Shelved(routes: snapshot.plan.routes))
        }
        if former >= 0, self.shelf[former].users == 0 { self.shelf[former].routes = nil }
    }

    func backend(_ index: Int32) -> Handle { self.backends[Int(index)] }

    /// None where no snapshot has come that has one.
    func backend(at index: Int) -> Handle { self.backends.indices.contains(index) ? self.backends[index] : .none }

    func revision(_ index: Int) -> UInt64 { self.revisions[index] }

    mutating func setBackend(_ index: Int, _ backend: Handle, revision: UInt64) {
        self.backends[index] = backend
        self.revisions[index] = revision
    }

    // MARK: - Routes

    @inline(__always)
    func match(host: Span<UInt8>, path: Span<UInt8>) -> RouteMatch {
        self.routes.match(host: host, path: path)
    }

    @inline(__always)
    func settings(_ route: Int32) -> RouteSettings { self.routes.settings(of: route) }

    @inline(__always)
    func target(_ route: Int32) -> RouteTarget { self.routes.target(of: route) }

    /// Which client certificates a connection has to have been asked for, for a route that demands it.
    func clientPolicy(_ authentication: Int32) -> ClientCertificatePolicy.ID? { self.clientPolicies[authentication] }

    /// The newest table stays until it is released.
    mutating func retainTable() -> Int32 {
        self.shelf[self.newest].users += 1
        return Int32(self.newest)
    }

    mutating func releaseTable(_ table: Int32) {
        let index = Int(table)
        self.shelf[index].users -= 1
        if self.shelf[index].users == 0, index != self.newest { self.shelf[index].routes = nil }
    }

    /// Lends the texts of a table that was retained.
    func withText<Result>(_ table: Int32, _ body: (Span<UInt8>) -> Result) -> Result? {
        self.shelf[Int(table)].routes.map { body($0.text.span) }
    }
}
