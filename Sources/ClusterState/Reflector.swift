package import KubernetesAPI

/// How the objects of one kind are listed and then followed at an API server (Kubernetes API concepts, "Efficient
/// detection of changes"; KEP-3157, streaming lists). What was asked and what came back goes in; what to ask next
/// comes out. It remembers names and versions, never objects. Pure: no clock, no socket.
///
/// ```
/// streaming ──> watching <── paging          a lost connection: a pause, then a probe, as the server may be another
///     │  (not supported)        ↑            one by now or have been restored, then on from where it was;
///     └─────────────────────────┘            a version that is gone: listing anew, what is known stays
/// ```
package struct Reflector: Sendable {
    /// What to ask the API server.
    package enum Request: Hashable, Sendable {
        /// A watch that begins with every object there is and then says so. With that it may be ended.
        case streamingList(resourceVersion: String)
        /// A page of a list; the first has no token.
        case page(resourceVersion: String, token: String?)
        /// Whether the server has come as far as a version; it says ResourceVersionTooLarge if it has not. A watch from a
        /// version that is yet to come would be silent.
        case probe(resourceVersion: String)
        /// What changes from a version on.
        case watch(resourceVersion: String)
    }

    package enum Step: Hashable, Sendable {
        case ask(Request)
        case pause(Duration)
    }

    /// Why a request has ended.
    package enum End: Hashable, Sendable {
        /// By the server, in good order: it does so with every watch after a time.
        case closed
        /// The version is no longer known (410 Gone, Expired).
        case expired
        /// The server has not come that far: it was restored, or another one is behind (ResourceVersionTooLarge).
        case fromTheFuture
        /// The server does not know streaming lists, or not for this kind.
        case streamingUnsupported
        /// Too many requests, or a server that asks for patience.
        case throttled(after: Duration?)
        /// No connection, or a server's error in place of an answer.
        case failed
        /// There was an answer, and it broke: garbage, or an error in the middle of a watch.
        case broken
        /// This is not allowed, or the kind is not served: it takes somebody to change that.
        case refused
    }

    private enum Phase: Hashable {
        /// Everything from the beginning, in one of two ways.
        case listing(token: String?)
        case watching
    }

    private var phase = Phase.listing(token: nil)
    /// Whether a streaming list is worth trying: not every server has them. One that refused is asked for pages
    /// this time, and for a stream again when the next list is due: it may be another server by then.
    private var canStream = true
    /// The newest version seen; nil if what was seen cannot be relied on.
    private var resourceVersion: String?
    /// What is known, with the version of each.
    private var known: [ObjectName: String] = [:]
    /// While listing: what has come up in this list.
    private var listed: Set<ObjectName> = []
    private var failures = Backoff()
    private var refusals: Backoff
    /// Watches that broke one after the other.
    private var brokenWatches = 0
    /// A pause that is owed before the next request.
    private var pause: Duration?
    /// Whether the request that is under way has brought a change, or word that there was none.
    private var hasFollowed = false
    /// Whether the request that is under way has ended a list, or was a probe that went well.
    private var hasListed = false
    /// Whether it is unknown if the server still knows the version.
    private var isInDoubt = false
    /// All that the server had has been seen once.
    package private(set) var isSynced = false

    /// - Parameter isNeeded: whether somebody waits for it. What is refused and not needed is asked for once in ten
    ///   minutes: API servers before 1.33 have no ServiceCIDRs, and many nodes would ask in vain.
    package init(isNeeded: Bool = true) {
        self.refusals = Backoff(first: .seconds(1), longest: isNeeded ? .seconds(30) : .seconds(600))
    }

    package var count: Int { self.known.count }

    /// Whether every object is known, and changes are being followed or about to be.
    package var isWatching: Bool { self.phase == .watching }

    // MARK: - Asking

    /// What to do now. A pause is told once.
    package mutating func next() -> Step {
        if let pause {
            self.pause = nil
            return .pause(pause)
        }
        self.hasFollowed = false
        self.hasListed = false
        switch self.phase {
        case .listing(let token):
            // 0: whatever the server has at hand, which costs it nothing; later, no older than what was seen; after
            // that has failed, the truth.
            let version = self.resourceVersion ?? (self.isSynced ? "" : "0")
            if self.canStream {
                self.listed = []
                return .ask(.streamingList(resourceVersion: version))
            }
            if token == nil { self.listed = [] }
            // A token carries its own version.
            return .ask(.page(resourceVersion: token == nil ? version : "", token: token))
        case .watching:
            let version = self.resourceVersion ?? "0"
            return .ask(self.isInDoubt ? .probe(resourceVersion: version) : .watch(resourceVersion: version))
        }
    }

    // MARK: - Answers

    /// An object that is there, from a list or an event. Returns whether it is news.
    package mutating func observed(_ name: ObjectName, resourceVersion version: String) -> Bool {
        self.seen(version) { $0.insert(name) }
        return self.known.updateValue(version, forKey: name) != version
    }

    /// An object that is gone. Returns whether it was there.
    package mutating func deleted(_ name: ObjectName, resourceVersion version: String) -> Bool {
        self.seen(version) { $0.remove(name) }
        return self.known.removeValue(forKey: name) != nil
    }

    private mutating func seen(_ version: String, _ list: (inout Set<ObjectName>) -> Void) {
        switch self.phase {
        case .listing:
            list(&self.listed)
        case .watching:
            self.hasFollowed = true
            self.resourceVersion = version
        }
    }

    /// A bookmark: nothing has happened up to that version. Returns what is gone, if it ends a list.
    package mutating func bookmark(resourceVersion version: String, endsList: Bool) -> [ObjectName] {
        switch self.phase {
        case .watching:
            self.hasFollowed = true
            self.resourceVersion = version
            return []
        case .listing:
            return endsList ? self.listEnded(at: version) : []
        }
    }

    /// A page has been read, its objects told one by one. Returns what is gone, if it was the last.
    package mutating func pageEnded(resourceVersion version: String, token: String?) -> [ObjectName] {
        guard let token, !token.isEmpty else { return self.listEnded(at: version) }
        self.phase = .listing(token: token)
        return []
    }

    /// The server has answered a probe.
    package mutating func probed() {
        self.isInDoubt = false
        self.hasListed = true
    }

    private mutating func listEnded(at version: String) -> [ObjectName] {
        let gone = self.known.keys.filter { !self.listed.contains($0) }
        for name in gone { self.known[name] = nil }
        self.listed = []
        self.resourceVersion = version
        self.phase = .watching
        self.isSynced = true
        self.hasListed = true
        self.isInDoubt = false
        self.canStream = true
        self.brokenWatches = 0
        return gone
    }

    // MARK: - Ends

    /// The request that ``next()`` gave has ended, after so long.
    package mutating func ended(_ end: End, lasted: Duration, _ random: inout some RandomNumberGenerator) {
        // A list alone proves little: where every watch fails at once it would be asked for without end.
        let hasWorked = self.hasFollowed || self.phase == .watching && lasted >= Self.longEnough
        if hasWorked {
            self.failures.reset()
            self.refusals.reset()
            self.brokenWatches = 0
        }
        switch end {
        case .closed:
            // Watches end like this all the time, and so do pages; a list that breaks off half way has failed, and a
            // watch that ends at once is not asked for without end.
            if self.phase == .listing(token: nil) || self.phase == .watching && !hasWorked && !self.hasListed {
                self.pause = self.failures.pause(&random)
            }
        case .expired:
            // If it was a list, then not even the version it was asked for is there.
            if self.phase == .listing(token: nil) { self.resourceVersion = nil }
            self.phase = .listing(token: nil)
            // All nodes lose their versions at once when a server starts anew.
            self.pause = self.failures.pause(&random)
        case .fromTheFuture:
            self.resourceVersion = nil
            // Versions are counted anew: that one is the same says nothing any more.
            for name in self.known.keys { self.known[name] = "" }
            self.phase = .listing(token: nil)
            self.pause = self.failures.pause(&random)
        case .streamingUnsupported:
            self.canStream = false
            self.phase = .listing(token: nil)
        case .throttled(let delay):
            self.doubt()
            let pause = self.failures.pause(&random)
            // Those who were all told the same do not all do the same.
            self.pause = delay.map { $0 + pause } ?? pause
        case .failed:
            self.doubt()
            self.pause = self.failures.pause(&random)
        case .broken:
            self.doubt()
            self.brokenWatches += 1
            // It may be this very version that the server cannot go on from.
            if self.brokenWatches >= Self.enoughBroken { self.phase = .listing(token: nil) }
            self.pause = self.failures.pause(&random)
        case .refused:
            self.doubt()
            self.pause = self.refusals.pause(&random)
        }
    }

    private static let enoughBroken = 3

    /// Whoever answers next may be another server, to which neither a version nor a token means anything.
    private mutating func doubt() {
        self.isInDoubt = true
        if case .listing = self.phase { self.phase = .listing(token: nil) }
    }

    /// A watch that stood for so long was a good one, even if nothing happened meanwhile.
    private static let longEnough = Duration.seconds(10)
}
