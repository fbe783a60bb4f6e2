internal import Lab
internal import Linux
internal import Networking

// Chapters 4 to 7 and 9: what the kernel holds, what a change does to it, and what is left in the end.

extension Story {
    func lookIntoTheKernel() throws {
        self.terminal.heading(4, "What the kernel holds")
        self.terminal.say("The number of rules is constant. A Service is elements of maps, and the maps count.")
        self.terminal.write()
        let command = "nft list table inet fairlead"
        self.terminal.command("node", command)
        let listing = try self.lab.node.shell(command)
        var map = ""
        var shown = 0
        for line in listing.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.count == 3, ["map", "set", "chain"].contains(words[0]) { map = words[1] }
            guard line.contains("\(Self.vip) . "), shown < 12 else { continue }
            let element = words.drop { ["elements", "=", "{"].contains($0) }
            self.terminal.output("\(padded(map, 12)) \(element.joined(separator: " "))")
            shown += 1
        }
        self.terminal.write()
        try self.check(shown > 0, "the Service is in the maps of table inet fairlead")
        try self.check(listing.contains("counter packets"), "its packets are counted where they are directed")
    }

    func removeAnEndpoint() throws {
        self.terminal.heading(5, "An endpoint goes, its connections stay")
        let leaving = self.lab.pods[2]
        var found: TCPConversation?
        try waitUntil(timeout: .seconds(5)) {
            let conversation = try self.lab.client.converse(with: Self.vip, port: Self.echoPort)
            if conversation.answer.server == leaving.name { found = conversation }
            return found != nil
        }
        guard let conversation = found else { throw DemoFailure(description: "nothing reaches \(leaving.name)") }
        self.terminal.say("The client holds a connection to \(leaving.name) and opens 1000 new ones per second.")
        let monitor = try ChangeMonitor(self.lab.node)
        let load = try LoadGenerator(from: self.lab.client, to: Self.vip, port: Self.echoPort, rate: 1000)
        defer { load.stop() }
        pause(.milliseconds(300))
        try self.check(load.report.answeredBy[leaving.name] ?? 0 > 0, "\(leaving.name) gets its share of them")

        self.terminal.say("Its line is taken out of web-endpoints.yaml.")
        let before = try self.manifests.read("web-endpoints.yaml")
        let change = ContinuousClock.now
        try self.manifests.write("web-endpoints.yaml", self.slices(for: Array(self.lab.pods.dropLast())))
        pause(.milliseconds(1000))
        let report = load.stop()
        let last = report.lastStart[leaving.name] ?? change
        try self.check(
            last < change + .milliseconds(900),
            last <= change
                ? "no new connection has reached \(leaving.name) since, at one try per millisecond"
                : "the last new connection to \(leaving.name) was \(inMilliseconds(last - change)) after the change",
            "\(leaving.name) is still reached after \(inMilliseconds(last - change))")
        try self.check(
            report.failed + report.skipped == 0,
            "of \(report.started) new connections none failed; the slowest took \(inMilliseconds(report.slowest))",
            "\(report)")
        let changes = monitor.stop()
        try self.check(!changes.isEmpty, "the kernel announced \(changes.count) changed elements and rules, no more")
        let words = try conversation.exchange("still there?")
        try self.check(words == "still there?", "the open connection to \(leaving.name) still talks", words)

        try self.manifests.write("web-endpoints.yaml", before)
        let back = try waitUntil(timeout: .seconds(5)) {
            try self.lab.client.tcp(to: Self.vip, port: Self.echoPort).server == leaving.name
        }
        try self.check(back, "\(leaving.name) is back once its line is")
    }

    private func slices(for pods: [Host]) -> [any Manifest] {
        AddressFamily.allCases.map { family in
            EndpointSliceManifest(
                of: "web", family: family, endpoints: pods.map { .init($0.address(family)) },
                ports: [.init(8080), .init(7007, name: "echo")])
        }
    }

    func refuse() throws {
        self.terminal.heading(6, "A Service without endpoints says so at once")
        for host in [self.lab.node, self.lab.pods[0], self.lab.client] {
            let completion = try self.show(host, "curl -sS --max-time 3 http://\(Self.emptyVIP)/")
            let probe = try host.tcp(to: Self.emptyVIP, port: 80)
            let duration = probe.duration ?? .zero
            try self.check(
                completion.status == .exited(7) && probe.isRefused && duration < .seconds(1),
                "\(host.name) is refused after \(inMilliseconds(duration))", "\(completion.status), \(probe)")
        }
    }

    func killAndRestart() throws {
        self.terminal.heading(7, "Fairlead is killed, and nobody notices")
        let conversation = try self.lab.client.converse(with: Self.vip, port: Self.echoPort)
        let monitor = try ChangeMonitor(self.lab.node)
        let load = try LoadGenerator(from: self.lab.client, to: Self.vip, port: Self.echoPort, rate: 500)
        defer { load.stop() }
        guard let killed = self.fairlead else { return }
        self.terminal.command("node", "kill -9 \(killed.process.pid)")
        killed.kill9()
        pause(.milliseconds(500))
        try self.check(!killed.process.isRunning && load.report.failed == 0, "without it, traffic goes on")

        self.terminal.command("node", "fairlead node ...")
        let restarted = try self.startFairlead()
        guard let line = restarted.waitForLog(containing: "kernel: in force") else {
            throw DemoFailure(description: "the new Fairlead does not say that its rules are in force")
        }
        self.terminal.quote(line)
        // The word of the program is one thing; the kernel is asked as well, a little later.
        pause(.milliseconds(500))
        let changes = monitor.stop()
        try self.check(changes.isEmpty, "it read the kernel back and wrote nothing", changes.joined(separator: "; "))
        let report = load.stop()
        try self.check(
            report.failed + report.skipped == 0, "of \(report.started) new connections meanwhile none failed",
            "\(report)")
        try self.check(conversation.isAlive(), "the connection opened before the kill still talks")
    }

    func leaveNothing() throws {
        self.terminal.heading(9, "And away")
        let status = self.fairlead?.terminate()
        try self.check(
            status == .exited(0), "SIGTERM ends it with exit code 0", status.map { "\($0)" } ?? "it does not end")
        let still = try self.lab.client.tcp(to: Self.vip, port: Self.echoPort)
        try self.check(still.isAnswered, "what it programmed stays in force", "\(still)")
        self.terminal.command("node", "fairlead cleanup")
        let cleanup = try self.lab.node.execute([self.program, "cleanup"])
        self.terminal.output(cleanup.output)
        try self.check(cleanup.succeeded, "it cleans up", "\(cleanup.status): \(cleanup.errorOutput)")
        let tables = try self.show(self.lab.node, "nft list tables").output
        try self.check(!tables.contains("fairlead"), "no table of Fairlead is left in the kernel", tables)
        self.cleanUp()
        let names = Set(self.lab.hosts.map(\.namespace.name))
        try self.check(names.isDisjoint(with: NetworkNamespace.names()), "no namespace of the demo is left")
    }
}

/// What changes in the nftables of a host, as `nft monitor` tells it.
private final class ChangeMonitor: Sendable {
    private let process: ChildProcess

    init(_ host: Host) throws {
        self.process = try host.spawn(["nft", "monitor"])
        // It subscribes a moment after it starts, and says nothing about it.
        pause(.milliseconds(100))
    }

    /// The changes so far, without the comments about generations.
    func stop() -> [String] {
        self.process.terminate()
        return self.process.output.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }
}
