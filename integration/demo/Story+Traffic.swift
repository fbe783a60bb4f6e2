internal import Lab
internal import Linux
internal import Networking

// Chapters 1 to 3: the place, the ways to the Service, the spread.

extension Story {
    func introduce() throws {
        self.terminal.heading(1, "A node with three pods, and a client outside")
        let picture = """
              client ───────────────── node ──┬── pod-1   10.244.1.2   fd00:10:244:1::2
              192.168.50.1    192.168.50.2    ├── pod-2   10.244.1.3   fd00:10:244:1::3
              fd00:50::1        fd00:50::2    └── pod-3   10.244.1.4   fd00:10:244:1::4
            """
        for line in picture.split(separator: "\n") { self.terminal.write("  \(line)") }
        self.terminal.write()
        self.terminal.say("Two Services, as files:")
        for (file, fields) in [("web.yaml", ["IPs:", "port:", "nodePort:"]), ("empty.yaml", ["IPs:", "port:"])] {
            self.terminal.write("    \(self.terminal.styled(file, .bold))")
            for line in try self.manifests.read(file).split(separator: "\n").map(String.init)
            where line.hasPrefix("  name:") || fields.contains(where: line.contains) {
                self.terminal.quote(line)
            }
        }
        self.terminal.write()
        let arguments = "--manifests DIR --cluster-cidr \(Lab.clusterCIDR)"
        self.terminal.command("node", "fairlead node \(arguments) --nodeport-addresses ...")
        let start = ContinuousClock.now
        let fairlead = try self.startFairlead()
        let answers = try waitUntil(timeout: .seconds(20)) {
            guard fairlead.process.isRunning else {
                throw DemoFailure(description: "fairlead ended at once: \(fairlead.process.errorOutput)")
            }
            let probe = try self.lab.client.tcp(to: Self.vip, port: Self.echoPort, timeout: .milliseconds(10))
            return probe.isAnswered
        }
        let duration = inMilliseconds(ContinuousClock.now - start)
        try self.check(answers, "the Service answers \(duration) after the start of the program")
    }

    func reachTheService() throws {
        self.terminal.heading(2, "The same address from everywhere")
        let pod = self.lab.pods[0]
        self.terminal.say("A pod is seen as itself. Host and outside are masqueraded, so that answers find back.")
        self.terminal.write()
        for vip in [Self.vip, Self.vip6] {
            try self.fetch(from: self.lab.node, vip, 80)
            try self.fetch(from: pod, vip, 80)
            try self.fetch(from: self.lab.client, vip, 80)
        }
        self.terminal.write()
        self.terminal.say("From outside there are two more ways in: the external address and the node port.")
        self.terminal.write()
        try self.fetch(from: self.lab.client, Self.externalIP, 80)
        try self.fetch(from: self.lab.client, self.lab.node.ipv4, Self.nodePort)
        try self.fetch(from: self.lab.client, self.lab.node.ipv6, Self.nodePort)
        self.terminal.write()
        self.terminal.say("A pod behind the Service reaches itself through it as well.")
        var isSeenThroughGateway = false
        let reached = try waitUntil(timeout: .seconds(5)) {
            let probe = try pod.tcp(to: Self.vip, port: Self.echoPort)
            isSeenThroughGateway = probe.source == self.lab.podGateway(.ipv4)
            return probe.server == pod.name
        }
        try self.check(reached && isSeenThroughGateway, "pod-1 reached pod-1, seen as \(self.lab.podGateway(.ipv4))")
    }

    /// One request with curl: who answered, and whom it saw.
    private func fetch(from host: Host, _ address: IPAddress, _ port: UInt16) throws {
        let name = address.family == .ipv4 ? "\(address)" : "[\(address)]"
        let url = port == 80 ? "http://\(name)/" : "http://\(name):\(port)/"
        // -g: the brackets of an IPv6 address are no pattern.
        let completion = try self.show(host, "curl -sS -g --max-time 2 \(url)")
        guard let response = Response(completion.output) else {
            throw DemoFailure(description: "\(url) from \(host.name): \(completion.status)")
        }
        let isPlainPod = host.name.hasPrefix("pod") && response.server != host.name
        let expected = isPlainPod ? host.address(address.family) : self.lab.podGateway(address.family)
        let kind = isPlainPod ? "as itself" : "as \(expected), the node"
        try self.check(
            response.client == expected, "\(response.server) answered, and saw \(host.name) \(kind)",
            "it saw \(response.client)")
    }

    func spread() throws {
        self.terminal.heading(3, "300 connections")
        let load = try LoadGenerator(
            from: self.lab.client, to: Self.vip, port: Self.echoPort, rate: 600, duration: .milliseconds(500))
        let report = load.finish()
        for pod in self.lab.pods {
            self.terminal.bar(pod.name, report.answeredBy[pod.name] ?? 0, of: report.answered)
        }
        self.terminal.write()
        try self.check(report.answered == 300, "all 300 were answered", "\(report)")
        let counts = self.lab.pods.map { report.answeredBy[$0.name] ?? 0 }
        // Chi-squared with two degrees of freedom; above 27.6 once in a million runs.
        let chiSquared = counts.map { Double(($0 - 100) * ($0 - 100)) / 100 }.reduce(0, +)
        try self.check(chiSquared < 27.6, "evenly, as far as chance allows", "\(counts)")
    }
}

/// `Hello from pod-2 (10.244.1.3), you are 10.244.1.4`.
private struct Response {
    let server: String
    let client: IPAddress

    init?(_ body: String) {
        let words = body.split { $0 == " " || $0 == "\n" }.map(String.init)
        guard words.count == 7, words[0] == "Hello", let client = IPAddress(words[6]) else { return nil }
        self.server = words[2]
        self.client = client
    }
}
