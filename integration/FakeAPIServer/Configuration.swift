/// Who may talk to the server, and what it can.
package struct FakeAPIServerConfiguration: Sendable, Hashable {
    /// What `sendInitialEvents` does (KEP-3157).
    package enum WatchList: String, Sendable, Hashable {
        case supported
        /// `422 Invalid`, as a server that knows the parameter and has the feature off.
        case refused
        /// As a server that never heard of it.
        case ignored
    }

    /// What a watch from a version that is yet to come gets.
    package enum FutureWatch: String, Sendable, Hashable {
        /// Nothing, until there is such a version: what the API server's watch cache does.
        case silent
        /// `504 Timeout` with the cause ResourceVersionTooLarge, as lists get.
        case refused
    }

    /// A request that the user may not make.
    package struct Rule: Sendable, Hashable {
        /// `list`; nil for all.
        package var verb: String?
        package var resource: Resource

        package init(verb: String? = nil, resource: Resource) {
            self.verb = verb
            self.resource = resource
        }
    }

    /// `127.0.0.1` and 0, which is any free port.
    package var address = "127.0.0.1"
    package var port = 0
    /// In the server's certificate.
    package var names: [String] = []
    /// Whether its addresses are in its certificate as well.
    package var certifiesAddresses = true

    var certifiedNames: [String] {
        self.certifiesAddresses
            ? ["127.0.0.1", "::1", "localhost", "kubernetes.default.svc", self.address] + self.names : self.names
    }

    package var offersHTTP2 = true
    /// Tokens that are let in.
    package var tokens: Set<String> = ["fake-token"]
    package var user = "system:serviceaccount:kube-system:fairlead"
    package var forbidden: Set<Rule> = []
    package var watchList = WatchList.supported
    package var futureWatch = FutureWatch.silent
    /// Between bookmarks of a watch that wants them.
    package var bookmarkInterval: Duration = .seconds(60)
    /// The version that the first object is after.
    package var resourceVersion = 1_000
    package var maximumHistory = 20_000

    package init() {}
}
