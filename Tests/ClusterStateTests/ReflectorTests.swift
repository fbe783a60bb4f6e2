import ClusterState
import KubernetesAPI
import Lab
import Testing

@Suite struct ReflectorTests {
    private var random = SeededGenerator(seed: 7)

    private func name(_ text: String) -> ObjectName { ObjectName(namespace: "default", name: text) }

    /// A reflector that has listed `a` at version 5 by streaming, and watches.
    private func watching() -> Reflector {
        var reflector = Reflector()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "0")))
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == true)
        #expect(reflector.bookmark(resourceVersion: "5", endsList: true).isEmpty)
        return reflector
    }

    private mutating func end(_ reflector: inout Reflector, _ end: Reflector.End, after: Duration = .seconds(60)) {
        reflector.ended(end, lasted: after, &self.random)
    }

    @Test mutating func aStreamingListBecomesAWatch() {
        var reflector = self.watching()
        #expect(reflector.isWatching && reflector.isSynced)
        #expect(reflector.observed(self.name("b"), resourceVersion: "6") == true)
        // The server ends every watch after a time.
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "6")))
        // Bookmarks move it on where nothing else does.
        #expect(reflector.bookmark(resourceVersion: "900", endsList: false).isEmpty)
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "900")))
    }

    @Test mutating func anOldServerIsReadInPages() {
        var reflector = Reflector()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "0")))
        self.end(&reflector, .streamingUnsupported)
        #expect(reflector.next() == .ask(.page(resourceVersion: "0", token: nil)))
        #expect(reflector.observed(self.name("a"), resourceVersion: "1") == true)
        #expect(reflector.pageEnded(resourceVersion: "4", token: "more").isEmpty)
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.page(resourceVersion: "", token: "more")))
        #expect(!reflector.isSynced)
        #expect(reflector.observed(self.name("b"), resourceVersion: "2") == true)
        #expect(reflector.pageEnded(resourceVersion: "4", token: "").isEmpty)
        self.end(&reflector, .closed)
        #expect(reflector.isSynced)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "4")))
    }

    /// The answer to an expired version is a list no older than what was seen, and only if that is gone as well, the
    /// truth. What is known stays; what is not in the list is gone; what is the same is no news.
    @Test mutating func aVersionThatIsGone() {
        var reflector = self.watching()
        #expect(reflector.observed(self.name("b"), resourceVersion: "6") == true)
        self.end(&reflector, .expired)
        guard case .pause(let pause) = reflector.next() else {
            Issue.record("all nodes would come back at once")
            return
        }
        #expect(pause > .zero && pause <= .milliseconds(250))
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "6")))
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == false)
        #expect(reflector.observed(self.name("c"), resourceVersion: "9") == true)
        #expect(reflector.bookmark(resourceVersion: "9", endsList: true) == [self.name("b")])
        #expect(reflector.count == 2)

        self.end(&reflector, .expired)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "9")))
        self.end(&reflector, .expired)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "")))
    }

    /// Whoever answers after a connection was lost may be another server, or one that was restored from a backup: a
    /// watch from a version that it has not come to yet would be silent.
    @Test mutating func afterALostConnectionTheServerIsProbed() {
        var reflector = self.watching()
        self.end(&reflector, .failed)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.probe(resourceVersion: "5")))
        reflector.probed()
        self.end(&reflector, .closed, after: .milliseconds(1))
        #expect(reflector.next() == .ask(.watch(resourceVersion: "5")))
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "5")), "not after an end in good order")

        self.end(&reflector, .failed)
        _ = reflector.next()
        _ = reflector.next()
        self.end(&reflector, .fromTheFuture)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "")))
    }

    /// What goes is forgotten, and comes back as news. After a restoration the same version may be another object.
    @Test mutating func deletionsAndVersionsThatBeginAgain() {
        var reflector = self.watching()
        #expect(reflector.deleted(self.name("a"), resourceVersion: "6") == true)
        #expect(reflector.deleted(self.name("a"), resourceVersion: "7") == false)
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "7")))
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == true)
        self.end(&reflector, .fromTheFuture)
        _ = reflector.next()
        _ = reflector.next()
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == true)
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == false)
    }

    /// A server that cannot go on from a version it knows: after three watches it is listed anew.
    @Test mutating func watchesThatBreakEachTime() {
        var reflector = self.watching()
        for _ in 0..<3 {
            self.end(&reflector, .broken, after: .milliseconds(10))
            _ = reflector.next()
            guard case .ask(.probe) = reflector.next() else { continue }
            reflector.probed()
            self.end(&reflector, .closed, after: .milliseconds(1))
            _ = reflector.next()
        }
        #expect(reflector.isWatching == false)
    }

    /// A token means nothing to another server.
    @Test mutating func pagesThatFailBeginAgain() {
        var reflector = Reflector()
        _ = reflector.next()
        self.end(&reflector, .streamingUnsupported)
        _ = reflector.next()
        _ = reflector.pageEnded(resourceVersion: "4", token: "more")
        self.end(&reflector, .closed)
        _ = reflector.next()
        self.end(&reflector, .failed)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.page(resourceVersion: "0", token: nil)))
    }

    /// A cluster restored from a backup has lower versions than what was seen.
    @Test mutating func aServerThatHasGoneBack() {
        var reflector = self.watching()
        self.end(&reflector, .fromTheFuture)
        _ = reflector.next()
        #expect(reflector.next() == .ask(.streamingList(resourceVersion: "")))
        #expect(reflector.observed(self.name("a"), resourceVersion: "2") == true, "another version is another object")
        #expect(reflector.bookmark(resourceVersion: "2", endsList: true).isEmpty)
        self.end(&reflector, .closed)
        #expect(reflector.next() == .ask(.watch(resourceVersion: "2")))
    }

    /// Watches that answer 410 whatever is listed before: the pauses grow up to four seconds, and one good watch makes
    /// them short again.
    @Test mutating func aStormOfExpiredVersions() {
        var reflector = self.watching()
        var pauses: [Duration] = []
        for _ in 0..<12 {
            self.end(&reflector, .expired, after: .milliseconds(5))
            if case .pause(let pause) = reflector.next() { pauses.append(pause) }
            _ = reflector.next()
            #expect(reflector.bookmark(resourceVersion: "9", endsList: true).isEmpty == (pauses.count > 1))
            self.end(&reflector, .closed, after: .milliseconds(5))
            guard case .ask(.watch) = reflector.next() else { continue }
        }
        #expect(pauses.count == 12)
        #expect(pauses.max() ?? .zero > .seconds(2) && pauses.max() ?? .zero <= .seconds(4))
        #expect(reflector.observed(self.name("a"), resourceVersion: "10") == true)
        self.end(&reflector, .failed)
        guard case .pause(let pause) = reflector.next() else { return }
        #expect(pause <= .milliseconds(250))
    }

    @Test mutating func aServerThatAsksForPatience() {
        var reflector = self.watching()
        self.end(&reflector, .throttled(after: .seconds(3)), after: .zero)
        guard case .pause(let pause) = reflector.next() else {
            Issue.record("no patience")
            return
        }
        #expect(pause > .seconds(3) && pause <= .seconds(4))
        #expect(reflector.next() == .ask(.probe(resourceVersion: "5")), "it may have been restored meanwhile")
    }

    /// What is not allowed will hardly be allowed in a second; what is known stays known.
    @Test mutating func whatIsRefusedIsAskedForSeldom() {
        var reflector = self.watching()
        var last = Duration.zero
        for _ in 0..<10 {
            self.end(&reflector, .refused, after: .zero)
            if case .pause(let pause) = reflector.next() { last = pause }
            _ = reflector.next()
        }
        #expect(last >= .seconds(15) && last <= .seconds(30))
        #expect(reflector.isSynced && reflector.count == 1)
    }

    @Test mutating func watchesThatEndAtOnceAreNotAskedForWithoutEnd() {
        var reflector = self.watching()
        _ = reflector.next()
        self.end(&reflector, .closed, after: .milliseconds(1))
        guard case .pause = reflector.next() else {
            Issue.record("it would be asked in a loop")
            return
        }
    }

    @Test mutating func aListThatBreaksOffTakesNothingAway() {
        var reflector = self.watching()
        self.end(&reflector, .expired)
        _ = reflector.next()
        _ = reflector.next()
        #expect(reflector.observed(self.name("x"), resourceVersion: "20") == true)
        self.end(&reflector, .failed)
        _ = reflector.next()
        guard case .ask(.streamingList) = reflector.next() else {
            Issue.record("it has to be listed anew")
            return
        }
        #expect(reflector.observed(self.name("a"), resourceVersion: "3") == false)
        #expect(reflector.bookmark(resourceVersion: "21", endsList: true) == [self.name("x")])
    }

    /// Whatever happens, once a server gives good answers again, what is known is what it has.
    @Test func anyHistoryEndsWithWhatTheServerHas() {
        for seed in 0..<200 {
            var random = SeededGenerator(seed: UInt64(seed))
            var server: [ObjectName: String] = [:]
            var known: [ObjectName: String] = [:]
            var version = 1
            var reflector = Reflector()
            func settle(_ gone: [ObjectName]) { for name in gone { known[name] = nil } }
            func observe(_ name: ObjectName, _ version: String) {
                if reflector.observed(name, resourceVersion: version) { known[name] = version }
            }
            for step in 0..<60 {
                let isGood = step >= 50
                for _ in 0..<Int.random(in: 0...2, using: &random) where !isGood {
                    version += 1
                    let name = self.name("o\(Int.random(in: 0..<6, using: &random))")
                    server[name] = Bool.random(using: &random) ? "\(version)" : nil
                }
                guard case .ask(let request) = reflector.next() else { continue }
                let failure: Reflector.End? =
                    isGood || Bool.random(using: &random)
                    ? nil
                    : [.failed, .broken, .expired, .fromTheFuture, .refused, .closed].randomElement(using: &random)
                switch request {
                case .streamingList, .page:
                    for (name, version) in server.shuffled(using: &random)
                    where failure == nil || Bool.random(using: &random) {
                        observe(name, version)
                    }
                    if failure == nil {
                        if case .page = request {
                            settle(reflector.pageEnded(resourceVersion: "\(version)", token: nil))
                        } else {
                            settle(reflector.bookmark(resourceVersion: "\(version)", endsList: true))
                        }
                    }
                    reflector.ended(failure ?? .expired, lasted: .seconds(20), &random)
                case .probe:
                    if failure == nil { reflector.probed() }
                    reflector.ended(failure ?? .closed, lasted: .zero, &random)
                case .watch:
                    for (name, version) in server where known[name] != version && Bool.random(using: &random) {
                        observe(name, version)
                    }
                    for name in known.keys where server[name] == nil && Bool.random(using: &random) {
                        if reflector.deleted(name, resourceVersion: "\(version)") { known[name] = nil }
                    }
                    reflector.ended(failure ?? .expired, lasted: .seconds(20), &random)
                }
            }
            // The last good list was after the last change.
            #expect(known == server, "seed \(seed)")
            #expect(reflector.count == server.count)
        }
    }
}
