import ClusterState
import Glibc
import KubernetesAPI
import Linux
import Logging
import Testing

/// The source over real directories.
@Suite(.timeLimit(.minutes(1)))
struct ManifestSourceTests {
    /// Sees what a source delivers: the ports of the Services by name.
    struct Watcher: ~Copyable {
        let queue: ChangeQueue
        let wakeUp: WakeUp
        let log: LogRecorder.LineStore
        var ports: [String: [UInt16]] = [:]
        var changeCount = 0
        var isSynced = false

        init() throws {
            self.wakeUp = try WakeUp()
            self.queue = ChangeQueue(wakeUp: self.wakeUp)
            self.log = LogRecorder.LineStore()
        }

        mutating func take() {
            let (changes, isSynced) = self.queue.take()
            self.isSynced = isSynced
            self.changeCount += changes.count
            for change in changes {
                guard case .service(let service)? = change.object else {
                    self.ports[change.key.name.name] = nil
                    continue
                }
                self.ports[change.key.name.name] = service.ports.map(\.port)
            }
        }

        /// Waits until these are the Services, or for five seconds.
        mutating func expect(_ ports: [String: [UInt16]], sourceLocation: SourceLocation = #_sourceLocation) async {
            let deadline = ContinuousClock.now + .seconds(60)
            repeat {
                self.take()
                if self.isSynced, self.ports == ports { return }
                try? await Task.sleep(for: .milliseconds(1))
            } while ContinuousClock.now < deadline
            Issue.record("\(self.ports) instead of \(ports)", sourceLocation: sourceLocation)
        }

        /// Waits until something is logged, or for five seconds.
        func expectLog(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async {
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                if self.log.all.contains(where: { $0.contains(text) }) { return }
                try? await Task.sleep(for: .milliseconds(1))
            }
            Issue.record("not logged: \(text) in \(self.log.all)", sourceLocation: sourceLocation)
        }
    }

    /// Runs a source over `directory` for as long as `body` runs.
    private func follow(
        _ directory: String,
        limits: ManifestLimits = ManifestLimits(),
        kinds: Set<ObjectKind> = ObjectKind.ofNode,
        _ body: (inout Watcher) async throws -> Void
    ) async throws {
        var watcher = try Watcher()
        let log = watcher.log
        let source = try ManifestSource(
            directory: directory,
            kinds: kinds,
            queue: watcher.queue,
            limits: limits,
            logger: Logger(label: "test") { _ in LogRecorder(log) }
        )
        let running = Task { try await source.run() }
        do {
            try await body(&watcher)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try await running.value
    }

    @Test func anEmptyDirectoryIsSynced() async throws {
        let directory = try TemporaryDirectory()
        try await self.follow(directory.path) { await $0.expect([:]) }
    }

    @Test func whatIsThereAtTheStartIsRead() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("a.yaml", Fixtures.manifest("a") + Fixtures.manifest("b"))
        try directory.write(
            "c.json", #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"c"},"spec":{"ports":[{"port":1}]}}"#)
        try directory.write(".hidden.yaml", Fixtures.manifest("hidden"))
        try directory.write("d.yaml~", Fixtures.manifest("backup"))
        try TemporaryDirectory.make(directory["e.yaml"])
        try await self.follow(directory.path) { watcher in
            await watcher.expect(["a": [80], "b": [80], "c": [1]])
            #expect(watcher.changeCount == 3)
        }
    }

    @Test func writeRenameReplaceAndDelete() async throws {
        let directory = try TemporaryDirectory()
        try await self.follow(directory.path) { watcher in
            try directory.write("a.yaml", Fixtures.manifest("a"))
            await watcher.expect(["a": [80]])
            try directory.place("a.yaml", Fixtures.manifest("a", port: 81))
            await watcher.expect(["a": [81]])
            try directory.rename("a.yaml", "b.yml")
            await watcher.expect(["a": [81]])
            try directory.place("b.yml", Fixtures.manifest("b"))
            await watcher.expect(["b": [80]])
            try directory.rename("b.yml", "b.off")
            await watcher.expect([:])
            try directory.rename("b.off", "b.yml")
            await watcher.expect(["b": [80]])
            try directory.delete("b.yml")
            await watcher.expect([:])
        }
    }

    @Test func aHalfWrittenFileIsNotRead() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("a.yaml", Fixtures.manifest("a"))
        try await self.follow(directory.path) { watcher in
            await watcher.expect(["a": [80]])
            do {
                // A valid manifest after each write, but not closed yet.
                let writer = try Descriptor.open(directory["a.yaml"], flags: O_WRONLY | O_TRUNC)
                try writer.write(Fixtures.manifest("half").utf8)
                // Proves that the events of the writes have been seen.
                try directory.place("z.yaml", Fixtures.manifest("z"))
                await watcher.expect(["a": [80], "z": [80]])
                try writer.write(Fixtures.manifest("whole").utf8)
            }
            await watcher.expect(["half": [80], "whole": [80], "z": [80]])
        }
    }

    @Test func brokenAndUnreadableKeepTheLastGoodAndSaySo() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("a.yaml", Fixtures.manifest("a"))
        try await self.follow(directory.path, limits: ManifestLimits(maximumFileSize: 1_000)) { watcher in
            await watcher.expect(["a": [80]])
            try directory.place("a.yaml", Fixtures.manifest("b") + "x: [\n")
            await watcher.expectLog("error: manifest error file=\(directory["a.yaml"]) line=6 reason=")
            await watcher.expect(["a": [80]])
            try directory.place("a.yaml", String(repeating: "# much\n", count: 200))
            await watcher.expectLog("reason=larger than 1000 bytes")
            await watcher.expect(["a": [80]])
            try directory.place("a.yaml", Fixtures.manifest("b", port: 0) + Fixtures.manifest("c"))
            await watcher.expect(["c": [80]])
            await watcher.expectLog("object=Service default/b reason=spec.ports[0].port: must be between 1 and 65535")
        }
    }

    @Test func linksAreFollowedAsInAMountedConfigMap() async throws {
        let directory = try TemporaryDirectory()
        try TemporaryDirectory.make(directory["..1"])
        try directory.write("..1/a.yaml", Fixtures.manifest("a"))
        try directory.link("..data", to: "..1")
        try directory.link("a.yaml", to: "..data/a.yaml")
        try await self.follow(directory.path) { watcher in
            await watcher.expect(["a": [80]])
            try TemporaryDirectory.make(directory["..2"])
            try directory.write("..2/a.yaml", Fixtures.manifest("a", port: 81))
            try directory.link("..data_tmp", to: "..2")
            try directory.rename("..data_tmp", "..data")
            await watcher.expect(["a": [81]])
            // New links have no writer that closes them.
            try directory.write(".real", Fixtures.manifest("real"))
            try directory.link("b.yaml", to: ".real")
            await watcher.expect(["a": [81], "real": [80]])
            try directory.write(".hard", Fixtures.manifest("hard"))
            try directory.hardLink("c.yaml", to: directory[".hard"])
            await watcher.expect(["a": [81], "real": [80], "hard": [80]])
        }
    }

    @Test func theStateOutlivesTheDirectory() async throws {
        let parent = try TemporaryDirectory()
        let path = parent["manifests"]
        try TemporaryDirectory.make(path)
        try parent.write("manifests/a.yaml", Fixtures.manifest("a"))
        try await self.follow(path) { watcher in
            await watcher.expect(["a": [80]])
            try parent.rename("manifests", "elsewhere")
            await watcher.expectLog("error: manifest directory is gone; its last state stays until it is back")
            await watcher.expect(["a": [80]])
            try TemporaryDirectory.make(parent["new"])
            try parent.write("new/b.yaml", Fixtures.manifest("b"))
            try parent.rename("new", "manifests")
            await watcher.expect(["b": [80]])
            try parent.write("manifests/b.yaml", Fixtures.manifest("c"))
            await watcher.expect(["c": [80]])
        }
    }

    /// As git-sync swaps the worktree that it publishes.
    @Test func aLinkAsTheDirectoryMayComeToLeadElsewhere() async throws {
        let parent = try TemporaryDirectory()
        for (name, port) in [("old", 80), ("new", 81)] {
            try TemporaryDirectory.make(parent[name])
            try parent.write("\(name)/a.yaml", Fixtures.manifest("a", port: port))
        }
        try parent.link("current", to: "old")
        // As a shell completes it.
        try await self.follow(parent["current/"]) { watcher in
            await watcher.expect(["a": [80]])
            try parent.link("next", to: "new")
            try parent.rename("next", "current")
            await watcher.expect(["a": [81]])
            try parent.write("new/a.yaml", Fixtures.manifest("a", port: 82))
            await watcher.expect(["a": [82]])
        }
    }

    /// Opening a pipe waits for somebody to write; a folder may be named like a file.
    @Test func pipesAndFoldersAreNotRead() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("a.yaml", Fixtures.manifest("a"))
        try TemporaryDirectory.make(directory["folder.yaml"])
        #expect(unsafe mkfifo(directory["pipe.yaml"], 0o600) == 0)
        let listing = try ManifestListing.read(directory: directory.path, kinds: ObjectKind.ofNode)
        #expect(listing.objects.count == 1)
        #expect(listing.problems.map(\.description) == ["pipe.yaml:1: not a regular file"])
        try await self.follow(directory.path) { watcher in
            await watcher.expect(["a": [80]])
            await watcher.expectLog("not a regular file")
            #expect(unsafe mkfifo(directory["late.yaml"], 0o600) == 0)
            await watcher.expectLog("late.yaml")
        }
    }

    /// A directory that both roles read.
    @Test func onlyTheKindsThatAreWantedCome() async throws {
        let directory = try TemporaryDirectory()
        let secret = """
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            stringData: {tls.key: hunter2}

            """
        try directory.write("a.yaml", Fixtures.manifest("a") + secret)
        let listing = try ManifestListing.read(directory: directory.path, kinds: ObjectKind.ofNode)
        #expect(listing.objects.map(\.key.kind) == [.service] && listing.problems.isEmpty)
        try await self.follow(directory.path) { watcher in
            await watcher.expect(["a": [80]])
            try directory.place("b.yaml", secret + "---\n" + Fixtures.manifest("b"))
            await watcher.expect(["a": [80], "b": [80]])
            #expect(watcher.changeCount == 2)
        }
        try await self.follow(directory.path, kinds: [.secret]) { watcher in
            await watcher.expect([:])
            #expect(watcher.changeCount == 1)
            await watcher.expectLog("already defined in a.yaml:7, which sorts first and wins")
            #expect(watcher.log.all.allSatisfy { !$0.contains("hunter2") })
        }
    }

    @Test func aMissingDirectoryIsAnErrorThatSaysWhatToDo() throws {
        let queue = ChangeQueue(wakeUp: try WakeUp())
        let error = #expect(throws: ManifestSourceError.self) {
            try ManifestSource(
                directory: "/nowhere/manifests", kinds: ObjectKind.ofNode, queue: queue, logger: Logger(label: "test"))
        }
        #expect(
            error?.description == "cannot follow manifests in /nowhere/manifests: No such file or directory; "
                + "create it, or name another directory"
        )
    }

    @Test func aThousandChangesArriveAsTheyEnded() async throws {
        let directory = try TemporaryDirectory()
        try await self.follow(directory.path) { watcher in
            for round in 1...1_000 {
                try directory.place("f\(round % 7).yaml", Fixtures.manifest("s\(round % 7)", port: round))
            }
            let ports = (994...1_000).map { ("s\($0 % 7)", [UInt16($0)]) }
            await watcher.expect(Dictionary(uniqueKeysWithValues: ports))
        }
    }
}
