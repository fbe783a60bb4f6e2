import Glibc
import Lab
import Networking
import Testing

/// Random changes, kills and other programs' edits for a while: the kernel ends with what a fresh start
/// would give, and a Service that nobody touched never fails.
///
/// Ten seconds here; `make churn` runs ten minutes (FAIRLEAD_CHURN_SECONDS).
@Suite(.serialized, .timeLimit(.minutes(20)))
struct Churn {
    private static let seconds =
        unsafe getenv("FAIRLEAD_CHURN_SECONDS").flatMap { Int(unsafe String(cString: $0)) } ?? 10
    private static let changesPerSecond = 200

    @Test func `any history ends like a fresh start, and an untouched Service never fails`() throws {
        let scene = try Scene()
        defer { scene.tearDown() }
        var random = SeededGenerator(seed: UInt64(Self.seconds))
        let untouched = Application("untouched", number: 250, on: scene.pods)
        try scene.put(untouched)
        let loads = try AddressFamily.allCases.map { family in
            let target = untouched.clusterIP(family)
            // A connection that starts in the moment without a table is made by its second segment, a second later.
            return try LoadGenerator(
                from: scene.client, to: target.address, port: target.port, rate: 100,
                duration: .seconds(Self.seconds + 60), timeout: .seconds(10))
        }
        var churn = ChurnedServices(
            put: { try scene.folder.write("\($0).yaml", $1) }, remove: { try scene.folder.remove("\($0).yaml") })
        let start = ContinuousClock.now
        var (changes, kills, edits) = (0, 0, 0)
        var (nextKill, nextEdit) = (Duration.seconds(3), Duration.seconds(1))
        while ContinuousClock.now - start < .seconds(Self.seconds) {
            let elapsed = ContinuousClock.now - start
            if elapsed > nextKill {
                scene.fairlead.kill9()
                kills += 1
                try scene.start()
                nextKill = elapsed + .milliseconds(Int.random(in: 2000...8000, using: &random))
            }
            if elapsed > nextEdit {
                let edit = ChurnedServices.edits.randomElement(using: &random) ?? "true"
                // The table may be gone just now.
                try scene.node.shell("\(edit) 2>/dev/null || true")
                edits += 1
                nextEdit = elapsed + .milliseconds(Int.random(in: 1000...5000, using: &random))
            }
            try churn.step(&random)
            changes += 1
            let ahead = Duration.seconds(1) * changes / Self.changesPerSecond - (ContinuousClock.now - start)
            if ahead > .zero { pause(ahead) }
        }
        // After the last repair, with nothing left to do.
        pause(.seconds(1))
        try scene.settle()
        let reports = loads.map { $0.stop() }
        // Chains that nothing uses go two seconds after their last use.
        pause(.seconds(3))
        let lived = try ChurnedServices.meaning(of: scene.node)
        _ = scene.fairlead.terminate()
        try scene.node.shell("nft delete table inet fairlead")
        try scene.start()
        let fresh = try ChurnedServices.meaning(of: scene.node)
        print(
            "churn: \(changes) changes, \(kills) kills, \(edits) edits in \(Self.seconds) s; \(fresh.count) lines of "
                + "ruleset; connections to the untouched Service: \(reports.map(\.started)), slowest "
                + "\(reports.map(\.slowest).max() ?? .zero)")
        #expect(lived.symmetricDifference(fresh).isEmpty, "\(lived.symmetricDifference(fresh).sorted().prefix(20))")
        for report in reports {
            #expect(report.failed == 0, "\(report)")
            #expect(report.answered == report.started, "\(report)")
        }
    }

    /// What can go wrong between a node and an API server, as the fake one is told.
    private static let faults = [
        "fault expire 3 event", "fault expire 2 status", "fault disconnect", "fault cut", "fault malformed",
        "fault fail 3 500", "fault fail 2 401", "fault fail 2 429 1", "fault end-watches", "fault bookmarks",
        "fault compact", "fault chunk 7", "fault chunk off", "fault slow 200000", "fault slow off",
        "fault watchlist refused", "fault watchlist supported",
    ]

    /// Versions begin here, and each restoration from a backup takes them so far back. A server whose versions have come
    /// further than before when it is found again cannot be told from one that was never restored: backups are older
    /// than a reconnection takes.
    private static let (firstVersion, restoration) = (100_000_000, 100_000)

    /// A bad day of an API server, many times faster: the kernel ends with what a fresh start would give, and the
    /// process is no larger at the end than after a third of it.
    @Test func `any history of an API server ends like a fresh start`() throws {
        let scene = try ClusterScene()
        defer { scene.tearDown() }
        var random = SeededGenerator(seed: UInt64(Self.seconds + 1))
        var churn = ChurnedServices(
            put: { try scene.api.apply($1) },
            remove: { name in
                // One that was lost with a restoration is not there.
                _ = try? scene.api.command("delete Service default/\(name)")
                for family in ["ipv4", "ipv6"] {
                    _ = try? scene.api.command("delete EndpointSlice default/\(name)-\(family)")
                }
            })
        let start = ContinuousClock.now
        var (changes, faults, early) = (0, 0, 0)
        var version = Self.firstVersion
        try scene.api.command("fault restart \(version)")
        var nextFault = Duration.milliseconds(500)
        while ContinuousClock.now - start < .seconds(Self.seconds) {
            let elapsed = ContinuousClock.now - start
            if elapsed > nextFault, let fault = Self.faults.randomElement(using: &random) {
                try scene.api.command(fault)
                if faults.isMultiple(of: 20) {
                    version -= Self.restoration
                    try scene.api.command("fault restart \(version)")
                }
                faults += 1
                nextFault = elapsed + .milliseconds(Int.random(in: 50...800, using: &random))
            }
            try churn.step(&random)
            changes += 1
            if early == 0, elapsed > .seconds(Self.seconds) / 3 { early = try scene.residentMemory() }
            pause(.milliseconds(Int.random(in: 1...30, using: &random)))
        }
        for fault in ["none", "watchlist supported", "chunk off", "slow off"] {
            try scene.api.command("fault \(fault)")
        }
        let last = Application("last", number: 99, on: [scene.lab.pods[0]])
        try scene.apply(last)
        try expectSoon("in step", within: .seconds(60)) {
            try scene.lab.client.probe(.tcp, last.clusterIP(.ipv4), timeout: .milliseconds(100)).isAnswered
        }
        // Chains that nothing uses go two seconds after their last use.
        pause(.seconds(6))
        let late = try scene.residentMemory()
        let lived = try ChurnedServices.meaning(of: scene.lab.node)
        _ = scene.fairlead.terminate()
        try scene.lab.node.shell("nft delete table inet fairlead")
        try scene.start()
        let fresh = try ChurnedServices.meaning(of: scene.lab.node)
        print(
            "churn: \(changes) changes and \(faults) faults of an API server in \(Self.seconds) s; \(fresh.count) lines of "
                + "ruleset; memory \(early >> 20) MiB after a third, \(late >> 20) MiB at the end")
        #expect(lived.symmetricDifference(fresh).isEmpty, "\(lived.symmetricDifference(fresh).sorted().prefix(20))")
        #expect(late < early + early / 4 + Sanitizer.bound(8 << 20))
    }
}
