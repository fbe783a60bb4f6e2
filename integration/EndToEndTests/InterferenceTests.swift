import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Other programs and Fairlead in one kernel: what they do to its table is repaired, what is theirs
    /// it leaves alone.
    @Suite struct InterferenceTests {
        /// What somebody may do to the table of Fairlead, each of which breaks a Service or adds one.
        static let damages: [(what: String, command: String)] = [
            ("flush of everything", "nft flush ruleset"),
            ("deletion of the table", "nft delete table inet fairlead"),
            ("flush of the rules", "nft flush table inet fairlead"),
            (
                "deletion of a rule",
                """
                nft delete rule inet fairlead prerouting handle \
                $(nft -a list chain inet fairlead prerouting | sed -n 's/.*# handle //p' | tail -1)
                """
            ),
            ("flush of a map", "nft flush map inet fairlead frontends4"),
            ("flush of endpoints", "nft flush map inet fairlead endpoints4"),
            (
                "a rogue rule",
                "nft insert rule inet fairlead services ip daddr 10.96.0.10 drop"
            ),
            (
                "a rogue element",
                "nft add element inet fairlead frontends4 '{ 10.96.0.77 . tcp . 80 : goto no-endpoints }'"
            ),
        ]

        @Test(arguments: Self.damages.indices)
        func `is repaired within a second, and said`(index: Int) throws {
            let damage = Self.damages[index]
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let target = web.clusterIP(.ipv4)
            let rogue = SocketAddress.clusterIP(77, .ipv4)
            let before = try scene.node.shell("nft -s list table inet fairlead")
            let lines = scene.fairlead.log.count
            let start = ContinuousClock.now
            try scene.node.shell(damage.command)
            let duration = expectSoon("repaired", since: start) {
                scene.fairlead.waitForLog(containing: "has been repaired", skipping: lines, timeout: .zero) != nil
            }
            print("\(damage.what): repaired \(duration.milliseconds) ms after the command was started")
            let line = try #require(
                scene.fairlead.waitForLog(containing: "has been repaired", skipping: lines, timeout: .zero))
            #expect(line.contains("by=\"nft (process "), "\(line)")
            try expectAnswered([scene.client, scene.pods[0]], target)
            try expectUnserved([scene.client], rogue)
            #expect(try scene.node.shell("nft -s list table inet fairlead") == before)
        }

        /// While the kernel refuses everything, and the balancer may not step in, Fairlead waits, without turning in circles; when it no longer
        /// does, the Services are back at once and not after the longest pause.
        @Test func `a table that somebody else owns is waited for`() throws {
            let scene = try Scene(pods: 2, ["--dataplane", "nftables"])
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let owner = try scene.node.spawn([
                "sh", "-c",
                """
                { echo 'delete table inet fairlead; add table inet fairlead { flags owner; }'; sleep 1;
                echo 'add chain inet fairlead intruder'; sleep 2; } | nft -i
                """,
            ])
            let line = scene.fairlead.waitForLog(containing: "another program owns the table")
            #expect(line != nil, "\(scene.fairlead.log.suffix(3))")
            // The second edit comes while a retry is pending.
            pause(.milliseconds(1200))
            let before = try Self.processorTicks(scene.fairlead.process.pid)
            pause(.seconds(1))
            let ticks = try Self.processorTicks(scene.fairlead.process.pid) - before
            #expect(ticks < 50, "\(ticks) of 100 ticks of a second spent waiting")
            owner.waitForExit(timeout: .seconds(10))
            try expectSoon("answers once the owner is gone") {
                try scene.client.probe(.tcp, web.clusterIP(.ipv4), timeout: .milliseconds(50)).isAnswered
            }
        }

        /// User and system time of a process, in hundredths of a second (proc(5), fields 14 and 15).
        private static func processorTicks(_ pid: Int32) throws -> Int {
            let bytes = try Descriptor.open("/proc/\(pid)/stat", flags: 0).readToEnd(limit: 4096)
            let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            return try #require(Int(fields[11])) + #require(Int(fields[12]))
        }

        /// `fairlead node 2>&1 | head -1` is enough for that.
        @Test func `a log that nobody reads any more does not end it`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            _ = scene.fairlead.terminate()
            let binary = try FairleadProcess.locate()
            let command = "exec \(binary) node --manifests \(scene.folder.path) 2> >(head -n 1 >/dev/null)"
            let deaf = try scene.node.spawn(["bash", "-c", command])
            defer { _ = deaf.terminate() }
            // Several lines are lost before and after this change is in force.
            for last in UInt8(90)..<94 {
                let address = IPAddress(10, 96, 0, last)
                try scene.folder.write("late.yaml", [ServiceManifest("late", clusterIPs: [address], ports: [.init(1)])])
                try expectSoon("change \(last) is in force") {
                    try scene.client.probe(.tcp, SocketAddress(address, 1), timeout: .milliseconds(100)).isRefused
                }
            }
            #expect(deaf.isRunning)
        }

        @Test func `a program that does not stop is repaired again and again`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            for _ in 0..<4 {
                try scene.node.shell("nft flush table inet fairlead")
                try expectSoon("answers again") {
                    try scene.client.probe(.tcp, web.clusterIP(.ipv4), timeout: .milliseconds(50)).isAnswered
                }
            }
            // Changes still get through.
            try scene.put(Application("other", number: 11, on: scene.pods))
            try expectAnswered(scene.vantagePoints, .clusterIP(11, .ipv6))
        }

        /// With counters, sets, handles and a table of nearly the same name.
        private static let foreignTables = """
            nft -f - <<'END'
            table inet fairlead-foreign {
                counter kept { packets 3 bytes 180 }
                set blocked { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 } }
                chain input {
                    type filter hook input priority 0; policy accept;
                    meta mark 0xdead counter packets 7 bytes 420 accept
                    ip saddr @blocked counter name kept drop
                }
            }
            table ip fairlead {
                chain output {
                    type nat hook output priority -100; policy accept;
                    meta mark 0xbeef counter packets 1 bytes 60 accept
                }
            }
            END
            """

        private static func foreignState(_ node: Host) throws -> String {
            try node.shell("nft -a list table inet fairlead-foreign; nft -a list table ip fairlead")
        }

        @Test func `foreign tables stay as they are`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            scene.fairlead.terminate()
            try scene.node.shell(Self.foreignTables)
            let before = try Self.foreignState(scene.node)
            try scene.start()
            #expect(try Self.foreignState(scene.node) == before, "after the start")
            try scene.put(Application(on: scene.pods))
            try scene.put(Application(on: []))
            #expect(try Self.foreignState(scene.node) == before, "after changes")
            let lines = scene.fairlead.log.count
            try scene.node.shell("nft delete table inet fairlead")
            #expect(scene.fairlead.waitForLog(containing: "has been repaired", skipping: lines) != nil)
            #expect(try Self.foreignState(scene.node) == before, "after a repair")
            scene.fairlead.terminate()
            let cleanup = try scene.node.execute([try FairleadProcess.locate(), "cleanup"])
            #expect(cleanup.status == .exited(0))
            #expect(try Self.foreignState(scene.node) == before, "after cleanup")
            #expect(try scene.node.shell("nft list tables") == "table inet fairlead-foreign\ntable ip fairlead\n")
        }
    }
}
