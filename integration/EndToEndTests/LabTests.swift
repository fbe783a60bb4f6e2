import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The lab itself: what the other tests stand on.
    @Suite struct LabTests {
        @Test(arguments: AddressFamily.allCases)
        func `every host reaches every other`(family: AddressFamily) throws {
            let lab = try Lab(pods: 2)
            defer { lab.tearDown() }
            let servers = try lab.hosts.map { try EchoServer(on: $0, port: 8080) }
            defer { for server in servers { server.stop() } }
            for from in lab.hosts {
                for to in lab.hosts {
                    let tcp = try from.tcp(to: to.address(family), port: 8080)
                    #expect(tcp.server == to.name, "\(from.name) to \(to.name): \(tcp)")
                    let udp = try from.udp(to: to.address(family), port: 8080)
                    #expect(udp.server == to.name, "\(from.name) to \(to.name): \(udp)")
                    let ping = try from.ping(to: to.address(family))
                    #expect(ping.isAnswered, "\(from.name) to \(to.name): \(ping)")
                }
            }
        }

        @Test func `refused, dropped and unreachable are told apart`() throws {
            let lab = try Lab(pods: 1)
            defer { lab.tearDown() }
            let pod = lab.pods[0]
            try lab.node.shell(
                """
                nft -f - <<'END'
                table inet lab {
                    chain forward { type filter hook forward priority 0; th dport 7 drop; th dport 9 reject; }
                    chain output { type filter hook output priority 0; th dport 7 drop; th dport 9 reject; }
                }
                END
                """)
            for family in AddressFamily.allCases {
                let address = pod.address(family)
                for host in [lab.client, lab.node] {
                    // Nobody listens, and a rule that rejects: both are refusals.
                    for port in [8080, 9] as [UInt16] {
                        #expect(try host.tcp(to: address, port: port).isRefused)
                        #expect(try host.udp(to: address, port: port).isRefused)
                    }
                    let timeout = Duration.milliseconds(150)
                    #expect(try host.tcp(to: address, port: 7, timeout: timeout) == .timedOut)
                    #expect(try host.udp(to: address, port: 7, timeout: timeout) == .timedOut)
                }
            }
            try pod.shell("ip route del default")
            let result = try pod.tcp(to: lab.client.ipv4, port: 80)
            guard case .unreachable = result else {
                Issue.record("without a route: \(result)")
                return
            }
        }

        /// The rules a Service proxy would make, by hand: what matters is that a pod can reach itself.
        @Test(arguments: AddressFamily.allCases)
        func `a pod reaches itself through a virtual address`(family: AddressFamily) throws {
            let lab = try Lab(pods: 2)
            defer { lab.tearDown() }
            let pod = lab.pods[0]
            let server = try EchoServer(on: pod, port: 8080)
            defer { server.stop() }
            let vip = family == .ipv4 ? "10.96.0.10" : "fd00:10:96::10"
            let match = "\(family == .ipv4 ? "ip" : "ip6") daddr \(vip) meta l4proto { tcp, udp } th dport 80"
            let target = family == .ipv4 ? "ip to \(pod.ipv4):8080" : "ip6 to [\(pod.ipv6)]:8080"
            try lab.node.shell(
                """
                nft -f - <<'END'
                table inet lab {
                    chain prerouting { type nat hook prerouting priority dstnat; \(match) dnat \(target); }
                    chain output { type nat hook output priority -100; \(match) dnat \(target); }
                    chain postrouting { type nat hook postrouting priority srcnat; ct status dnat masquerade; }
                }
                END
                """)
            let address = try #require(IPAddress(vip))
            for host in lab.hosts {
                let tcp = try host.tcp(to: address, port: 80)
                #expect(tcp.server == pod.name, "\(host.name): \(tcp)")
                let udp = try host.udp(to: address, port: 80)
                #expect(udp.server == pod.name, "\(host.name): \(udp)")
            }
        }

        @Test func `a conversation goes on while others come and go`() throws {
            let lab = try Lab(pods: 1)
            defer { lab.tearDown() }
            let server = try EchoServer(on: lab.pods[0], port: 8080)
            let conversation = try lab.client.converse(with: lab.pods[0].ipv4, port: 8080)
            let load = try LoadGenerator(
                from: lab.client, to: lab.pods[0].ipv4, port: 8080, rate: 1000, duration: .seconds(1))
            #expect(conversation.isAlive())
            let report = load.finish()
            #expect(report.started == 1000)
            #expect(report.answered == 1000)
            #expect(server.connections == 1001)
            #expect(try conversation.exchange("one more") == "one more")
            server.stop()
            #expect(!conversation.isAlive(timeout: .milliseconds(500)))
        }

        @Test func `an HTTP server answers curl`() throws {
            let lab = try Lab(pods: 2)
            defer { lab.tearDown() }
            let server = try HTTPEchoServer(on: lab.pods[1], port: 80)
            defer { server.stop() }
            let answer = try lab.pods[0].shell("curl --silent --max-time 2 http://\(lab.pods[1].ipv4)/")
            #expect(answer == "Hello from pod-2 (10.244.1.3), you are 10.244.1.2\n")
            let overIPv6 = try lab.client.shell("curl --silent --max-time 2 'http://[\(lab.pods[1].ipv6)]/'")
            #expect(overIPv6 == "Hello from pod-2 (fd00:10:244:1::3), you are fd00:50::1\n")
        }

        @Test func `nothing is left after the tear-down`() throws {
            let names: [String]
            do {
                let lab = try Lab(pods: 2)
                names = lab.hosts.map(\.namespace.name)
                #expect(Set(names).isSubset(of: NetworkNamespace.names()))
            }
            #expect(Set(names).isDisjoint(with: NetworkNamespace.names()))
        }

        @Test func `a child lives in its namespace and ends with its handle`() throws {
            let lab = try Lab(pods: 1)
            defer { lab.tearDown() }
            let devices = try lab.pods[0].shell("ls /sys/class/net >/dev/null; ip -brief link | cut -d' ' -f1")
            #expect(devices.contains("eth0"))
            #expect(!devices.contains("uplink"))
            let child = try lab.pods[0].spawn(["sleep", "60"])
            #expect(child.isRunning)
            #expect(child.waitForExit(timeout: .milliseconds(20)) == nil)
            #expect(child.kill() == .signalled(9))
            #expect(throws: SystemError.self) { try lab.client.spawn(["no-such-program"]) }
        }
    }
}
