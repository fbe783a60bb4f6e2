import Glibc
import Lab
import Linux
import Networking
import Synchronization
import Testing

/// Who wants to use up what there is must not be felt by others: while an attack goes on, memory stays bounded and innocent clients are
/// served as without it.
///
/// At full length (FAIRLEAD_ATTACK_SECONDS, `make attacks`) their latency is measured: Fairlead has a processor, attackers and backends
/// have the other one, and what is measured goes before all else on either.
enum Attack {
    static let time = Duration.seconds(
        unsafe getenv("FAIRLEAD_ATTACK_SECONDS").flatMap { Int(unsafe String(cString: $0)) } ?? 2)
    static var isFull: Bool { self.time >= .seconds(10) }
    /// Fairlead has one processor then, and so one worker, as anywhere.
    static var options: [String] { self.isFull ? ["--workers", "1"] : [] }
    /// Below this nobody can say whether it was the attack: in a short run innocents, attack and Fairlead share the processors, with
    /// whatever else goes on.
    static var floor: Duration { self.isFull ? .zero : .milliseconds(200) }

    /// Clients of both versions, who ask for what the attack is not about.
    private struct Innocents {
        let http1: HTTPLoad
        let http2: HTTP2Load

        init(_ scene: IngressScene) throws {
            let request = HTTPLoad.Request(host: "b.example", path: "/", backends: ["b"])
            self.http1 = try HTTPLoad(
                from: scene.host, to: IngressScene.http, [request], rate: 50, connections: 8, freshEvery: 5,
                repeats: true)
            self.http2 = try HTTP2Load(
                from: scene.host, to: IngressScene.http, authority: "b.example", path: "/", rate: 50)
        }

        func stop() -> [HTTPLoadReport] { [self.http1.stop(), self.http2.stop()] }
    }

    private static let versions = ["HTTP/1.1", "HTTP/2"]
    /// Innocents without an attack: at full length once for all.
    private static let calm = Mutex<[[HTTPLoadReport]]?>(nil)

    /// Has innocent clients ask while `attack` goes on, and holds their latency against that without one.
    static func expectHarmless(
        _ what: String, memory limit: Int = 64 << 20, floor: Duration = Self.floor,
        sourceLocation: SourceLocation = #_sourceLocation, _ attack: (IngressScene) throws -> Void
    ) throws {
        let scene = try Stage.scene
        let process = scene.fairlead.process
        if self.isFull { try self.isolate(process.pid) }
        defer { if self.isFull { self.endIsolation(process.pid) } }
        let before = try self.calm.withLock { calm in
            if let calm, self.isFull { return calm }
            let reports = try self.calmReports(scene)
            calm = reports
            return reports
        }
        try process.resetPeakMemory()
        let resident = try process.residentMemory()
        let innocents = try self.innocents(scene)
        let end = ContinuousClock.now + self.time
        repeat { try attack(scene) } while self.isFull && ContinuousClock.now < end
        let during = innocents.stop()
        let growth = try process.peakMemory() - resident
        print("\(what): memory grew by \(growth >> 10) KiB")
        for (version, (before, during)) in zip(self.versions, zip(before, during)) {
            #expect(
                during.failed == 0 && during.sent > 0, "\(what): \(version): \(during.failures)",
                sourceLocation: sourceLocation)
            for share in [0.5, 0.99] {
                let latency = during.latency(share)
                let calm = before.map { $0.latency(share) }.max() ?? .zero
                print("\(what): \(version): p\(Int(share * 100)) \(latency), without it \(calm)")
                #expect(
                    latency <= max(calm * 2, Sanitizer.bound(floor)), "\(what): \(version)",
                    sourceLocation: sourceLocation)
            }
        }
        #expect(growth < Sanitizer.bound(limit), "\(what): \(growth >> 20) MiB", sourceLocation: sourceLocation)
        expectOwnAnswer(try scene.connect(), what, sourceLocation: sourceLocation)
        expectOwnAnswer(try scene.converse(), what, sourceLocation: sourceLocation)
    }

    /// Of each version: with the other processor idle, from which it wakes up, and busy, as one or the other is during an attack.
    private static func calmReports(_ scene: IngressScene) throws -> [[HTTPLoadReport]] {
        let idle = try self.innocents(scene)
        pause(self.isFull ? self.time : .milliseconds(700))
        let reports = idle.stop()
        guard self.isFull else { return reports.map { [$0] } }
        let busy = try self.innocents(scene)
        try self.beBusy(scene)
        return zip(reports, busy.stop()).map { [$0, $1] }
    }

    /// Their latency is measured, not who gets the processor that they share with the attack.
    private static func innocents(_ scene: IngressScene) throws -> Innocents {
        try self.isFull ? withRealTimePriority { try Innocents(scene) } : Innocents(scene)
    }

    /// Gives the processor of all but Fairlead as much to do as an attack does, with requests that do not go through it: what the
    /// innocents lose by that is not Fairlead's.
    private static func beBusy(_ scene: IngressScene) throws {
        let address = SocketAddress(IPAddress(127, 0, 0, 1), 8999)
        let (stop, ready) = (try WakeUp(), try WakeUp())
        let thread = try OSThread {
            do {
                try scene.host.namespace.enter()
                var backend = try MeasuredBackend(on: address)
                ready.signal()
                try backend.serve(until: stop)
            } catch {
                Issue.record("the other backend ended: \(error)")
                ready.signal()
            }
        }
        defer {
            stop.signal()
            thread.join()
        }
        _ = try Poller.wait(readable: [ready.number], timeout: .seconds(10))
        var load = try scene.host.run {
            try MeasuredLoad(
                to: address, connections: 8, requests: [MeasuredLoad.request(host: "other.example", path: "/")],
                expectedBody: MeasuredBackend.smallBody)
        }
        let end = ContinuousClock.now + self.time
        while ContinuousClock.now < end { _ = try load.run(.closed(concurrency: 8), count: 1000) }
    }

    // MARK: - Processors

    private static func isolate(_ proxy: Int32) throws {
        try self.run(
            "taskset -a -p -c 0 \(proxy) && taskset -a -p -c 1 \(getpid()) && \(self.schedule("-f", 1, proxy))")
    }

    private static func endIsolation(_ proxy: Int32) {
        try? self.run(
            "taskset -a -p -c 0-1 \(proxy); taskset -a -p -c 0-1 \(getpid()); \(self.schedule("-o", 0, proxy))")
    }

    /// Workers alone: whatever else Fairlead does is not to be in their way.
    private static func schedule(_ policy: String, _ priority: Int, _ proxy: Int32) -> String {
        """
        for task in /proc/\(proxy)/task/*; do
            case $(cat $task/comm) in http-*) chrt \(policy) -p \(priority) ${task##*/} || exit 1;; esac
        done
        """
    }

    /// A thread that ends while threads are listed is a failure of taskset's; it needs nothing any more.
    private static func run(_ script: String) throws {
        var error = ""
        for _ in 0..<5 {
            let completion = try ChildProcess.run(["sh", "-c", script])
            if completion.succeeded { return }
            error = completion.errorOutput
        }
        throw LabError(error)
    }
}
