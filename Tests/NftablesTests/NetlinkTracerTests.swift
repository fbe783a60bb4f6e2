import Lab
import Linux
import Networking
import Nftables
import Testing

/// The kernel tells of packets that are marked.
@Suite(.serialized)
struct NetlinkTracerTests {
    /// Connects to a port of the sandbox where nobody listens, or is let.
    private static func connect(_ sandbox: Sandbox, _ address: IPAddress, _ port: UInt16) throws {
        _ = try sandbox.host.execute(["timeout", "0.2", "bash", "-c", "</dev/tcp/\(address)/\(port)"])
    }

    private static func events(_ tracer: NetlinkTracer) throws -> [TraceEvent] {
        var events: [TraceEvent] = []
        #expect(try tracer.receive { events.append($0) })
        return events
    }

    @Test(arguments: [IPAddress(127, 0, 0, 1), IPAddress(ipv6High: 0, low: 1)])
    func eachRuleThatAPacketMeetsIsTold(address: IPAddress) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell(
            """
            nft -f - <<'END'
            table inet guard {
                chain checked { tcp dport 81 counter drop; }
                chain output { type filter hook output priority 0; policy accept; counter; jump checked; }
            }
            END
            """)
        let guardTable = TableReference(.inet, "guard")
        try sandbox.host.run {
            let tracer = try NetlinkTracer(.init(from: nil, to: address, .tcp, 81))
            try Self.connect(sandbox, address, 82)
            #expect(try Self.events(tracer) == [], "another port")
            try Self.connect(sandbox, address, 81)
            let events = try Self.events(tracer)
            let first = try #require(events.first)
            #expect(events.allSatisfy { $0.packet == first.packet })
            #expect(first.table == tracer.table)
            #expect(first.chain == "output")
            let headers = try #require(first.headers)
            #expect(headers.source == address)
            #expect(headers.destination == address)
            #expect(headers.destinationPort == 81)
            #expect(headers.sourcePort > 1023)
            let others = events.filter { $0.table == guardTable }
            #expect(others.map(\.chain) == ["output", "output", "checked"])
            #expect(others.map(\.verdict) == [.continue, .jump("checked"), .drop])
            let rules = try tracer.rules(of: guardTable)
            guard case .rule(let handle)? = others.last?.place else {
                Issue.record("no rule in \(others)")
                return
            }
            #expect(Expression.summary(try #require(rules[handle])) == "counter")
        }
    }

    @Test func itsTableIsItsOwnAndGoesWithIt() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.run {
            do {
                let tracer = try NetlinkTracer(
                    .init(from: IPAddress(127, 0, 0, 1), to: IPAddress(127, 0, 0, 1), .udp, 53))
                #expect(try sandbox.host.shell("nft list tables").contains(tracer.table.name))
                let deletion = try sandbox.host.execute(["nft", "delete", "table", "inet", tracer.table.name])
                #expect(!deletion.succeeded)
                withExtendedLifetime(tracer) {}
            }
            #expect(try sandbox.host.shell("nft list tables") == "")
        }
    }

    /// Whoever has many connections a second is not slowed down.
    @Test func onePacketASecond() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.run {
            let address = IPAddress(127, 0, 0, 1)
            let tracer = try NetlinkTracer(.init(from: nil, to: address, .tcp, 81))
            for _ in 0..<9 { try Self.connect(sandbox, address, 81) }
            let told = Set(try Self.events(tracer).filter { $0.chain == "output" }.map(\.packet))
            #expect((1..<9).contains(told.count))
        }
    }
}
